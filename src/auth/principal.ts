/** Makes principals: the caller's identity becomes an opaque id, to which sessions, streams and handles belong. */

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
 * Creates a principal. Its `id` is a digest, so that it can be part of keys and logs. The issuer is
 * part of the digest because a subject is unique only within its issuer (RFC 7519 section 4.1.2). No
 * configured issuer contains a NUL, so two different pairs never give the same text.
 */
export async function createPrincipal(
  issuer: string,
  identity: Omit<Principal, 'id'>,
): Promise<Principal> {
  return freeze({ id: toBase64url(await sha256(`${issuer}\0${identity.subject}`)), ...identity })
}

/** Freezes a principal, because it is used for many requests: a change by one handler would reach the next. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

/** Splits scopes, which are separated by spaces (RFC 6749 section 3.3) or, in configuration, by commas. */
export const parseScopes = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(parseScopes)
  return typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : []
}
