/** The session of a 2025 request, and its end. */
import { lazyImport } from '../../lib/lazy-import.ts'
import { invalidRequest } from '../../protocol/errors.ts'
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { isLegacyRevision, LEGACY_REVISIONS } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { errorResponse, methodNotAllowed } from '../responses.ts'
import * as status from '../status.ts'

const unissued = lazyImport(() => import('./unissued-session.ts'))

/** Name of the server's own stream in event ids of 2025; their numbers are cursors into the changes. */
export const CHANGES = 'changes'

/** Milliseconds after which a client comes back to a stream that the server had to close. */
export const RETRY_MS = 1_000

/** The session that a request names, or the refusal: 400 without an id (B36), 404 for an unknown one (B37). */
export async function requireSession(
  server: Server,
  incoming: IncomingRequest,
  id: RequestId | null,
): Promise<Session<LegacySession> | Response> {
  // Without an id only a POST can stand for itself: GET and DELETE are about a session.
  const { request } = incoming
  if (server.sessionIds !== 'issued' && (request.method === 'POST' || hasSessionId(request))) {
    return refuseRevision(incoming, id) ?? (await unissued()).findSession(server, incoming)
  }
  const sessionId = readSessionId(incoming, id)
  if (sessionId instanceof Response) return sessionId
  return (await server.sessions.find(incoming.owner, sessionId)) ?? sessionNotFound(id)
}

function refuseRevision({ version }: IncomingRequest, id: RequestId | null): Response | undefined {
  if (version === null || isLegacyRevision(version)) return undefined
  const why = `MCP-Protocol-Version must be one of ${LEGACY_REVISIONS.join(', ')}`
  return errorResponse(status.BAD_REQUEST, id, invalidRequest(why))
}

const hasSessionId = ({ headers }: Request) => headers.has('mcp-session-id')

/** Returns Mcp-Session-Id, or a 400 if it is missing or MCP-Protocol-Version is unsupported (B42). */
function readSessionId(incoming: IncomingRequest, id: RequestId | null): string | Response {
  const refusal = refuseRevision(incoming, id)
  if (refusal) return refusal
  const { request, record } = incoming
  const sessionId = request.headers.get('mcp-session-id')
  if (sessionId === null) {
    const why = 'the Mcp-Session-Id header is missing'
    return errorResponse(status.BAD_REQUEST, id, invalidRequest(why))
  }
  record.session = sessionId
  return sessionId
}

export function sessionNotFound(id: RequestId | null = null): Response {
  return errorResponse(status.SESSION_NOT_FOUND, id, invalidRequest('session not found'))
}

/** DELETE: ends the session (B39). */
export async function handleDelete(server: Server, incoming: IncomingRequest): Promise<Response> {
  if (server.sessionIds === 'none') return methodNotAllowed(server)
  const given = readSessionId(incoming, null)
  if (given instanceof Response) return given
  const { owner } = incoming
  const ended =
    server.sessionIds === 'issued'
      ? (await server.sessions.delete(owner, given)) && given
      : await (await unissued()).endSession(server, owner, given)
  server.readers.end(`${owner}/${ended || given}`)
  return ended ? new Response(null, { status: status.SESSION_ENDED }) : sessionNotFound()
}
