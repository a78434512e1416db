/**
 * Authorization-server metadata under our own name, for issuers that MCP clients refuse or cannot
 * register with (Cognito: no S256 in its metadata, no registration). Users still log in, and tokens
 * are still issued, at the issuer itself; nothing secret passes through here.
 */

import type { AuthRoute, Platform } from './auth.ts'
import type { IssuerMetadata } from './issuer.ts'
import { isLoopback } from './issuer.ts'
import type { PublicUrl } from './metadata.ts'
import { publicDocument, requirePlace } from './metadata.ts'
import type { RemoteDocument } from './remote-document.ts'
import { readObject } from './remote-document.ts'

/**
 * Everybody who registers gets the same client, so the issuer cannot tell one program from another:
 * a user who is logged in may be sent through without being asked again. The redirect URIs are what
 * keeps tokens out of strange hands (D13, the confused deputy).
 */
export interface FacadeOptions {
  /** A public client (no secret, PKCE) that was registered with the issuer by hand. */
  clientId: string
  /**
   * Where that client may send a code: an `https` URL, matched exactly, or `http` on loopback,
   * matched with any port (RFC 8252 section 7.3). The issuer matches by its own rules besides.
   */
  redirectUris: readonly string[]
  /** Endpoints that the issuer's metadata lacks, or that replace its own, by their metadata names. */
  endpoints?: Readonly<Record<string, string>> | undefined
}

interface FacadeContext {
  path: string
  place: (platform: Platform) => PublicUrl | undefined
  metadata: readonly RemoteDocument<IssuerMetadata>[]
}

export interface Facade {
  /** The name under which the resource's metadata lists it. */
  issuer(place: PublicUrl): string
  routes: AuthRoute[]
}

const registrationPath = '/register'
const maxRegistrationLength = 16_384

export function createFacade(
  { clientId, redirectUris, endpoints = {} }: FacadeOptions,
  { path, place, metadata: [metadata, ...others] }: FacadeContext,
): Facade {
  if (!metadata || others.length > 0) {
    throw new Error('A façade stands in for one issuer: configure exactly one.')
  }
  if (!clientId || redirectUris.length === 0) {
    throw new Error('A façade needs `clientId` and at least one of `redirectUris`.')
  }
  const allowed = new Set(redirectUris.map(requireRedirectUri))
  const below = path === '/' ? '' : path

  /** `suffix` is what follows our base in the name of the issuer that a client looks for. */
  const describe = (path: string, suffix: string): AuthRoute => ({
    method: 'GET',
    path,
    async handle(_request, platform) {
      const { base } = requirePlace(place(platform))
      return toFacadeDocument(await metadata.current(), {
        ...endpoints,
        issuer: `${base}${suffix}`,
        registration_endpoint: `${base}${registrationPath}`,
      })
    },
  })
  const suffixes = below ? ['', below] : ['']

  return {
    issuer: ({ base }) => base,
    routes: [
      // Every form that clients derive (D21), each naming the issuer it is derived from.
      ...suffixes.flatMap((suffix) => [
        describe(`/.well-known/oauth-authorization-server${suffix}`, suffix),
        describe(`/.well-known/openid-configuration${suffix}`, suffix),
      ]),
      ...(below ? [describe(`${below}/.well-known/openid-configuration`, below)] : []),
      {
        method: 'POST',
        path: registrationPath,
        handle: (request) => register(request, clientId, allowed),
      },
    ],
  }
}

/**
 * What the issuer says of itself, under our name, with the PKCE method that it supports without
 * saying so. Reduced to what holds for the one public client: it has no secret to authenticate with.
 */
function toFacadeDocument(
  upstream: IssuerMetadata,
  ours: Readonly<Record<string, string>>,
): Response {
  // RFC 9207: such an issuer puts its own name into every answer, and clients must refuse the mismatch.
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

/** RFC 7591, with one answer: the client that exists already. */
async function register(
  request: Request,
  clientId: string,
  allowed: ReadonlySet<string>,
): Promise<Response> {
  const asked = await readObject(request, maxRegistrationLength)
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
    { status: 201, headers: publicHeaders },
  )
}

const isAllowed = (uri: unknown, allowed: ReadonlySet<string>): boolean =>
  typeof uri === 'string' && allowed.has(withoutLoopbackPort(uri))

function requireRedirectUri(uri: string): string {
  // A pattern would be taken literally, which its author does not expect.
  const { protocol } = uri.includes('*') ? {} : (parseUri(uri) ?? {})
  const key = withoutLoopbackPort(uri)
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(new URL(key)))) return key
  throw new Error(
    `The façade's redirect URI ${JSON.stringify(uri)} must be an https URL, or http on loopback, spelled in full.`,
  )
}

/** What two redirect URIs must have in common: everything, but for the port on loopback. */
function withoutLoopbackPort(uri: string): string {
  const url = parseUri(uri)
  if (url?.protocol !== 'http:' || !isLoopback(url)) return uri
  return `http://${url.hostname}${url.pathname}${url.search}`
}

/** Only a URI in its normal spelling: what parsers read differently is where allow-lists leak. */
function parseUri(uri: string): URL | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  const plain = url && !url.username && !url.password && !uri.includes('#')
  return plain && (url.href === uri || url.href === `${uri}/`) ? url : undefined
}

const publicHeaders = { 'cache-control': 'no-store', 'access-control-allow-origin': '*' }

const refusal = (status: number, error: string, description: string): Response =>
  Response.json({ error, error_description: description }, { status, headers: publicHeaders })
