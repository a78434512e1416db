/** Headers that repeat parts of the body, so that proxies need not read it. They must agree with it (C9, C12, C13). */
import type { Catalog } from '../handlers/registry.ts'
import { isObject } from '../lib/is-object.ts'
import { clip, headerMismatch } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'

/** The parameter that `Mcp-Name` repeats, by method. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

export function checkMethodHeaders(headers: Headers, method: string, params: Params): void {
  requireSame('Mcp-Method', headers.get('mcp-method'), method)
  const parameter = NAMED.get(method)
  const name = parameter && params[parameter]
  if (typeof name !== 'string') return
  const header = headers.get('mcp-name')
  requireSame('Mcp-Name', header && decode('Mcp-Name', header), name)
}

/** Headers of the tool's own parameters. An unknown tool is refused later, by its method, and so is a hidden one. */
export function checkParamHeaders(headers: Headers, { tools }: Catalog, params: Params): void {
  const tool = typeof params.name === 'string' ? tools.get(params.name) : undefined
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
    // 42.0 and 42 are the same integer.
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

const ENCODED = /^=\?base64\?(.*)\?=$/s
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Values that are not plain ASCII are sent as `=?base64?…?=`; an incomplete marker is plain text. */
function decode(header: string, value: string): string {
  const encoded = value.startsWith('=?') ? ENCODED.exec(value)?.[1] : undefined
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
