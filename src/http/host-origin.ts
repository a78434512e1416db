/** Which hosts a request may name and which web pages may send it: protection against DNS rebinding. */
import type { Platform } from '../auth/auth.ts'
import { isLoopback, isLoopbackOrigin } from '../lib/loopback.ts'
import { code, McpError } from '../protocol/errors.ts'
import { errorResponse } from './responses.ts'
import * as status from './status.ts'

/** Which hosts and origins are allowed. */
export interface HostOriginOptions {
  /**
   * Host names that this server answers to, with or without a port; `*` for any.
   * @default the names of this machine's loopback interface
   */
  allowedHosts?: readonly string[] | undefined
  /**
   * Origins of web pages that may call, such as `https://app.example.com`; `*` for any.
   * @default pages on this machine's loopback interface, with any port
   */
  allowedOrigins?: readonly string[] | undefined
}

export interface HostOrigin {
  isAllowedOrigin(origin: string): boolean
  /** A 403, or undefined for a request that may go on (B2, B3, C2). */
  refusal(request: Request, origin: string | null, platform: Platform): Response | undefined
}

export function createHostOrigin(options: HostOriginOptions = {}): HostOrigin {
  const { allowedHosts, allowedOrigins } = options
  const hosts = allowedHosts && new Set(allowedHosts.map((host) => host.toLowerCase()))
  const origins = allowedOrigins && new Set(allowedOrigins)

  /** Nearly every request names the same host as the one before it. */
  let lastAllowed: string | undefined
  function isAllowedHost(host: string): boolean {
    if (host === lastAllowed) return true
    const name = host.replace(/:\d+$/, '').toLowerCase()
    const allowed = hosts
      ? hosts.has('*') || hosts.has(host.toLowerCase()) || hosts.has(name)
      : isLoopback(name)
    if (allowed) lastAllowed = host
    return allowed
  }

  function isAllowedOrigin(origin: string): boolean {
    return origins ? origins.has('*') || origins.has(origin) : isLoopbackOrigin(origin)
  }

  return {
    isAllowedOrigin,
    refusal({ headers, url }, origin, { baseUrl }) {
      // A Request that was made without a server has no Host header; its URL names the host.
      const host = headers.get('host') ?? new URL(url).host
      // A platform that knows its public URL has routed the request by it.
      if (baseUrl === undefined && !isAllowedHost(host)) {
        return refuse('Host not allowed: see the option allowedHosts')
      }
      if (origin !== null && !isAllowedOrigin(origin)) {
        return refuse('Origin not allowed: see the option allowedOrigins')
      }
      return undefined
    },
  }
}

function refuse(why: string): Response {
  return errorResponse(status.NOT_ALLOWED, null, new McpError(code.invalidRequest, why))
}
