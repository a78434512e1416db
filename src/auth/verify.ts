/** Verifies an access token: a JWT of a known issuer, for this server, from an allowed client, valid now. */

import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { lazyImport } from '../lib/lazy-import.ts'
import type { Principal } from './auth.ts'
import { AuthError } from './auth.ts'
import { createPrincipal, parseScopes } from './principal.ts'

const jwt = lazyImport(() => import('./jwt.ts'))

/** Signature algorithms that a token may use. A symmetric key would let every verifier also sign tokens. */
const ASYMMETRIC_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

export type SigningAlgorithm = (typeof ASYMMETRIC_ALGORITHMS)[number]

/** What every token of one issuer must satisfy. */
export interface TokenRules {
  readonly keys: JWTVerifyGetKey
  /**
   * Clients whose tokens are accepted. If given, a token must name one of them, and need not name an
   * audience: Cognito's tokens usually have none.
   */
  readonly allowedClientIds?: readonly string[] | undefined
  /** A further check of the claims; returns what is wrong with them. */
  readonly check?: ((claims: JWTPayload) => string | undefined) | undefined
}

export interface VerifierOptions {
  /** The rules of each issuer, by its exact `iss`. */
  readonly issuers: ReadonlyMap<string, TokenRules>
  readonly algorithms?: readonly SigningAlgorithm[] | undefined
  /** Seconds by which the issuer's clock may differ. */
  readonly clockTolerance: number
  readonly clock: () => number
  /** Further scopes that a scope includes. */
  readonly impliedScopes: Readonly<Record<string, readonly string[]>>
}

/** Returns the caller that a token names. `audience` lists the names of this server. Throws {@link AuthError}. */
export type TokenVerifier = (token: string, audience: readonly string[]) => Promise<Principal>

export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { issuers, clock, clockTolerance, impliedScopes } = options
  const algorithms = options.algorithms ?? ASYMMETRIC_ALGORITHMS
  for (const algorithm of algorithms) {
    if (!ASYMMETRIC_ALGORITHMS.includes(algorithm)) {
      throw new Error(`\`algorithms\` may hold ${ASYMMETRIC_ALGORITHMS.join(', ')} only.`)
    }
  }

  return remember(clock, async (token, audience) => {
    const { decodeJwt, errors, jwtVerify } = await jwt()
    try {
      // The issuer is read before verification, only to select the keys that verify the token.
      const issuer = decodeJwt(token).iss ?? ''
      const rules = issuers.get(issuer)
      if (!rules) throw refusal('The access token comes from an issuer unknown here.')
      const { payload, protectedHeader } = await jwtVerify(token, rules.keys, {
        issuer,
        algorithms: [...algorithms],
        clockTolerance,
        currentDate: new Date(clock()),
        requiredClaims: ['exp'],
      })
      requireAccessToken(protectedHeader.typ, payload)
      requireForUs(payload, rules.allowedClientIds, audience)
      const complaint = rules.check?.(payload)
      if (complaint) throw refusal(complaint)
      return await toPrincipal(issuer, payload, impliedScopes)
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw refusal('The access token has expired.')
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') {
        throw refusal('The access token is not valid yet.')
      }
      // Errors of jose contain claims and details, which must not reach the client.
      if (error instanceof errors.JOSEError) throw refusal('The access token is invalid.')
      throw error
    }
  })
}

/** For how many milliseconds a verified token is remembered, and how many tokens are. */
const REMEMBERED = { time: 60_000, count: 1_000 }

/**
 * Remembers verified tokens for a minute, but never beyond their expiry: a client sends the same token
 * with every call, and verifying a signature costs more than the rest of a call. So tokens of a
 * withdrawn key are valid for up to a minute longer. Refusals are not remembered.
 */
function remember(clock: () => number, verify: TokenVerifier): TokenVerifier {
  const verified = new Map<string, { principal: Principal; from: number; until: number }>()
  return async (token, audience) => {
    const key = [token, ...audience].join(' ')
    const known = verified.get(key)
    const now = clock()
    // `from` is compared too, so that a clock that is set back does not extend the minute.
    if (known && known.from <= now && now < known.until) return known.principal
    verified.delete(key)
    const principal = await verify(token, audience)
    const from = clock()
    const until = Math.min(from + REMEMBERED.time, Number(principal.claims.exp) * 1000)
    verified.set(key, { principal, from, until })
    // A Map keeps the order of insertion, so the oldest is removed first.
    for (const oldest of verified.keys()) {
      if (verified.size <= REMEMBERED.count) break
      verified.delete(oldest)
    }
    return principal
  }
}

const refusal = (description: string) => new AuthError(description, { code: 'invalid_token' })

/**
 * RFC 9068 section 2.1 gives access tokens the type `at+jwt`; most issuers still write `JWT` or no
 * type. ID tokens may be signed by the same key, but they are for clients and must not be accepted here.
 */
function requireAccessToken(typ: string | undefined, claims: JWTPayload): void {
  const type = typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt'
  const forClients = ['at_hash', 'c_hash'].some((claim) => claim in claims)
  if (!['jwt', 'at+jwt'].includes(type) || forClients || claims.typ === 'ID') {
    throw refusal('The token is not an access token.')
  }
}

/** MCP authorization, Token Handling: a token must be issued for this server (D4, D5). */
function requireForUs(
  claims: JWTPayload,
  allowedClientIds: readonly string[] | undefined,
  audience: readonly string[],
): void {
  const client = clientOf(claims)
  if (allowedClientIds && !(client && allowedClientIds.includes(client))) {
    throw refusal('The access token was issued to a client that is not allowed here.')
  }
  if (claims.aud === undefined && allowedClientIds) return
  const named = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  if (!named.some((name) => name !== undefined && audience.includes(name))) {
    throw refusal('The access token was issued for another resource.')
  }
}

/** The client is in `client_id` (RFC 9068 section 2.2), or in `azp` with older OpenID providers. */
function clientOf(claims: JWTPayload): string | undefined {
  const client = claims.client_id ?? claims.azp
  return typeof client === 'string' ? client : undefined
}

async function toPrincipal(
  issuer: string,
  claims: JWTPayload,
  implied: Readonly<Record<string, readonly string[]>>,
): Promise<Principal> {
  if (typeof claims.sub !== 'string' || claims.sub === '') {
    throw refusal('The access token names no subject.')
  }
  const scopes = new Set(parseScopes(claims.scope ?? claims.scp))
  // The loop also reaches scopes that are added during it, so it follows chains, and a cycle ends.
  for (const scope of scopes) {
    if (Object.hasOwn(implied, scope))
      for (const further of implied[scope] ?? []) scopes.add(further)
  }
  const clientId = clientOf(claims)
  return createPrincipal(issuer, {
    subject: claims.sub,
    ...(clientId === undefined ? {} : { clientId }),
    scopes: [...scopes],
    claims,
  })
}
