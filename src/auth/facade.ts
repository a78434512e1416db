/**
 * A façade: authorization-server metadata under this server's own URL, for issuers that MCP clients
 * refuse or cannot register with (Cognito has no S256 in its metadata, and no registration). Users
 * still log in at the issuer. Without a hop (`rewrite`, `clientIdDocuments`) no secret passes through here.
 */

import { lazyImport } from '../lib/lazy-import.ts'
import { isLoopback } from '../lib/loopback.ts'
import type { AuthRoute, Platform } from './auth.ts'
import type { FacadeOptions, HopContext } from './facade-options.ts'
import type { IssuerMetadata } from './issuer.ts'
import { requireSecureUrl } from './issuer.ts'
import type { PublicUrl } from './metadata.ts'
import { publicDocument, requirePublicUrl } from './metadata.ts'
import type { RemoteDocument, RemoteOptions } from './remote-document.ts'
import { readObject } from './remote-document.ts'

interface FacadeContext {
  path: string
  publicUrl: (platform: Platform) => PublicUrl | undefined
  metadata: readonly RemoteDocument<IssuerMetadata>[]
  remote: RemoteOptions
}

export interface Facade {
  /** The issuer identifier that the metadata of the resource names. */
  issuer(url: PublicUrl): string
  routes: AuthRoute[]
}

const REGISTRATION_PATH = '/register'
const AUTHORIZATION_PATH = '/authorize'
const TOKEN_PATH = '/token'

/** Most façades do without it. */
const hop = lazyImport(() => import('./facade-hop.ts'))

/** Characters of a registration request. */
const MAX_REGISTRATION_LENGTH = 16_384

export function createFacade(
  options: FacadeOptions,
  { path, publicUrl, metadata: [metadata, ...others], remote }: FacadeContext,
): Facade {
  const { clientId, redirectUris, endpoints = {}, clientIdDocuments = [] } = options
  if (!metadata || others.length > 0) {
    throw new Error('A façade stands in for one issuer: configure exactly one.')
  }
  if (!clientId || redirectUris.length === 0) {
    throw new Error('A façade needs `clientId` and at least one of `redirectUris`.')
  }
  const allowed = new Set(redirectUris.map(requireRedirectUri))
  for (const origin of clientIdDocuments) {
    if (requireSecureUrl(origin, "The façade's `clientIdDocuments`").origin !== origin) {
      throw new Error(
        "The façade's `clientIdDocuments` must be origins, such as https://claude.ai.",
      )
    }
  }
  const hops = options.rewrite !== undefined || clientIdDocuments.length > 0
  const hopContext = {
    options,
    metadata,
    remote,
    documents: new Map(),
    isAllowedRedirect: (uri: unknown) => isAllowed(uri, allowed),
    refuse: refusal,
  }
  const below = path === '/' ? '' : path

  /** Serves the metadata of the issuer identifier `base` + `suffix` at `path`. */
  const describe = (path: string, suffix: string): AuthRoute => ({
    method: 'GET',
    path,
    async handle(_request, platform) {
      const { base } = requirePublicUrl(publicUrl(platform))
      return toFacadeDocument(await metadata.current(), {
        ...endpoints,
        issuer: `${base}${suffix}`,
        registration_endpoint: `${base}${REGISTRATION_PATH}`,
        ...(hops && {
          authorization_endpoint: `${base}${AUTHORIZATION_PATH}`,
          token_endpoint: `${base}${TOKEN_PATH}`,
        }),
        ...(clientIdDocuments.length > 0 && { client_id_metadata_document_supported: true }),
      })
    },
  })
  const suffixes = below ? ['', below] : ['']

  return {
    issuer: ({ base }) => base,
    routes: [
      // Clients derive these paths from the issuer identifier (D21). Each document names its identifier.
      ...suffixes.flatMap((suffix) => [
        describe(`/.well-known/oauth-authorization-server${suffix}`, suffix),
        describe(`/.well-known/openid-configuration${suffix}`, suffix),
      ]),
      ...(below ? [describe(`${below}/.well-known/openid-configuration`, below)] : []),
      {
        method: 'POST',
        path: REGISTRATION_PATH,
        handle: (request) => register(request, clientId, allowed),
      },
      ...(hops ? hopRoutes(hopContext) : []),
    ],
  }
}

