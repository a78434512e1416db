/** An issuer of tokens without a socket, with keys, documents and faults. It records its requests. */

import type { CryptoKey, JWK } from 'jose'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface SigningKey {
  alg: string
  kid: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  jwk: JWK
}

export async function createSigningKey(alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { alg, kid, privateKey, publicKey, jwk: { ...jwk, kid, alg, use: 'sig' } }
}

/** The fault that replaces the issuer's answer. */
export type Fault = 'down' | 'slow' | 'garbage' | 'html' | 'error' | 'empty' | 'redirect'

export interface TokenIssuerOptions {
  url?: string
  /** The paths of the metadata. All other paths answer 404. */
  metadataPaths?: readonly string[]
  metadata?: Record<string, unknown>
  /** The algorithm of its first key. */
  alg?: string
  clock?: () => number
}

export interface Signing {
  header?: Record<string, unknown>
  key?: Pick<SigningKey, 'alg' | 'kid' | 'privateKey'>
}

export interface TokenIssuer {
  url: string
  jwksUri: string
  /** The keys that it publishes. The last one signs. */
  keys: SigningKey[]
  fault: Fault | undefined
  /** The requested URLs, in order. */
  requests: string[]
  jwksRequests(): number
  /** The `fetch` for the server. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Returns an access token as RFC 9068 describes it, with these changes; `undefined` removes a claim. */
  token(claims?: Record<string, unknown>, signing?: Signing): Promise<string>
}

export async function createTokenIssuer(options: TokenIssuerOptions = {}): Promise<TokenIssuer> {
  const { url = 'https://login.example.com', clock = Date.now } = options
  const { pathname } = new URL(url)
  const metadataPaths = options.metadataPaths ?? [
    `/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`,
  ]
  const requests: string[] = []
  const jwksUri = `${url}/.well-known/jwks.json`

  const issuer: TokenIssuer = {
    url,
    jwksUri,
    keys: [await createSigningKey(options.alg)],
    requests,
    fault: undefined,
    jwksRequests: () => requests.filter((address) => address === jwksUri).length,

    async fetch(input, init) {
      const address = String(input instanceof Request ? input.url : input)
      requests.push(address)
      // One turn of the event loop lets requests at the same time overlap.
      await new Promise((resolve) => setImmediate(resolve))
      switch (issuer.fault) {
        case 'down':
          throw new TypeError('fetch failed')
        case 'slow':
          return new Promise((_, reject) => {
            init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
          })
        case 'garbage':
          return new Response('{"keys":[{"kty":')
        case 'html':
          return new Response('<!doctype html><title>Maintenance</title>')
        case 'error':
          return new Response('{}', { status: 503 })
        case 'empty':
          return Response.json({ issuer: url, jwks_uri: jwksUri, keys: [] })
        case 'redirect':
          // A client that follows the redirect gets a valid-looking key set.
          if (init?.redirect === 'manual') return new Response(null, { status: 302 })
      }
      if (address === jwksUri) return Response.json({ keys: issuer.keys.map(({ jwk }) => jwk) })
      if (metadataPaths.some((path) => address === new URL(path, url).href)) {
        return Response.json({ issuer: url, jwks_uri: jwksUri, ...options.metadata })
      }
      return new Response('not found', { status: 404 })
    },

    async token(claims = {}, { header = {}, key = issuer.keys.at(-1) } = {}) {
      if (!key) throw new Error('The issuer has no key to sign with.')
      const now = Math.floor(clock() / 1000)
      const payload = {
        iss: url,
        sub: 'alice',
        aud: 'https://mcp.example.com/mcp',
        client_id: 'client-1',
        scope: 'files:read',
        iat: now,
        exp: now + 300,
        ...claims,
      }
      return new SignJWT(JSON.parse(JSON.stringify(payload)))
        .setProtectedHeader({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })
        .sign(key.privateKey)
    },
  }
  return issuer
}
