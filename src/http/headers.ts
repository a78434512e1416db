/** Headers that repeat what the body says, so that a proxy need not read it; they must agree (C9, C12, C13). */

import { isObject } from '../lib/is-object.ts'
import { clip, headerMismatch } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'

/** Which parameter `Mcp-Name` repeats. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

export function checkMethodHeaders(headers: Headers, method: string, params: Params): void {
  requireSame('Mcp-Method', headers.get('mcp-method'), method)
  const parameter = NAMED.get(method)
  const name = parameter && params[parameter]
  if (typeof name !== 'string') return
  const header = headers.get('mcp-name')
  requireSame('Mcp-Name', header && decode('Mcp-Name', header), name)
}

/** The tool's own parameters; an unknown tool is its method's business. */
export function checkParamHeaders(headers: Headers, { registry }: Server, params: Params): void {
  const tool = typeof params.name === 'string' ? registry.tools.get(params.name) : undefined
  for (const { header, path, type } of tool?.headers ?? []) {
    const value = path.reduce<unknown>(
      (node, name) => (isObject(node) && Object.hasOwn(node, name) ? node[name] : undefined),
      params.arguments,
    )
    const given = headers.get(header)
    if (value === undefined || value === null) {
      if (given !== null) throw headerMismatch(`${header} is set but the body has no such value`)
      continue
    }
    const text = given && decode(header, given)
    // 42.0 and 42 are one integer
    if (type === 'integer' && text && Number(text) === value) continue
    requireSame(header, text, String(value))
  }
}

function requireSame(header: string, given: string | null, expected: string): void {
  if (given === null) throw headerMismatch(`the ${header} header is missing`)
  if (given !== expected) {
    throw headerMismatch(
      `${header} header value '${clip(given)}' does not match body value '${clip(expected)}'`,
    )
  }
}

const SENTINEL = /^=\?base64\?(.*)\?=$/s
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Values that are not plain ASCII come as `=?base64?…?=`; half a sentinel is just text. */
function decode(header: string, value: string): string {
  const encoded = value.startsWith('=?') ? SENTINEL.exec(value)?.[1] : undefined
  if (encoded === undefined) {
    if (/[^\x20-\x7e\t]/.test(value))
      throw headerMismatch(`${header} has characters that need base64`)
    return value
  }
  if (!BASE64.test(encoded)) throw headerMismatch(`${header} is not valid base64`)
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw headerMismatch(`${header} is not valid UTF-8 in base64`)
  }
}
