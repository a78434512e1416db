/** Authorization by an authorizer in front of the server: what it found out arrives with the host's event. */

import { isObject } from '../lib/is-object.ts'
import type { Auth, Platform, Principal } from './auth.ts'
import { AuthError } from './auth.ts'
import { createChallenge } from './challenge.ts'
import { createPrincipal, parseScopes } from './principal.ts'

type Context = Readonly<Record<string, unknown>>

export interface GatewayOptions {
  /** Scopes without which nothing is answered. */
  requiredScopes?: readonly string[]
}

/**
 * Believes the host's own authorizer, and it alone: the identity comes from the event, so a server
 * that is reached around the gateway, or a gateway without an authorizer, lets nobody in. Headers
 * are not looked at. Takes the context of a Lambda authorizer (this package's or another), of a JWT
 * authorizer, and of a Cognito user pool authorizer.
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
 * What a Lambda authorizer hands to {@link gateway} behind it: flat and of strings, as API Gateway
 * wants it. The same caller gets the same `id` on both sides.
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

/** Custom authorizers are flat (REST) or under `lambda` (HTTP); JWT and user pool authorizers nest `claims`. */
function toClaims(context: NonNullable<Platform['authorizer']>): Context {
  const { lambda, jwt, claims } = context
  if (isObject(lambda)) return lambda
  if (isObject(jwt)) return isObject(jwt.claims) ? jwt.claims : {}
  return isObject(claims) ? claims : context
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== ''
