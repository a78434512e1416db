/** Listens on the loopback interface for the browser's redirect from the authorization server (RFC 8252 section 7.3). */

import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Problem } from './problem.ts'

export interface Callback {
  /** The redirect URI to give to the issuer. */
  readonly redirectUri: string
  /** Resolves with the query of the redirect. Rejects when `signal` aborts. */
  result(state: string, signal: AbortSignal): Promise<URLSearchParams>
  close(): Promise<void>
}

/** Listens at exactly `redirectUri`, or without one at any free port of 127.0.0.1. */
export async function listenForCallback(redirectUri?: string): Promise<Callback> {
  const wanted = new URL(redirectUri ?? 'http://127.0.0.1:0/callback')
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(wanted.hostname)
  if (wanted.protocol !== 'http:' || !loopback) {
    throw new Problem(`The redirect URI ${wanted.href} does not lead back to this machine.`, {
      next: 'Set OAUTH_REDIRECT_URI to the registered http://localhost:<port>/… address.',
    })
  }
  const waiting = new Map<string, (query: URLSearchParams) => void>()
  const answer = (path: string): { status: number; text: string } => {
    const url = new URL(path, wanted)
    if (url.pathname !== wanted.pathname) return { status: 404, text: 'Not found.' }
    const deliver = waiting.get(url.searchParams.get('state') ?? '')
    // This is a link of an attacker or a second visit, and must not end the login.
    if (deliver === undefined) return { status: 400, text: 'No one is waiting for this login.' }
    deliver(url.searchParams)
    return { status: 200, text: 'You can close this page and go back to the terminal.' }
  }
  // "localhost" may be an IPv4 or an IPv6 address, and browsers differ in which they try first.
  const hosts =
    wanted.hostname === 'localhost' ? ['127.0.0.1', '::1'] : [wanted.hostname.replace(/[[\]]/g, '')]
  const servers: Server[] = []
  let port = Number(wanted.port || 80)
  for (const host of redirectUri === undefined ? ['127.0.0.1'] : hosts) {
    const server = createServer((request, response) => {
      response.setHeader('connection', 'close')
      const { status, text } = answer(request.url ?? '/')
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
    })
    try {
      await listen(server, redirectUri === undefined ? 0 : port, host)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      // A machine without IPv6 still has the IPv4 address.
      if (host === '::1' && servers.length > 0 && code !== 'EADDRINUSE') continue
      await closeAll(servers)
      throw new Problem(`Port ${port} is taken, so the browser could not come back to it.`, {
        next: 'Stop what listens there, or set OAUTH_REDIRECT_URI to another registered address.',
        cause,
      })
    }
    port = (server.address() as AddressInfo).port
    servers.push(server)
  }
  return {
    redirectUri: redirectUri ?? `http://127.0.0.1:${port}/callback`,
    result: (state, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => reject(signal.reason)
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort, { once: true })
        waiting.set(state, (query) => {
          waiting.delete(state)
          signal.removeEventListener('abort', abort)
          resolve(query)
        })
      }),
    close: () => closeAll(servers),
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
}

async function closeAll(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      server.closeIdleConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    }),
  )
}
