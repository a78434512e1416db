/** JSON-RPC 2.0 messages: their kinds, and their JSON text. */
import { isObject } from '../lib/is-object.ts'

/** The id of a JSON-RPC request. `1` and `"1"` are two ids. */
export type RequestId = string | number

export interface JsonRpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: Params
}

export interface JsonRpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Params
}

export interface JsonRpcResponse {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly result?: unknown
  readonly error?: unknown
}

export type Params = { readonly [key: string]: unknown }

/** A string or an integer; null and fractions are not ids (B6). */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

export type Message =
  | { kind: 'request'; message: JsonRpcRequest }
  | { kind: 'notification'; message: JsonRpcNotification }
  | { kind: 'response'; message: JsonRpcResponse }
  | { kind: 'invalid'; id: RequestId | null }

/** Determines the kind of one message. An invalid one keeps its id, if it can be read. */
export function parseMessage(value: unknown): Message {
  if (!isObject(value)) return { kind: 'invalid', id: null }
  const { id, method, params } = value
  const invalid = (): Message => ({ kind: 'invalid', id: isRequestId(id) ? id : null })
  if (value.jsonrpc !== '2.0') return invalid()
  if (method === undefined) {
    const answers = 'result' in value !== 'error' in value
    return answers && isRequestId(id)
      ? { kind: 'response', message: value as unknown as JsonRpcResponse }
      : invalid()
  }
  if (typeof method !== 'string' || (params !== undefined && !isObject(params))) return invalid()
  if (!('id' in value)) {
    return { kind: 'notification', message: value as unknown as JsonRpcNotification }
  }
  return isRequestId(id)
    ? { kind: 'request', message: value as unknown as JsonRpcRequest }
    : invalid()
}

/**
 * Whether JSON text nests deeper than `limit`. It is checked before parsing, because recursive code
 * handles the parsed value: 10,000 brackets would overflow the stack there.
 */
export function nestsDeeper(text: string, limit: number): boolean {
  // Nearly every body has fewer brackets than allowed levels, and needs no scan.
  if (occurrences(text, '{', limit) + occurrences(text, '[', limit) <= limit) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

/** Counts a character in a text, and stops counting above `most`. */
function occurrences(text: string, character: string, most: number): number {
  let count = 0
  let at = text.indexOf(character)
  while (at >= 0 && count <= most) {
    count++
    at = text.indexOf(character, at + 1)
  }
  return count
}

const idText = (id: RequestId | null) => (typeof id === 'number' ? `${id}` : JSON.stringify(id))

/** A response whose result is already JSON text. */
export function resultMessage(id: RequestId, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idText(id)},"result":${resultJson}}`
}

export function notificationMessage(method: string, params?: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}

export function requestMessage(id: RequestId, method: string, params?: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}
