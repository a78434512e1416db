/** Shows every HTTP request and response while debugging is on, without secrets. */

import type { FetchLike } from '@modelcontextprotocol/client'
import type { Output } from './output.ts'
import type { Settings } from './settings.ts'
import { block } from './text.ts'

/** The setting is read at each request, so that `debug on` works in the middle of a session. */
export function debugFetch(fetch: FetchLike, settings: Settings, output: Output): FetchLike {
  return async (url, init) => {
    if (!settings.debug) return fetch(url, init)
    const say = (line: string): void => output.note(output.style('dim', block(line)))
    say(`→ ${init?.method ?? 'GET'} ${redactQuery(url)}`)
    for (const [name, value] of new Headers(init?.headers)) say(`    ${header(name, value)}`)
    if (init?.body) say(`    ${body(String(init.body))}`)
    const started = Date.now()
    const response = await fetch(url, init)
    say(`← ${response.status} after ${Date.now() - started} ms`)
    for (const [name, value] of response.headers) say(`    ${header(name, value)}`)
    if (response.headers.get('content-type')?.includes('json')) {
      response
        .clone()
        .text()
        .then((text) => say(`    ${body(text)}`))
        .catch(() => {})
    }
    return response
  }
}

const SECRET_HEADERS =
  /^(authorization|cookie|set-cookie|proxy-authorization|mcp-session-id|x-api-key)$/
const SECRET_NAMES =
  /token|secret|password|passwd|assertion|authorization|api[-_]?key|credential|^code$|^code_verifier$|^state$/i

function header(name: string, value: string): string {
  return `${name}: ${SECRET_HEADERS.test(name) ? redacted(value) : value}`
}

/** Keeps the scheme and the length of a token visible, which help to find mistakes. */
function redacted(value: string): string {
  const [scheme, rest] = value.split(' ', 2)
  return rest === undefined
    ? `[${value.length} characters]`
    : `${scheme} [${rest.length} characters]`
}

function redactQuery(url: string | URL): string {
  const copy = new URL(url)
  for (const name of copy.searchParams.keys()) {
    if (SECRET_NAMES.test(name)) copy.searchParams.set(name, 'hidden')
  }
  return copy.href
}

function body(text: string): string {
  return (json(text) ?? form(text) ?? '[not shown]').slice(0, 4_000)
}

function json(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), (name, value) =>
      typeof value === 'string' && isSecret(name) ? '[hidden]' : value,
    )
  } catch {
    return undefined
  }
}

/** Names in JSON-RPC and metadata that look like secrets but are not, and are needed to follow a session. */
function isSecret(name: string): boolean {
  return (
    SECRET_NAMES.test(name) && !/^(progressToken|token_type|.*_endpoint|.*_supported)$/.test(name)
  )
}

function form(text: string): string | undefined {
  if (!/^[\w.-]+=[^\s]*$/.test(text)) return undefined
  const fields = [...new URLSearchParams(text)]
  return fields
    .map(([name, value]) => `${name}=${SECRET_NAMES.test(name) ? '[hidden]' : value}`)
    .join('&')
}

/** Whether a line may contain a secret and must not be written to the history file. */
export function holdsSecret(line: string): boolean {
  return (
    /(token|secret|password|passwd|api[-_]?key|credential|authorization|bearer)["']?\s*[:=\s]\s*\S/i.test(
      line,
    ) || /\beyJ[\w-]{10,}\.[\w-]+\./.test(line)
  )
}
