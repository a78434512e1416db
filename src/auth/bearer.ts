/** Authorization by static tokens, for a server with a few known callers. */

import { sha256 } from '../lib/digest.ts'
import type { Auth, Principal } from './auth.ts'
import { AuthError } from './auth.ts'
import { createChallenge } from './challenge.ts'
import { isBearerToken, requireBearerToken } from './credentials.ts'
import { createPrincipal, toHex } from './principal.ts'

/** A token and the caller it stands for. */
export interface StaticToken {
  /** The token, or `sha256:` and the 64 hex digits of its SHA-256: then the configuration holds no secret. */
  token: string
  /**
   * The caller's name. Tokens with the same subject are the same caller, so that a token can be
   * replaced without losing sessions.
   * @default derived from the token's hash
   */
  subject?: string
  /** Scopes that the caller has. @default none: tools that need scopes refuse the caller */
  scopes?: readonly string[]
}

/** Options of {@link bearer}. */
export interface BearerOptions {
  /** At least one. A plain string is a token without a subject and without scopes. */
  tokens: readonly (string | StaticToken)[]
}

/** A configured token, ready to be compared. */
interface Entry {
  readonly hash: string
  readonly principal: Principal
}

/**
 * Accepts configured tokens. They must be long and random (`openssl rand -hex 32`), because nothing
 * else protects them, and they never expire.
 *
 * @example
 * bearer({ tokens: [{ token: 'sha256:9f86d0…', subject: 'build-server', scopes: ['reports:read'] }] })
 */
export function bearer({ tokens }: BearerOptions): Auth {
  if (tokens.length === 0) throw new Error('bearer() needs at least one token.')
  const configured = tokens.map((entry) => (typeof entry === 'string' ? { token: entry } : entry))
  configured.forEach(({ token }, index) => {
    // The message does not quote the token, because errors at the start are logged.
    const wellFormed = token.startsWith('sha256:')
      ? /^sha256:[0-9a-f]{64}$/i.test(token)
      : isBearerToken(token)
    if (!wellFormed) {
      throw new Error(
        `bearer(): token ${index + 1} of ${tokens.length} is neither a token of letters, digits and -._~+/ nor sha256: with 64 hex digits.`,
      )
    }
  })
  let entries: Promise<Entry[]> | undefined
  // Hashing a token costs as much as a whole call, so accepted tokens are remembered. The lookup time
  // of a Map does not tell how close a guess is, because its hash function has a random seed.
  const accepted = new Map<string, Principal>()

  return {
    async verify(request) {
      const token = requireBearerToken(request)
      const known = accepted.get(token)
      if (known) return known
      const presented = toHex(await sha256(token))
      entries ??= Promise.all(configured.map(toEntry))
      let found: Entry | undefined
      // Every entry is compared, so that the time does not tell which one matched.
      for (const entry of await entries) if (equalHashes(entry.hash, presented)) found ??= entry
      if (!found) throw new AuthError('The access token is not known.', { code: 'invalid_token' })
      accepted.set(token, found.principal)
      return found.principal
    },
    challenge: (error) => createChallenge(error),
  }
}

async function toEntry({ token, subject, scopes = [] }: StaticToken): Promise<Entry> {
  const hash = token.startsWith('sha256:')
    ? token.slice('sha256:'.length).toLowerCase()
    : toHex(await sha256(token))
  const name = subject ?? `token-${hash.slice(0, 16)}`
  return {
    hash,
    principal: await createPrincipal('bearer', { subject: name, scopes, claims: {} }),
  }
}

/** Compares two texts of 64 hex digits in a time that does not depend on where they differ. */
function equalHashes(left: string, right: string): boolean {
  let difference = left.length ^ right.length
  for (let at = 0; at < left.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at)
  return difference === 0
}
