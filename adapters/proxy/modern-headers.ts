/** The headers that repeat parts of a 2026 request: its name, and the arguments that a tool marks. */

import type { Json } from '../bridge/peer.ts'
import { isJson } from '../bridge/peer.ts'

const NAMED: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

export function namedHeaders(method: string, params: Json): Record<string, string> {
  const member = NAMED.get(method)
  return member ? { 'mcp-name': encode(String(params[member])) } : {}
}

/** Which arguments of which tools travel as headers, as the remote server lists them (`x-mcp-header`). */
export class ParamHeaders {
  readonly #tools = new Map<string, readonly (readonly [header: string, path: string[]])[]>()

  learn(tools: unknown): void {
    if (!Array.isArray(tools)) return
    for (const tool of tools.filter(isJson)) {
      const found: (readonly [string, string[]])[] = []
      collect(tool.inputSchema, [], found)
      if (found.length > 0) this.#tools.set(String(tool.name), found)
      else this.#tools.delete(String(tool.name))
    }
  }

  of({ name, arguments: args }: Json): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const [header, path] of this.#tools.get(String(name)) ?? []) {
      let value: unknown = args
      for (const member of path) {
        value = isJson(value) && Object.hasOwn(value, member) ? value[member] : undefined
      }
      if (value !== undefined && value !== null) {
        headers[`mcp-param-${header}`] = encode(String(value))
      }
    }
    return headers
  }
}

function collect(schema: unknown, path: string[], found: (readonly [string, string[]])[]): void {
  if (!isJson(schema) || !isJson(schema.properties)) return
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isJson(property)) continue
    const header = property['x-mcp-header']
    if (typeof header === 'string') found.push([header.toLowerCase(), [...path, name]])
    collect(property, [...path, name], found)
  }
}

/** Plain ASCII without spaces at its ends is sent as it is, other texts in base64. */
function encode(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)) {
    return text
  }
  const bytes = new TextEncoder().encode(text)
  return `=?base64?${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}?=`
}
