/** One log line for each request. */
import type { Platform } from '../auth/auth.ts'
import { fingerprint } from '../lib/digest.ts'
import { clip } from '../protocol/errors.ts'
import type { JsonRpcNotification } from '../protocol/jsonrpc.ts'
import type { Era, Revision } from '../protocol/revisions.ts'
import type { Server } from '../server.ts'

/** Facts for the log line of a request, filled in while it is handled. */
export class RequestRecord {
  principal: string | undefined
  era: Era | undefined
  revision: Revision | undefined
  method: string | undefined
  tool: string | undefined
  session: string | undefined

  /** The names are the client's words, and so are cut to a bounded length. */
  noteMethod({ method, params }: JsonRpcNotification): void {
    this.method = clip(method)
    const tool = params?.name
    if (method === 'tools/call' && typeof tool === 'string') this.tool = clip(tool)
  }
}

export interface LoggedRequest {
  readonly request: Request
  readonly platform: Platform
  readonly status: number
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly record: RequestRecord
}

export function logRequest(server: Server, logged: LoggedRequest): void {
  const { request, platform, status, startedAt } = logged
  const { session, ...record } = logged.record
  server.log({
    level: 'info',
    message: 'request',
    requestId: platform.requestId ?? crypto.randomUUID(),
    verb: request.method,
    ...record,
    ...(typeof session === 'string' && { session: shortHash(session) }),
    status,
    durationMs: server.clock() - startedAt,
  })
}

/** A 32-bit hash: correlates log lines, cannot recover the session id. */
export function shortHash(value: string): string {
  return fingerprint(value).toString(16).padStart(8, '0')
}
