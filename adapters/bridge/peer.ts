/** Another MCP server, as `mount()` and `proxy()` use it: requests to it, and what it sends on its own. */

import type { Context } from '../../src/index.ts'

/** Parameters or a result: a JSON object. */
export type Json = Record<string, unknown>

/** A message of JSON-RPC, as far as a bridge reads it. */
export interface Message {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: Json
  readonly result?: Json
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** A server that a bridge is connected to. */
export interface Peer {
  /** What the server says that it can do. */
  readonly capabilities: Json
  /**
   * Sends a request and resolves with its result. With `ctx`, questions, progress and log messages of the
   * server go to the client of that call, and the end of that call cancels the request.
   *
   * @throws {McpError} for an error that the client may see; any other exception is internal
   */
  request(method: string, params: Json, ctx?: Context): Promise<Json>
  close(): Promise<void>
}

/** Gets the notifications of a server that belong to no call, such as changes of its lists. */
export type OnNotification = (method: string, params: Json) => void

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
