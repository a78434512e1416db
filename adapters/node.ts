/** The Node adapter: an HTTP server around `mcp.fetch` that stops gracefully and disconnects clients that do not read. */
import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Server } from 'node:net'
import { serve as listen } from '@hono/node-server'
import type { Mcp, Platform } from '../src/index.ts'
import { preload } from '../src/index.ts'
import { hasDotSegment } from './dot-segments.ts'
import { BodyAwareMessage, readBody } from './node-body.ts'

export { readAuth } from './environment/auth.ts'
export { readAddress, readEnvironment } from './environment/node.ts'
export type { AuthEnvOptions } from './environment/oauth.ts'
export type { EnvironmentOptions, ServerOptions } from './environment/options.ts'
export { readServerOptions } from './environment/options.ts'
export { readStore } from './environment/store.ts'
export type { Environment } from './environment/variables.ts'
export { EnvironmentError } from './environment/variables.ts'

/** Options of {@link serve}. */
export interface ServeOptions {
  /** The port to listen on; 0 for any free port. @default 3000 */
  port?: number
  /** The address to listen on. @default 127.0.0.1: this machine only (B4) */
  host?: string
  /** Milliseconds that running calls get when the server stops. @default 10 seconds */
  grace?: number
  /**
   * Take the public URL, which the metadata of authorization shows, from `X-Forwarded-Host` and
   * `X-Forwarded-Proto`. Use it only behind a proxy that sets both, because clients can send them, too.
   * @default false
   */
  trustProxy?: boolean
  /**
   * Milliseconds after which a client that does not read its response is disconnected, also when the
   * response is one large JSON body. @default 30 seconds
   */
  drainTimeout?: number
  /** Stop at SIGINT and SIGTERM. @default true */
  signals?: boolean
  /**
   * A path such as `/health` whose GET answers 200 with `{"status":"Healthy"}` while the server takes
   * calls, and 503 during `stopDelay`. It needs no authorization, has no store operation, and
   * answers to every host name, as probes of a container come by its address.
   * @default none
   */
  health?: string
  /**
   * Milliseconds for which a server that was told to stop still takes calls, so that a load balancer
   * notices the 503 of `health` and sends new ones elsewhere.
   * @default 0
   */
  stopDelay?: number
  /**
   * Milliseconds for which a connection without a request is kept. Behind a balancer that keeps its own
   * for longer, such as an ALB, it must be more than that: a request on a connection that is being closed
   * is answered with 502.
   * @default 5 seconds, as in Node
   */
  keepAliveTimeout?: number
}

/** A server that listens. */
export interface NodeServer {
  readonly port: number
  /** Ends streams properly, lets running calls finish, closes every connection. */
  close(): Promise<void>
}

/**
 * Serves an MCP server over HTTP. Resolves when it listens; rejects when it cannot.
 *
 * @example
 * const { port } = await serve(mcp, { port: 3000 })
 */
export async function serve(
  mcp: Pick<Mcp, 'fetch' | 'close'> & Partial<Pick<Mcp, 'tasks'>>,
  options: ServeOptions = {},
): Promise<NodeServer> {
  const { port = 3000, host = '127.0.0.1', grace = 10_000, signals = true } = options
  const {
    trustProxy = false,
    drainTimeout = 30_000,
    health,
    stopDelay = 0,
    keepAliveTimeout,
  } = options
  let stopping = false
  const server = listen({
    // Without `trustProxy`, nothing that the client sends becomes part of the platform.
    fetch: (request, { incoming }) => {
      // A URL that differs from the request target was normalized: `/x/../mcp` must not reach `/mcp`.
      const { url: target = '' } = incoming
      if (target === health && request.method === 'GET') return healthResponse(stopping)
      if (!request.url.endsWith(target) && hasDotSegment(target)) {
        return new Response(null, { status: 404 })
      }
      const body = (limit: number) => readBody(incoming as BodyAwareMessage, limit)
      const rawBody = { request, body }
      return mcp.fetch(request, {
        platform: trustProxy ? { ...toPlatform(request), rawBody } : { rawBody },
      })
    },
    port,
    hostname: host,
    serverOptions: {
      IncomingMessage: BodyAwareMessage,
      ServerResponse: drainedResponse(drainTimeout),
      ...(keepAliveTimeout !== undefined && { keepAliveTimeout }),
    },
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  // The delay lets a client that waits already be served first.
  setTimeout(preload, 100).unref()
  // Tasks of a process that died before this one started. A store that is away now is asked again later.
  mcp.tasks?.resume().catch(() => {})

  let closing: Promise<void> | undefined
  const close = () => {
    stopping = true
    closing ??= (async () => {
      if (stopDelay > 0) await new Promise((resolve) => setTimeout(resolve, stopDelay))
      // The method of HTTP servers would also destroy connections on which bytes of a reply still wait.
      const closed = new Promise<void>((resolve) => {
        Reflect.apply(Server.prototype.close, server, [() => resolve()])
      })
      await mcp.close({ grace })
      const idle = setInterval(() => {
        // For Node a connection is idle when its reply is complete, although bytes of it may still wait.
        const sending = Array.from(sockets).some(({ writableLength }) => writableLength > 0)
        if (!sending && 'closeIdleConnections' in server) server.closeIdleConnections()
      }, 10)
      // The connections that are left belong to clients that do not read.
      const rest = setTimeout(() => {
        if ('closeAllConnections' in server) server.closeAllConnections()
      }, 1_000)
      await closed
      clearInterval(idle)
      clearTimeout(rest)
      process.off('SIGINT', close)
      process.off('SIGTERM', close)
    })()
    return closing
  }
  if (signals) {
    process.on('SIGINT', close)
    process.on('SIGTERM', close)
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** The casing of the status is what Bedrock AgentCore Runtime asks for. Other probes read the code alone. */
function healthResponse(stopping: boolean): Response {
  const headers = { 'cache-control': 'no-store' }
  return stopping
    ? Response.json({ status: 'Stopping' }, { status: 503, headers })
    : Response.json({ status: 'Healthy' }, { headers })
}

/**
 * Returns a class of responses that disconnect their client when the socket has written nothing for a time
 * although bytes wait. It uses the socket's own timer, which restarts with each write, and with each part
 * of a large one that the client has read. So small responses cost nothing more.
 */
function drainedResponse(timeout: number): typeof ServerResponse {
  const onTimeout = (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
    // A call that has not written anything yet may take longer than this time.
    else socket.setTimeout(timeout)
  }
  return class<Request extends IncomingMessage> extends ServerResponse<Request> {
    override assignSocket(socket: Socket): void {
      super.assignSocket(socket)
      socket.setTimeout(timeout)
      this.on('timeout', onTimeout)
    }
  }
}

/** Returns the public URL from the headers of the proxy; empty when they are missing or malformed. */
function toPlatform({ headers }: Request): Platform {
  // A proxy that appends to a header puts its own value last.
  const last = (name: string) => headers.get(name)?.split(',').at(-1)?.trim() ?? ''
  const [proto, host] = [last('x-forwarded-proto'), last('x-forwarded-host')]
  const sound = /^https?$/.test(proto) && /^(?:[\w.-]+|\[[\da-f:]+])(?::\d+)?$/i.test(host)
  const url = `${proto}://${host}`
  return sound && URL.canParse(url) ? { baseUrl: new URL(url).origin } : {}
}
