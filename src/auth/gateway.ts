/** Authorization by an authorizer in front of the server, whose result arrives with the host's event. */

import { isObject } from '../lib/is-object.ts'
import type { Auth, Platform, Principal } from './auth.ts'
import { AuthError } from './auth.ts'
import { createChallenge } from './challenge.ts'
import { createPrincipal, parseScopes } from './principal.ts'

type Context = Readonly<Record<string, unknown>>

/** Options of {@link gateway}. */
export interface GatewayOptions {
  /** Scopes that every request needs. @default none */
  requiredScopes?: readonly string[]
}

/**
 * Trusts the authorizer of the host. The caller's identity comes from the event and never from a
 * header, so a request that bypasses the gateway is refused, and so is every request where the gateway
 * has no authorizer. Reads the context of a Lambda authorizer (of this package or another), of a JWT
 * authorizer, and of a Cognito user pool authorizer.
 *
 * @example createMcp({ name: 'weather', version: '1.0.0', auth: gateway({ requiredScopes: ['mcp/use'] }) })
 */
export function gateway({ requiredScopes = [] }: GatewayOptions = {}): Auth {
  return {
    async verify(_request, { authorizer }) {
      const claims = authorizer && toClaims(authorizer)
      const subject = claims && [claims.sub, claims.principalId].find(isName)
      if (subject === undefined) {
        throw new AuthError('The gateway in front of this server names no caller.')
      }
      const scopes = parseScopes(claims?.scope ?? claims?.scp)
      if (!requiredScopes.every((scope) => scopes.includes(scope))) {
        throw new AuthError('The caller lacks a scope that this server needs.', {
          code: 'insufficient_scope',
          scopes: requiredScopes,
        })
      }
      const issuer = [claims?.iss].find(isName) ?? 'gateway'
      const clientId = [claims?.client_id, claims?.azp].find(isName)
      return createPrincipal(issuer, {
        subject,
        ...(clientId === undefined ? {} : { clientId }),
        scopes,
        claims: claims ?? {},
      })
    },
    challenge: (error) => createChallenge(error, { scopes: requiredScopes }),
  }
}

/**
 * Converts a caller to the context that a Lambda authorizer returns and {@link gateway} reads. API
 * Gateway requires a flat object of strings. The caller has the same `id` on both sides.
 */
export function toAuthorizerContext({
  subject,
  clientId,
  scopes,
  claims,
}: Principal): Record<string, string> {
  return {
    sub: subject,
    scope: scopes.join(' '),
    ...(isName(claims.iss) && { iss: claims.iss }),
    ...(clientId !== undefined && { client_id: clientId }),
  }
}

/** Finds the claims: a Lambda authorizer's are flat (REST API) or under `lambda` (HTTP API), others nest `claims`. */
function toClaims(context: NonNullable<Platform['authorizer']>): Context {
  const { lambda, jwt, claims } = context
  if (isObject(lambda)) return lambda
  if (isObject(jwt)) return isObject(jwt.claims) ? jwt.claims : {}
  return isObject(claims) ? claims : context
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== ''
