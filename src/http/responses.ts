/** HTTP responses around JSON-RPC messages. */
import { AuthUnavailable } from '../auth/auth.ts'
import { describe, logInternal } from '../handlers/internal-error.ts'
import { code, errorMessage, invalidRequest, McpError } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'
import { StoreUnavailable, ValueTooLarge } from '../state/store.ts'
import * as status from './status.ts'

const JSON_HEADERS = { 'content-type': 'application/json' } as const

/** `retryAfter` is a number of seconds. */
export function jsonResponse(
  body: string,
  statusCode: number = status.OK,
  retryAfter = statusCode === status.UNAVAILABLE ? 1 : 0,
): Response {
  const headers = retryAfter ? { ...JSON_HEADERS, 'retry-after': `${retryAfter}` } : JSON_HEADERS
  return new Response(body, { status: statusCode, headers })
}

export function accepted(): Response {
  return new Response(null, { status: status.ACCEPTED })
}

/** Names GET only where a client can listen, because a client that reads it here opens a stream (B23). */
export function methodNotAllowed({ listening, sessionIds }: Server): Response {
  const ofSessions = sessionIds === 'none' ? '' : listening ? 'GET, DELETE, ' : 'DELETE, '
  const allow = `POST, ${ofSessions}OPTIONS`
  return new Response(null, { status: status.WRONG_METHOD, headers: { allow } })
}

/** A refusal. `id` is null where the request's id is not known or belongs to no single request. */
export function errorResponse(statusCode: number, id: RequestId | null, error: McpError): Response {
  return jsonResponse(errorMessage(id, error), statusCode)
}

/** A store that cannot be reached, as the error that both a reply and a refusal carry. */
export const busyError = () => new McpError(code.internal, 'The server is busy: try again shortly')

/**
 * An exception outside of any method, as a response. A store that cannot be reached is never reported
 * as a session that does not exist.
 */
export function exceptionResponse(server: Server, error: unknown): Response {
  if (error instanceof StoreUnavailable) {
    return errorResponse(status.UNAVAILABLE, null, busyError())
  }
  if (error instanceof ValueTooLarge) {
    const why = 'the message is larger than the store can keep'
    return errorResponse(status.TOO_LARGE, null, invalidRequest(why))
  }
  if (error instanceof AuthUnavailable) {
    server.log({ level: 'warn', message: error.message, error: describe(error.cause) })
    const unavailable = new McpError(code.internal, error.message)
    const response = errorResponse(status.UNAVAILABLE, null, unavailable)
    response.headers.set('retry-after', String(error.retryAfter))
    return response
  }
  const message = logInternal(server, 'a request failed', error)
  return errorResponse(status.INTERNAL, null, new McpError(code.internal, message))
}
