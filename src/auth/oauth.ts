/** An OAuth 2.1 resource server: tokens of trusted issuers, made for this server (MCP authorization, RFC 9728). */

import type { JWTPayload } from 'jose'
import type { Auth, Platform } from './auth.ts'
import { AuthError } from './auth.ts'
import { createChallenge } from './challenge.ts'
import { requireBearerToken } from './credentials.ts'
import type { FacadeOptions } from './facade.ts'
import { createFacade } from './facade.ts'
import type { IssuerMetadata } from './issuer.ts'
import { createIssuerKeys, createIssuerMetadata, requireSecureUrl } from './issuer.ts'
import {
  createPlace,
  createResourceMetadataRoutes,
  requirePlace,
  resourceMetadataUrl,
} from './metadata.ts'
import type { RemoteDocument, RemoteOptions } from './remote-document.ts'
import type { SigningAlgorithm, TokenRules } from './verify.ts'
import { createTokenVerifier } from './verify.ts'

/** An authorization server whose tokens are accepted. */
export interface Issuer {
  /** Exactly the `iss` of its tokens. */
  issuer: string
  /** Where its keys are. @default found through its metadata */
  jwksUri?: string | undefined
  /**
   * The only clients whose tokens are accepted. Tokens of theirs that name no audience are accepted
   * too, so leave it out where every token names one.
   * @default any client
   */
  allowedClientIds?: readonly string[] | undefined
  /** A further demand on verified claims; returns what is wrong, in words meant for the client. */
  check?: ((claims: JWTPayload) => string | undefined) | undefined
}

export interface OAuthOptions extends RemoteOptions, Omit<Issuer, 'issuer'> {
  /** One issuer or several. What is said beside it (`jwksUri`, …) holds for those given by name only. */
  issuer: string | readonly (string | Issuer)[]
  /**
   * The URL that clients call, exactly; the audience of the tokens and the `resource` of the metadata.
   * @default what the door says of itself, with `path`
   */
  resource?: string | undefined
  /** Further names of this server that issuers write into `aud`, such as `api://weather`. */
  audience?: readonly string[]
  /** Path of the MCP endpoint below the mount, the one `createMcp()` has. @default '/mcp' */
  path?: string
  /** Scopes without which nothing is answered. */
  requiredScopes?: readonly string[]
  /** `scopes_supported` of the metadata: the least a useful client asks for. @default requiredScopes */
  supportedScopes?: readonly string[] | undefined
  /** Scopes that come with another: `{ 'files:write': ['files:read'] }`. MCP demands that hierarchies count. */
  impliedScopes?: Readonly<Record<string, readonly string[]>>
  /** @default every asymmetric algorithm of RFC 7518 and RFC 8037 */
  algorithms?: readonly SigningAlgorithm[]
  /** Seconds by which the issuer's clock may differ. @default 30 */
  clockTolerance?: number
  /** Stand in for an issuer that MCP clients cannot use as it is. `docs/authorization.md` says when not to. */
  facade?: FacadeOptions | undefined
}

/**
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
  const place = createPlace(resource, path)
  const facade = options.facade && createFacade(options.facade, { path, place, metadata })

  return {
    async verify(request, platform) {
      const token = requireBearerToken(request)
      const principal = await verifyToken(token, [
        requirePlace(place(platform)).resource,
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
      const here = place(platform)
      return createChallenge(error, {
        scopes: requiredScopes,
        resourceMetadata: here && resourceMetadataUrl(here, path),
      })
    },

    routes: [
      ...createResourceMetadataRoutes({
        path,
        place,
        resource,
        // The spec keeps offline_access out: it is between the client and the issuer (D10).
        scopes: supportedScopes.filter((scope) => scope !== 'offline_access'),
        authorizationServers: (here) => (facade ? [facade.issuer(here)] : [...rules.keys()]),
      }),
      ...(facade?.routes ?? []),
    ],
  }
}

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
      throw new Error('`allowedClientIds` (MCP_ALLOWED_CLIENT_IDS) is empty: nobody could call.')
    }
    const document = createIssuerMetadata(one.issuer, remote)
    metadata.push(document)
    rules.set(one.issuer, { ...one, keys: createIssuerKeys(one.jwksUri, document, remote) })
  }
  return { rules, metadata }
}
