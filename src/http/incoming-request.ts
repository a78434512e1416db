/** An HTTP request that has passed the guard and authorization. */
import type { HonoRequest } from 'hono'
import type { Platform, Principal } from '../auth/auth.ts'
import type { Era, Revision } from '../protocol/revisions.ts'
import type { Accepts } from './call-stream.ts'

export interface IncomingRequest {
  readonly request: Request
  /** The same as Hono keeps it, with what an app in front has read of its body. */
  readonly req: HonoRequest
  readonly accepts: Accepts
  /** What `MCP-Protocol-Version` says. */
  readonly version: string | null
  readonly principal: Principal | undefined
  readonly platform: Platform
  readonly record: RequestRecord
}

/** Facts for the log line of a request, filled in on its way. */
export class RequestRecord {
  principal: string | undefined
  era: Era | undefined
  revision: Revision | undefined
  method: string | undefined
  tool: string | undefined
  session: string | undefined
}

/** Owner of everything the caller makes; without authorization all callers are one. */
export function ownerOf({ principal }: IncomingRequest): string {
  return principal?.id ?? 'anyone'
}

const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization']

/** The headers a handler may see: tokens are not passed on (D5). */
export function visibleHeaders({ request }: IncomingRequest): Headers {
  const headers = new Headers(request.headers)
  for (const name of CREDENTIALS) headers.delete(name)
  return headers
}

/** When a stream of this caller has to end: the host's limit, the token's, or the server's own. */
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
