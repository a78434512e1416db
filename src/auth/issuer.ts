/** The documents that an issuer publishes: its metadata and its signing keys. */

import type { JWTVerifyGetKey } from 'jose'
import { lazyImport } from '../lib/lazy-import.ts'
import { isLoopback } from '../lib/loopback.ts'
import type { RemoteDocument, RemoteOptions } from './remote-document.ts'
import { createRemoteDocument, fetchDocument } from './remote-document.ts'

const jwt = lazyImport(() => import('./jwt.ts'))

export type IssuerMetadata = Readonly<Record<string, unknown>> & { readonly issuer: string }

/**
 * Lists the URLs of an issuer's metadata in the order that clients try them (D21): RFC 8414 section
 * 3.1, then OpenID Connect with the path inserted, then with the path first. Cognito has only the last.
 */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  if (path) urls.push(`${origin}${path}/.well-known/openid-configuration`)
  return urls
}

/** Fetches an issuer's metadata when it is needed, and keeps it. */
export function createIssuerMetadata(
  issuer: string,
  options: RemoteOptions,
): RemoteDocument<IssuerMetadata> {
  return createRemoteDocument(async () => {
    for (const url of metadataUrls(issuer)) {
      const metadata = await fetchDocument(url, options)
      // The issuer must be identical: RFC 8414 section 3.3 forbids to use any other document.
      if (metadata?.issuer === issuer) return { ...metadata, issuer }
    }
    throw new Error(`No metadata of the issuer ${issuer} names exactly this issuer.`)
  }, options)
}

/** Returns a function that finds the issuer's key for the header of a token. */
export function createIssuerKeys(
  jwksUri: string | undefined,
  metadata: RemoteDocument<IssuerMetadata>,
  options: RemoteOptions,
): JWTVerifyGetKey {
  const keys = createRemoteDocument(async () => {
    const url = jwksUri ?? (await metadata.current()).jwks_uri
    if (typeof url !== 'string') throw new Error('The issuer publishes no jwks_uri.')
    requireSecureUrl(url, 'jwks_uri')
    const document = await fetchDocument(url, options)
    // An empty set would make every valid token invalid, so it counts as a fault of the issuer.
    if (!Array.isArray(document?.keys) || document.keys.length === 0) {
      throw new Error(`${url} answered with no keys.`)
    }
    const { createLocalJWKSet } = await jwt()
    return createLocalJWKSet({ keys: document.keys })
  }, options)

  return async (header, token) => {
    const find = await keys.current()
    try {
      return await find(header, token)
    } catch (error) {
      const { errors } = await jwt()
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
    }
    // The issuer may have published a new key since.
    return (await keys.renewed())(header, token)
  }
}

/** Requires `https`, so that nothing between can replace the response; `http` only on loopback. */
export function requireSecureUrl(value: string, name: string): URL {
  let url: URL | undefined
  try {
    url = new URL(value)
  } catch {
    // The check below throws.
  }
  const secure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!url || !secure || url.username || url.password || url.hash) {
    throw new Error(
      `${name} must be an https URL without credentials and fragment (http only on loopback).`,
    )
  }
  return url
}
