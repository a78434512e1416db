/** Every HTTP status code that the endpoint answers with, by its reason. No other file names a number. */
import type { McpError } from '../protocol/errors.ts'
import { code } from '../protocol/errors.ts'
import type { Era } from '../protocol/revisions.ts'

/** A result, a JSON-RPC error of 2025, or a stream. */
export const OK = 200
/** Notifications and responses, which have no reply (B9); a call that its client has cancelled (B52). */
export const ACCEPTED = 202
/** A CORS preflight. */
export const PREFLIGHT = 204
/** The session was ended by DELETE (B39). */
export const SESSION_ENDED = 204
/** The stream to resume has ended and holds nothing more: the client need not come back (B30). */
export const STREAM_ENDED = 204

/** The body is not UTF-8 or JSON, is nested too deeply, or is not a JSON-RPC message (B6). */
export const UNREADABLE = 400
/** A header is missing, unknown or differs from the body (B36, B42, C9), or a parameter of the handshake is wrong. */
export const BAD_REQUEST = 400
/** The client did not declare a capability that this call of 2026 needs (A.10). */
export const MISSING_CAPABILITY = 400
/** There is no session of this id for this caller (B37), or no stream of this id in the session. */
export const SESSION_NOT_FOUND = 404
/** 2026 only: the method does not exist (A.10). For 2025 a 404 would end the session (H12). */
export const METHOD_NOT_FOUND = 404
/** `Host` or `Origin` is not allowed (B2, B3). */
export const NOT_ALLOWED = 403
/** An HTTP method that the endpoint does not have, or GET where clients cannot listen (B23). */
export const WRONG_METHOD = 405
/** `Accept` allows nothing that the endpoint can send. */
export const NOT_ACCEPTABLE = 406
/** The body, or what has to be stored of it, is too large. */
export const TOO_LARGE = 413
/** `Content-Type` is not JSON. */
export const WRONG_CONTENT_TYPE = 415

/** A budget of calls is used up; `Retry-After` tells when to try again (RFC 6585, section 4). */
export const TOO_MANY_CALLS = 429

/** No credentials, or bad ones (RFC 6750, section 3.1). */
export const UNAUTHORIZED = 401
/** The token lacks a scope (RFC 6750, section 3.1). */
export const INSUFFICIENT_SCOPE = 403
/** A malformed Authorization header (RFC 6750, section 3.1). */
export const BAD_AUTHORIZATION = 400

/** An exception of our own code. */
export const INTERNAL = 500
/** The store or the issuer cannot be reached now; `Retry-After` tells when to try again. */
export const UNAVAILABLE = 503

/** The status of a 2026 request that is refused before its method runs (A.10). */
export function statusOfRefusal(error: McpError): number {
  return error.code === code.methodNotFound ? METHOD_NOT_FOUND : BAD_REQUEST
}

/**
 * The status of a JSON-RPC error that a method ended with. 2026 gives two errors a status of their own
 * (A.10), 2025 gives none; 429 is HTTP's own.
 */
export function statusOfError(era: Era, error: McpError): number {
  if (error.code === code.tooManyCalls) return TOO_MANY_CALLS
  if (era === 'legacy') return OK
  if (error.code === code.methodNotFound) return METHOD_NOT_FOUND
  return error.code === code.missingCapability ? MISSING_CAPABILITY : OK
}
