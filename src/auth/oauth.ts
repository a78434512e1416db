/** An OAuth 2.1 resource server: tokens of trusted issuers, made for this server (MCP authorization, RFC 9728). */

import type { JWTPayload } from 'jose'
import type { Auth, Platform } from './auth.ts'
import { AuthError } from './auth.ts'
import { createChallenge } from './challenge.ts'
import { requireBearerToken } from './credentials.ts'
import { createFacade } from './facade.ts'
import type { FacadeOptions } from './facade-options.ts'
import type { IssuerMetadata } from './issuer.ts'
import { createIssuerKeys, createIssuerMetadata, requireSecureUrl } from './issuer.ts'
import {
  createPublicUrl,
  createResourceMetadataRoutes,
  requirePublicUrl,
  resourceMetadataUrl,
} from './metadata.ts'
import type { RemoteDocument, RemoteOptions } from './remote-document.ts'
import type { SigningAlgorithm, TokenRules } from './verify.ts'
import { createTokenVerifier } from './verify.ts'

/** An authorization server whose tokens are accepted. */
export interface Issuer {
  /** Exactly the `iss` of its tokens. */
  issuer: string
  /** The URL of its keys. @default the one in its metadata */
  jwksUri?: string | undefined
  /**
   * The clients whose tokens are accepted. Their tokens need not name an audience, so leave this out
   * if the issuer writes one into every token.
   * @default any client
   */
  allowedClientIds?: readonly string[] | undefined
  /** A further check of verified claims. Returns what is wrong with them; the client reads it. */
  check?: ((claims: JWTPayload) => string | undefined) | undefined
}

/** Options of {@link oauth}. */
export interface OAuthOptions extends RemoteOptions, Omit<Issuer, 'issuer'> {
  /**
   * One issuer or several. `jwksUri`, `allowedClientIds` and `check` beside it apply to the issuers that
   * are given as a string.
   */
  issuer: string | readonly (string | Issuer)[]
  /**
   * The URL that clients call, exactly. It is the audience of the tokens, and the `resource` of the metadata.
   * @default the public URL that the host knows, followed by `path`
   */
  resource?: string | undefined
  /** Further names of this server that issuers write into `aud`, such as `api://weather`. @default none */
  audience?: readonly string[]
  /** Path of the MCP endpoint, the same as that of `createMcp()`. @default '/mcp' */
  path?: string
  /** Scopes that every request needs. @default none */
  requiredScopes?: readonly string[]
  /** `scopes_supported` of the metadata: the scopes that a client should ask for. @default requiredScopes */
  supportedScopes?: readonly string[] | undefined
  /** Scopes that another one includes, such as `{ 'files:write': ['files:read'] }`. @default none */
  impliedScopes?: Readonly<Record<string, readonly string[]>>
  /** @default every asymmetric algorithm of RFC 7518 and RFC 8037 */
  algorithms?: readonly SigningAlgorithm[]
  /** Seconds by which the issuer's clock may differ. @default 30 */
  clockTolerance?: number
  /** Publishes metadata and a registration for an issuer that MCP clients cannot use directly. See docs/authorization.md. @default none */
  facade?: FacadeOptions | undefined
}

/**
 * Accepts access tokens of the configured issuers. Their keys are fetched with the first token, and jose
 * is loaded then.
 *
 * @example
 * oauth({ issuer: 'https://login.example.com', resource: 'https://mcp.example.com/mcp' })
 */
export function oauth(options: OAuthOptions): Auth {
  const {
    path = '/mcp',
    audience = [],
    requiredScopes = [],
    supportedScopes = requiredScopes,
    impliedScopes = {},
    clockTolerance = 30,
    clock = Date.now,
    resource,
  } = options
  if (resource !== undefined) requireSecureUrl(resource, '`resource` (MCP_RESOURCE_URL)')
  const { rules, metadata } = toIssuers(options)
  const verifyToken = createTokenVerifier({
    issuers: rules,
    algorithms: options.algorithms,
    clock,
    clockTolerance,
    impliedScopes,
  })
  const publicUrl = createPublicUrl(resource, path)
  const facade =
    options.facade && createFacade(options.facade, { path, publicUrl, metadata, remote: options })

  return {
    async verify(request, platform) {
      const token = requireBearerToken(request)
      const principal = await verifyToken(token, [
        requirePublicUrl(publicUrl(platform)).resource,
        ...audience,
      ])
      if (!requiredScopes.every((scope) => principal.scopes.includes(scope))) {
        throw new AuthError('The access token lacks a scope that this server needs.', {
          code: 'insufficient_scope',
          scopes: requiredScopes,
        })
      }
      return principal
    },

    challenge(error, platform: Platform) {
      const url = publicUrl(platform)
      return createChallenge(error, {
        scopes: requiredScopes,
        resourceMetadata: url && resourceMetadataUrl(url, path),
      })
    },

    routes: [
      ...createResourceMetadataRoutes({
        path,
        publicUrl,
        resource,
        // The scope offline_access is not one of the resource: it concerns only client and issuer (D10).
        scopes: supportedScopes.filter((scope) => scope !== 'offline_access'),
        authorizationServers: (url) => (facade ? [facade.issuer(url)] : [...rules.keys()]),
      }),
      ...(facade?.routes ?? []),
    ],
  }
}

/** The rules and the metadata of each configured issuer. Throws for a configuration that cannot work. */
function toIssuers(options: OAuthOptions) {
  const { issuer: given, jwksUri, allowedClientIds, check, ...remote } = options
  const several = typeof given === 'string' ? [given] : given
  if (several.length === 0) throw new Error('oauth() needs at least one issuer (MCP_ISSUER).')
  if (jwksUri !== undefined && several.length > 1) {
    throw new Error('`jwksUri` (MCP_JWKS_URI) belongs to one issuer: write it beside each of them.')
  }
  const rules = new Map<string, TokenRules>()
  const metadata: RemoteDocument<IssuerMetadata>[] = []
  for (const entry of several) {
    const one: Issuer =
      typeof entry === 'string' ? { issuer: entry, jwksUri, allowedClientIds, check } : entry
    requireSecureUrl(one.issuer, '`issuer` (MCP_ISSUER)')
    if (one.jwksUri !== undefined) requireSecureUrl(one.jwksUri, '`jwksUri` (MCP_JWKS_URI)')
    if (one.allowedClientIds?.length === 0) {
      throw new Error('`allowedClientIds` (MCP_ALLOWED_CLIENT_IDS) is empty: no client could call.')
    }
    const document = createIssuerMetadata(one.issuer, remote)
    metadata.push(document)
    rules.set(one.issuer, { ...one, keys: createIssuerKeys(one.jwksUri, document, remote) })
  }
  return { rules, metadata }
}
