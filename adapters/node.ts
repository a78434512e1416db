/** The Node adapter: an HTTP server around `mcp.fetch` that stops gracefully and disconnects clients that do not read. */
import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
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
  /** 0 for any free one. @default 3000 */
  port?: number
  /** Address to bind to. @default 127.0.0.1: this machine only (B4) */
  host?: string
  /** Milliseconds that running calls get when the server stops. @default 10 seconds */
  grace?: number
  /**
   * Take the public URL from `X-Forwarded-Host` and `X-Forwarded-Proto`, and with it the addresses in
   * the metadata of authorization. Only behind a proxy that sets both: anybody else may write them.
   * @default false
   */
  trustProxy?: boolean
  /**
   * Milliseconds after which a client that takes nothing of its reply is disconnected, also where the
   * reply is one large JSON body. @default 30 seconds
   */
  drainTimeout?: number
  /** Stop at SIGINT and SIGTERM. @default true */
  signals?: boolean
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
  mcp: Pick<Mcp, 'fetch' | 'close'>,
  options: ServeOptions = {},
): Promise<NodeServer> {
  const { port = 3000, host = '127.0.0.1', grace = 10_000, signals = true } = options
  const { trustProxy = false, drainTimeout = 30_000 } = options
  const server = listen({
    // Nothing of the platform comes from the request itself, unless `trustProxy` says so.
    fetch: (request, { incoming }) => {
      // A URL that differs from the request target was normalized: `/x/../mcp` must not reach `/mcp`.
      const { url: target = '' } = incoming
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
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  // A client that waits already comes first.
  setTimeout(preload, 100).unref()

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await mcp.close({ grace })
      // A connection is idle only when the last bytes of its reply are out.
      const idle = setInterval(() => {
        if ('closeIdleConnections' in server) server.closeIdleConnections()
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

/**
 * A response that disconnects its client when the socket has written nothing for a time although bytes
 * wait. Node's own timer of the socket does it, which costs a small reply nothing: it restarts with each
 * write, and with each part of a large one that the client has taken.
 */
function drainedResponse(timeout: number): typeof ServerResponse {
  const onTimeout = (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
    // A quiet call may take longer than that.
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

/** The public URL as the proxy in front tells it; empty when its headers are missing or malformed. */
function toPlatform({ headers }: Request): Platform {
  // A proxy that appends to a header puts its own value last.
  const last = (name: string) => headers.get(name)?.split(',').at(-1)?.trim() ?? ''
  const [proto, host] = [last('x-forwarded-proto'), last('x-forwarded-host')]
  const sound = /^https?$/.test(proto) && /^(?:[\w.-]+|\[[\da-f:]+])(?::\d+)?$/i.test(host)
  const url = `${proto}://${host}`
  return sound && URL.canParse(url) ? { baseUrl: new URL(url).origin } : {}
}