/**
 * Builds the metadata document from the issuer's own. It adds S256, which the issuer supports without
 * saying so, and keeps only what is true for the public client, which has no secret.
 */
function toFacadeDocument(
  upstream: IssuerMetadata,
  ours: Readonly<Record<string, string | boolean>>,
): Response {
  // RFC 9207: such an issuer names itself in each response, and clients must refuse another issuer's name.
  if (upstream.authorization_response_iss_parameter_supported === true) {
    return refusal(
      502,
      'server_error',
      'The issuer identifies itself in its responses, so nothing can stand in for it: use it directly.',
    )
  }
  const kept = [
    'authorization_endpoint',
    'token_endpoint',
    'revocation_endpoint',
    'userinfo_endpoint',
    'jwks_uri',
    'scopes_supported',
    'claims_supported',
    'subject_types_supported',
    'id_token_signing_alg_values_supported',
  ]
  return publicDocument({
    ...Object.fromEntries(
      kept.filter((name) => name in upstream).map((name) => [name, upstream[name]]),
    ),
    ...ours,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
  })
}

function hopRoutes(context: HopContext): AuthRoute[] {
  return [
    {
      method: 'GET',
      path: AUTHORIZATION_PATH,
      handle: async (request) => (await hop()).authorize(request, context),
    },
    {
      method: 'POST',
      path: TOKEN_PATH,
      handle: async (request) => (await hop()).token(request, context),
    },
  ]
}

/** Answers a registration request (RFC 7591) with the client that exists already. */
async function register(
  request: Request,
  clientId: string,
  allowed: ReadonlySet<string>,
): Promise<Response> {
  const asked = await readObject(request, MAX_REGISTRATION_LENGTH)
  if (!asked)
    return refusal(400, 'invalid_client_metadata', 'The body must be a small JSON object.')
  const uris = asked.redirect_uris
  if (!Array.isArray(uris) || uris.length === 0 || !uris.every((uri) => isAllowed(uri, allowed))) {
    return refusal(400, 'invalid_redirect_uri', 'A redirect URI is not on the list of this server.')
  }
  return Response.json(
    {
      client_id: clientId,
      redirect_uris: uris,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    { status: 201, headers: PUBLIC_HEADERS },
  )
}

const isAllowed = (uri: unknown, allowed: ReadonlySet<string>): boolean =>
  typeof uri === 'string' && allowed.has(withoutLoopbackPort(uri))

function requireRedirectUri(uri: string): string {
  // A pattern is refused, because it would be compared literally.
  const { protocol } = uri.includes('*') ? {} : (parseUri(uri) ?? {})
  const key = withoutLoopbackPort(uri)
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(new URL(key).hostname)))
    return key
  throw new Error(
    `The façade's redirect URI ${JSON.stringify(uri)} must be an https URL, or http on loopback, spelled in full.`,
  )
}

/** Removes the port of a loopback URI, because a client's port there may differ. Other URIs stay as they are. */
function withoutLoopbackPort(uri: string): string {
  const url = parseUri(uri)
  if (url?.protocol !== 'http:' || !isLoopback(url.hostname)) return uri
  return `http://${url.hostname}${url.pathname}${url.search}`
}

/** Parses a URI in its normal spelling only: URIs that parsers read differently could pass an allow-list. */
function parseUri(uri: string): URL | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  const plain = url && !url.username && !url.password && !uri.includes('#')
  return plain && (url.href === uri || url.href === `${uri}/`) ? url : undefined
}

/** Any page may read a response of the façade, because it contains no secret. */
const PUBLIC_HEADERS = { 'cache-control': 'no-store', 'access-control-allow-origin': '*' }

const refusal = (status: number, error: string, description: string): Response =>
  Response.json({ error, error_description: description }, { status, headers: PUBLIC_HEADERS })
