/** The Node door: an HTTP server around `mcp.fetch` that stops in good order. */
import { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as listen } from '@hono/node-server'
import type { Mcp, Platform } from '../src/index.ts'
import { preload } from '../src/index.ts'
import { hasDotSegment } from './dot-segments.ts'

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
  /** Address to bind to. @default 127.0.0.1: nobody but this machine (B4) */
  host?: string
  /** Milliseconds that running calls get when the server stops. @default 10 seconds */
  grace?: number
  /**
   * Take the public URL from `X-Forwarded-Host` and `X-Forwarded-Proto`, and with it the addresses in
   * the metadata of authorization. Only behind a proxy that sets both: anybody else may write them.
   * @default false
   */
  trustProxy?: boolean
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
  const { trustProxy = false } = options
  const server = listen({
    // what this door knows of a request is nothing that the request itself could say, unless told so
    fetch: (request, { incoming }) => {
      // A URL that differs from the request target was normalized: `/x/../mcp` must not reach `/mcp`.
      const { url: target = '' } = incoming
      if (!request.url.endsWith(target) && hasDotSegment(target)) {
        return new Response(null, { status: 404 })
      }
      const body = (limit: number) => readBody(incoming as Incoming, limit)
      const rawBody = { request, body }
      return mcp.fetch(request, {
        platform: trustProxy ? { ...toPlatform(request), rawBody } : { rawBody },
      })
    },
    port,
    hostname: host,
    serverOptions: { IncomingMessage: Incoming },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  // a client that waits already comes first
  setTimeout(preload, 100).unref()

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await mcp.close({ grace })
      // a connection is idle only when the last bytes of its reply are out
      const idle = setInterval(() => {
        if ('closeIdleConnections' in server) server.closeIdleConnections()
      }, 10)
      // what has not ended by now belongs to clients that do not read
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
 * A request that knows whether an app in front has asked for its body, or cloned it: the stream that it
 * was given pauses Node's where nobody reads on, and either reader would miss what the other gets.
 * Before it makes one, @hono/node-server looks here for a body that its host has read already.
 */
class Incoming extends IncomingMessage {
  declare asked?: true
  get rawBody(): undefined {
    this.asked = true
    return undefined
  }
}

/**
 * The body as Node has it: through the request its bytes would be copied. A promise of undefined when it
 * is longer than `limit`; undefined where the request alone knows what is to be had.
 */
function readBody(incoming: Incoming, limit: number): Promise<Uint8Array | undefined> | undefined {
  if (Number(incoming.headers['content-length']) > limit) return Promise.resolve(undefined)
  // read by somebody already, or sent whole by a client that left
  if (incoming.readableDidRead || incoming.destroyed || incoming.asked) return undefined
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= limit) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(undefined)
      }
    })
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.on('error', reject)
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(new Error('The client left before its request was whole'))
    })
  })
}

/** Where clients find this server, in the words of the proxy in front of it; nothing where it said nothing sensible. */
function toPlatform({ headers }: Request): Platform {
  // a proxy that appends puts its own word last
  const last = (name: string) => headers.get(name)?.split(',').at(-1)?.trim() ?? ''
  const [proto, host] = [last('x-forwarded-proto'), last('x-forwarded-host')]
  const sound = /^https?$/.test(proto) && /^(?:[\w.-]+|\[[\da-f:]+])(?::\d+)?$/i.test(host)
  const url = `${proto}://${host}`
  return sound && URL.canParse(url) ? { baseUrl: new URL(url).origin } : {}
}
