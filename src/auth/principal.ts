/** How a caller's identity becomes the opaque key that owns sessions, streams and handles. */

import { sha256 } from '../lib/digest.ts'
import type { Principal } from './auth.ts'

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

const toBase64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

/**
 * The `id` of a {@link Principal}: a digest, so that it may stand in keys and logs. The issuer is
 * part of it because a subject is unique within its issuer only (RFC 7519 section 4.1.2), and since
 * no configured issuer holds a NUL, no two pairs run together.
 */
export async function createPrincipal(
  issuer: string,
  identity: Omit<Principal, 'id'>,
): Promise<Principal> {
  return freeze({ id: toBase64url(await sha256(`${issuer}\0${identity.subject}`)), ...identity })
}

/** One principal serves many requests: what a handler did to it would go on into the next. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

/** Splits what RFC 6749 section 3.3 joins with spaces, and what configuration joins with commas. */
export const parseScopes = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(parseScopes)
  return typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : []
}
