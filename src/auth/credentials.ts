/** Takes the one bearer token out of a request, or says what is wrong with how it was sent. */

import { AuthError } from './auth.ts'

/** RFC 6750 section 2.1. */
const b64token = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Longer tokens are refused before anything parses them. Hosts cap all headers together at 8 to
 * 16 KB, so that no token that could arrive there is turned away here.
 */
const maxTokenLength = 16_384

export const isBearerToken = (token: string): boolean => b64token.test(token)

/**
 * The token of the `Authorization` header. It is the only place looked at: a token in a query ends
 * up in logs and histories, so one there is refused, never read (MCP authorization; D11).
 */
export function requireBearerToken(request: Request): string {
  if (request.url.includes('?') && new URL(request.url).searchParams.has('access_token')) {
    throw new AuthError('Send the access token in the Authorization header, never in the query.', {
      code: 'invalid_request',
    })
  }
  const header = request.headers.get('authorization') ?? ''
  const scheme = header.split(/[\s,]/, 1)[0]
  // Another scheme counts as none: RFC 6750 section 3.1 keeps error codes to requests with a token.
  if (scheme?.toLowerCase() !== 'bearer') throw new AuthError('This server needs an access token.')

  const token = header.slice(scheme.length).replace(/^ +/, '')
  // Two headers arrive joined by a comma; neither of them can be trusted to be the one that counts.
  if (token === '' || /[\s,]/.test(token)) {
    throw new AuthError('The Authorization header must hold exactly one Bearer token.', {
      code: 'invalid_request',
    })
  }
  if (token.length > maxTokenLength || !isBearerToken(token)) {
    throw new AuthError('The access token is malformed.', { code: 'invalid_token' })
  }
  return token
}
