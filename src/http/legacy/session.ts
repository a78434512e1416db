/** The session of a 2025 request, and its end. */
import { invalidRequest } from '../../protocol/errors.ts'
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { isLegacyRevision, LEGACY_REVISIONS } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { errorResponse } from '../responses.ts'
import * as status from '../status.ts'

/** The session that a request names, or the refusal: 400 without an id (B36), 404 for an unknown one (B37). */
export async function requireSession(
  server: Server,
  incoming: IncomingRequest,
  id: RequestId | null,
): Promise<Session<LegacySession> | Response> {
  const sessionId = readSessionId(incoming, id)
  if (sessionId instanceof Response) return sessionId
  return (await server.sessions.find(incoming.owner, sessionId)) ?? sessionNotFound(id)
}

/** Returns Mcp-Session-Id, or a 400 if it is missing or MCP-Protocol-Version is unsupported (B42). */
function readSessionId(
  { request, version, record }: IncomingRequest,
  id: RequestId | null,
): string | Response {
  if (version !== null && !isLegacyRevision(version)) {
    const known = LEGACY_REVISIONS.join(', ')
    const why = `MCP-Protocol-Version must be one of ${known}`
    return errorResponse(status.BAD_REQUEST, id, invalidRequest(why))
  }
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
  const sessionId = readSessionId(incoming, null)
  if (sessionId instanceof Response) return sessionId
  const { owner } = incoming
  const existed = await server.sessions.delete(owner, sessionId)
  server.readers.end(`${owner}/${sessionId}`)
  return existed ? new Response(null, { status: status.SESSION_ENDED }) : sessionNotFound()
}
