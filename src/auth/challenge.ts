/** The HTTP response to a refused caller, with its `WWW-Authenticate` header (RFC 6750 section 3, RFC 9728 section 5.1). */

import * as status from '../http/status.ts'
import { code, errorMessage, McpError } from '../protocol/errors.ts'
import type { AuthError } from './auth.ts'

/** RFC 6750 section 3.1. An error without a code means that no credentials were sent. */
const STATUS_OF_CODE = {
  invalid_request: status.BAD_AUTHORIZATION,
  invalid_token: status.UNAUTHORIZED,
  insufficient_scope: status.INSUFFICIENT_SCOPE,
} as const

/**
 * Writes a quoted string (RFC 9110 section 5.6.4). Characters that no header may hold are removed,
 * because the runtime would refuse the whole response.
 */
const quoted = (value: string): string =>
  `"${value.replaceAll(/[^\t\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`

/**
 * Creates the response. Its body is a JSON-RPC error without an id, because a refused request is not
 * read; the OAuth error code is in the header only.
 *
 * `scopes` must be all scopes that the operation needs, so that one more authorization is enough. A
 * request without credentials gets no `error` parameter: clients would discard a token that they hold.
 */
export function createChallenge(
  error: AuthError,
  known: { resourceMetadata?: string | undefined; scopes?: readonly string[] } = {},
): Response {
  const scopes = new Set([...(known.scopes ?? []), ...error.scopes])
  const parameters: string[] = []
  if (error.code) {
    parameters.push(`error="${error.code}"`, `error_description=${quoted(error.message)}`)
  }
  if (scopes.size > 0) parameters.push(`scope=${quoted([...scopes].join(' '))}`)
  if (known.resourceMetadata) {
    parameters.push(`resource_metadata=${quoted(known.resourceMetadata)}`)
  }
  // RFC 6750 section 3 asks for at least one parameter.
  if (parameters.length === 0) parameters.push('realm="mcp"')

  return new Response(errorMessage(null, new McpError(code.invalidRequest, error.message)), {
    status: STATUS_OF_CODE[error.code ?? 'invalid_token'],
    headers: {
      'content-type': 'application/json',
      'www-authenticate': `Bearer ${parameters.join(', ')}`,
      'cache-control': 'no-store',
    },
  })
}
