/** Reads the bearer token of a request. */

import { AuthError } from './auth.ts'

/** RFC 6750 section 2.1. */
const B64_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Characters. Longer tokens are refused before they are parsed. Hosts limit all headers together to 8
 * to 16 KB, so no token that passes a host is refused here.
 */
const MAX_TOKEN_LENGTH = 16_384

export const isBearerToken = (token: string): boolean => B64_TOKEN.test(token)

/**
 * Returns the token of the `Authorization` header, and throws {@link AuthError} when there is none or
 * it is malformed. A token in the query is refused, because URLs are written to logs and histories
 * (MCP authorization; D11).
 */
export function requireBearerToken(request: Request): string {
  if (request.url.includes('?') && new URL(request.url).searchParams.has('access_token')) {
    throw new AuthError('Send the access token in the Authorization header, never in the query.', {
      code: 'invalid_request',
    })
  }
  const header = request.headers.get('authorization') ?? ''
  const scheme = header.split(/[\s,]/, 1)[0]
  // Another scheme counts as no credentials: RFC 6750 section 3.1 has error codes only for bearer tokens.
  if (scheme?.toLowerCase() !== 'bearer') throw new AuthError('This server needs an access token.')

  const token = header.slice(scheme.length).replace(/^ +/, '')
  // Two headers arrive joined by a comma, and it is not known which of them is meant.
  if (token === '' || /[\s,]/.test(token)) {
    throw new AuthError('The Authorization header must hold exactly one Bearer token.', {
      code: 'invalid_request',
    })
  }
  if (token.length > MAX_TOKEN_LENGTH || !isBearerToken(token)) {
    throw new AuthError('The access token is malformed.', { code: 'invalid_token' })
  }
  return token
}
