/** Replies in a form that the client accepts. Apart from `responses.ts`, because every start reads that. */
import type { Accepts } from './accept.ts'
import { jsonResponse } from './responses.ts'
import { SSE_HEADERS, sseEvent } from './sse.ts'
import * as status from './status.ts'

/** One message as a whole reply, in a form that the client accepts; only JSON carries a status other than 200. */
export function wholeResponse(
  body: string,
  accepts: Accepts,
  statusCode: number,
  retryAfter?: number,
): Response {
  if (accepts.json || statusCode !== status.OK) return jsonResponse(body, statusCode, retryAfter)
  return new Response(sseEvent(body), { headers: SSE_HEADERS })
}

/**
 * The result of `initialize` with the id of the new session. The header is part of the construction,
 * because setting it on a finished response costs as much as the rest of the handshake.
 */
export function sessionResponse(
  body: string,
  accepts: Accepts,
  session: string | undefined,
): Response {
  const own = session === undefined ? undefined : { 'mcp-session-id': session }
  return accepts.json
    ? new Response(body, { headers: { 'content-type': 'application/json', ...own } })
    : new Response(sseEvent(body), { headers: { ...SSE_HEADERS, ...own } })
}
