/** A request that has passed the checks of host, origin and authorization. */
import type { HonoRequest } from 'hono'
import type { Platform, Principal } from '../auth/auth.ts'
import type { Accepts } from './accept.ts'
import type { RequestRecord } from './request-log.ts'

export interface IncomingRequest {
  readonly request: Request
  /** Hono's view of the request, which keeps a body that middleware has read. */
  readonly req: HonoRequest
  readonly accepts: Accepts
  /** The value of `MCP-Protocol-Version`. */
  readonly version: string | null
  readonly principal: Principal | undefined
  /** Owner of everything that the caller makes; without authorization all callers are one. */
  readonly owner: string
  readonly platform: Platform
  readonly record: RequestRecord
}

export function ownerOf(principal: Principal | undefined): string {
  return principal?.id ?? 'anyone'
}

const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization']

/** The headers that a handler may see: without credentials, since tokens are not passed on (D5). */
export function visibleHeaders({ request }: IncomingRequest): Headers {
  const headers = new Headers(request.headers)
  for (const name of CREDENTIALS) headers.delete(name)
  return headers
}

/**
 * When a stream of this caller has to end, in epoch milliseconds: at the platform's limit, when the token
 * expires, or after `longest` milliseconds, whichever is first.
 */
export function endOfStream(
  { platform, principal }: IncomingRequest,
  now: number,
  longest: number,
): number {
  const tokenEnd = Number(principal?.claims.exp) * 1000
  return Math.min(
    now + longest,
    platform.deadline ?? Number.POSITIVE_INFINITY,
    Number.isFinite(tokenEnd) ? tokenEnd : Number.POSITIVE_INFINITY,
  )
}
