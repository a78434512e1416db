/** A server of the official SDK in this process: both ends of its transport, and the calls on it. */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context } from '../../src/index.ts'
import { CLIENT_CAPABILITIES, PendingCall, tell } from '../bridge/call.ts'
import type { Json, Message, OnNotification, Peer } from '../bridge/peer.ts'
import { isJson } from '../bridge/peer.ts'
import { requireCarried } from '../bridge/refusals.ts'

/** The transport of the official SDKs, as far as both generations agree. */
interface SdkTransport {
  onmessage?: ((message: never, extra?: never) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  start(): Promise<void>
  send(message: never, options?: never): Promise<void>
  close(): Promise<void>
}

/** What `mount()` needs of the `Server` inside an `McpServer`. */
interface SdkProtocol {
  connect(transport: SdkTransport): Promise<void>
  close(): Promise<void>
  getClientCapabilities?(): unknown
  getClientVersion?(): unknown
}

/** An `McpServer` of `@modelcontextprotocol/sdk` (v1) or `@modelcontextprotocol/server` (v2). */
export interface OfficialServer {
  /** Begins to answer on a transport. */
  connect(transport: never): Promise<void>
  /** Ends its transport. */
  close(): Promise<void>
  /** The `Server` that an `McpServer` wraps. */
  readonly server: object
}

/** Methods that the bridge asks for, or that have no meaning behind it. */
const METHODS = new Set([
  ...['initialize', 'ping', 'logging/setLevel', 'completion/complete', 'server/discover'],
  ...['tools/list', 'tools/call', 'prompts/list', 'prompts/get', 'subscriptions/listen'],
  ...['resources/list', 'resources/templates/list', 'resources/read'],
  ...['resources/subscribe', 'resources/unsubscribe'],
])

const INFO = { name: 'streamable-mcp', version: '1' }

/** Connects a server of the official SDK. Its handlers run as if each call had a connection of its own. */
export async function connectOfficial(
  official: OfficialServer,
  onNotification: OnNotification,
  without: readonly string[] | undefined,
): Promise<Peer> {
  const server = official.server as SdkProtocol
  const calls = new Map<string | number, PendingCall>()
  // A handler that does not say which call it asks for is found by its asynchronous context.
  const current = new AsyncLocalStorage<PendingCall>()
  let next = 0

  const deliver = (message: Message, extra?: object) => {
    const receive = transport.onmessage as ((message: Message, extra?: object) => void) | undefined
    receive?.({ ...message, jsonrpc: '2.0' }, extra)
  }

  const transport: SdkTransport = {
    start: async () => {},
    async send(message: Message, options?: { relatedRequestId?: string | number }) {
      const { id, method, params } = message
      if (method === undefined) {
        // An error without an id answers a message that the server could not read.
        if (id !== undefined) calls.get(id)?.end(message)
        return
      }
      const related = options?.relatedRequestId
      const call = related === undefined ? current.getStore() : calls.get(related)
      if (id !== undefined) {
        const pending = call ?? new PendingCall(undefined, () => {})
        const answer = await pending.answer(message)
        deliver({ jsonrpc: '2.0', id, ...answer })
        return
      }
      const token = params?.progressToken
      const owner = typeof token === 'number' ? calls.get(token) : call
      if (owner?.ctx) tell(owner.ctx, method, params)
      onNotification(method, params ?? {})
    },
    async close() {
      for (const call of calls.values()) call.fail(new Error('The mounted server was closed'))
      transport.onclose?.()
    },
  }

  const request = async (method: string, params: Json, ctx?: Context): Promise<Json> => {
    const id = next++
    const call = new PendingCall(ctx, (reason) => {
      const params = { requestId: id, reason }
      deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    })
    calls.set(id, call)
    const meta = ctx && { _meta: { ...ctx.request.trace, progressToken: id } }
    try {
      current.run(call, () =>
        deliver(
          { jsonrpc: '2.0', id, method, params: { ...params, ...meta } },
          ctx && extraOf(ctx),
        ),
      )
      return await call.response
    } finally {
      calls.delete(id)
    }
  }

  await official.connect(transport as never)
  const hello = await request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: CLIENT_CAPABILITIES,
    clientInfo: INFO,
  })
  deliver({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const capabilities = isJson(hello.capabilities) ? hello.capabilities : {}
  const peer = { capabilities, request, close: () => official.close() }
  try {
    requireCarried('The mounted server', capabilities, without, furtherMethods(server))
  } catch (error) {
    await peer.close()
    throw error
  }
  // Handlers ask for these to choose what to do, and each call has a client of its own.
  server.getClientCapabilities = () =>
    current.getStore()?.ctx?.request.capabilities ?? CLIENT_CAPABILITIES
  server.getClientVersion = () => current.getStore()?.ctx?.request.client ?? INFO
  return peer
}

/** The methods of a server that are not MCP's. Both generations keep their handlers in this map. */
function furtherMethods(server: object): string[] {
  const handlers: unknown = Reflect.get(server, '_requestHandlers')
  if (!(handlers instanceof Map)) return []
  const names: string[] = [...handlers.keys()].map(String)
  return names.filter((name) => !METHODS.has(name) && !name.startsWith('tasks/'))
}

/** What handlers see of the HTTP request. It has no credentials, so the token is empty. */
function extraOf({ principal, request }: Context): object {
  return {
    requestInfo: { headers: Object.fromEntries(request.headers) },
    ...(principal && {
      authInfo: {
        token: '',
        clientId: principal.clientId ?? principal.subject,
        scopes: [...principal.scopes],
        extra: { subject: principal.subject, claims: principal.claims },
      },
    }),
  }
}
