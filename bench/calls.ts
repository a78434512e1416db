/** The requests of the benchmark, in both eras, with the headers that conforming clients send. */

export interface Call {
  readonly body: string
  readonly headers: Record<string, string>
}

/** The headers that conforming clients send with each POST. */
const POST = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const

const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'

/** A request of 2026-07-28, with the headers that repeat it. */
export function modern(method: string, params: object = {}): Call {
  const { name, _meta } = params as { name?: string; _meta?: object }
  return {
    headers: {
      ...POST,
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(name && { 'mcp-name': name }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
          ..._meta,
        },
      },
    }),
  }
}

/** The result of `initialize`: the revision, and the session if the server has sessions. */
export interface Handshake {
  readonly revision: string
  readonly session: string | undefined
}

/** A request of 2025, with the headers that the handshake agreed on. */
export function legacy(method: string, params: object, { revision, session }: Handshake): Call {
  return {
    headers: {
      ...POST,
      'mcp-protocol-version': revision,
      ...(session && { 'mcp-session-id': session }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  }
}

export const INITIALIZE: Call = {
  headers: POST,
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: LEGACY,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    },
  }),
}

export const ADD = { name: 'add', arguments: { a: 1, b: 2 } }

/** A call that reports progress: in one turn of the event loop, or with a turn between two events. */
export function count(steps: number, turns: boolean) {
  return { name: 'count', arguments: { steps, turns }, _meta: { progressToken: 1 } }
}
