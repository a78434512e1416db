/** The HTTP answer to a refused caller, with its `WWW-Authenticate` (RFC 6750 section 3, RFC 9728 section 5.1). */

import type { AuthError } from './auth.ts'

const statusOf = (error: AuthError): 400 | 401 | 403 => {
  if (error.code === 'invalid_request') return 400
  return error.code === 'insufficient_scope' ? 403 : 401
}

/** RFC 9110 section 5.6.4; what no header may hold at all is left out. */
const quoted = (value: string): string =>
  `"${value.replaceAll(/[^\t\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`

/**
 * `scopes` are all that the operation needs, so that one more authorization is enough. A request
 * without credentials gets no `error`: clients would take it for the end of a token that they hold.
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

  return Response.json(
    { error: error.code ?? 'unauthorized', error_description: error.message },
    {
      status: statusOf(error),
      headers: {
        'www-authenticate': `Bearer ${parameters.join(', ')}`,
        'cache-control': 'no-store',
      },
    },
  )
}
