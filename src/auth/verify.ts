/** Judges one access token: a JWT of a known issuer, made for this server, by an allowed client, valid now. */

import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import type { Principal } from './auth.ts'
import { AuthError } from './auth.ts'
import { createPrincipal, parseScopes } from './principal.ts'

/** Signature algorithms a token may use. None is symmetric: with those, whoever verifies could also sign. */
const asymmetricAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const

export type SigningAlgorithm = (typeof asymmetricAlgorithms)[number]

/** What every token of an issuer must satisfy. */
export interface TokenRules {
  readonly keys: JWTVerifyGetKey
  /**
   * Clients whose tokens are accepted. Where it is given, a token must name one of them, and one
   * that names no audience at all (Cognito's usual shape) is accepted because it does.
   */
  readonly allowedClientIds?: readonly string[] | undefined
  /** Further demands of one kind of issuer; returns what is wrong. */
  readonly check?: ((claims: JWTPayload) => string | undefined) | undefined
}

export interface VerifierOptions {
  /** By exact `iss`. */
  readonly issuers: ReadonlyMap<string, TokenRules>
  readonly algorithms?: readonly SigningAlgorithm[] | undefined
  /** Seconds by which clocks may differ. */
  readonly clockTolerance: number
  readonly clock: () => number
  /** Which scopes come with a scope. */
  readonly impliedScopes: Readonly<Record<string, readonly string[]>>
}

/** Who the token speaks for. `audience` lists the names of this server. Throws {@link AuthError}. */
export type TokenVerifier = (token: string, audience: readonly string[]) => Promise<Principal>

export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { issuers, clock, clockTolerance, impliedScopes } = options
  const algorithms = options.algorithms ?? asymmetricAlgorithms
  for (const algorithm of algorithms) {
    if (!asymmetricAlgorithms.includes(algorithm)) {
      throw new Error(`\`algorithms\` may hold ${asymmetricAlgorithms.join(', ')} only.`)
    }
  }

  return remember(clock, async (token, audience) => {
    const { decodeJwt, errors, jwtVerify } = await import('./jwt.ts')
    try {
      // Read unverified, only to pick the issuer whose keys decide; an unknown one has none.
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
      // jose's errors carry the claims as their cause and name what failed: neither goes on from here.
      if (error instanceof errors.JOSEError) throw refusal('The access token is invalid.')
      throw error
    }
  })
}

/** Milliseconds for which a verdict stands, and how many do. */
const remembered = { time: 60_000, count: 1_000 }

/**
 * A client sends the same token with every call, and checking its signature costs more than all the
 * rest of a call. So a good one counts for a minute, never beyond its own end; a key that is
 * withdrawn takes that much longer to lose its tokens. Refusals are not kept: they cost who asks.
 */
function remember(clock: () => number, verify: TokenVerifier): TokenVerifier {
  const verdicts = new Map<string, { principal: Principal; from: number; until: number }>()
  return async (token, audience) => {
    const key = [token, ...audience].join(' ')
    const known = verdicts.get(key)
    const now = clock()
    // a clock that is set back makes no verdict last
    if (known && known.from <= now && now < known.until) return known.principal
    verdicts.delete(key)
    const principal = await verify(token, audience)
    const from = clock()
    const until = Math.min(from + remembered.time, Number(principal.claims.exp) * 1000)
    verdicts.set(key, { principal, from, until })
    // The oldest goes first: a Map keeps the order of entry.
    for (const oldest of verdicts.keys()) {
      if (verdicts.size <= remembered.count) break
      verdicts.delete(oldest)
    }
    return principal
  }
}

const refusal = (description: string) => new AuthError(description, { code: 'invalid_token' })

/**
 * RFC 9068 section 2.1 gives access tokens the type `at+jwt`; most issuers still write `JWT` or
 * nothing. ID tokens may be signed by the same key, and tell a client who logged in: they open nothing.
 */
function requireAccessToken(typ: string | undefined, claims: JWTPayload): void {
  const type = typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt'
  const forClients = ['at_hash', 'c_hash'].some((claim) => claim in claims)
  if (!['jwt', 'at+jwt'].includes(type) || forClients || claims.typ === 'ID') {
    throw refusal('The token is not an access token.')
  }
}

/** MCP authorization, Token Handling: only tokens issued for this very server (D4, D5). */
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

/** RFC 9068 section 2.2, or what OpenID providers from before it write. */
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
  // A Set's iteration reaches what is added on the way, so this follows chains and ends on cycles.
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
