/**
 * The hop of a façade: authorization and token requests pass through this server, which changes them for
 * an issuer that refuses them as MCP clients send them. Codes, refresh tokens and access tokens pass too;
 * none is kept or logged.
 */

import type { FacadeOptions, HopContext, RequestRewrite } from './facade-options.ts'
import { requireSecureUrl } from './issuer.ts'
import { fetchDocument, readObject } from './remote-document.ts'

/** Characters of a token request; codes of some issuers are several thousand long. */
const MAX_REQUEST_LENGTH = 32_768
/** Characters of a token response. */
const MAX_RESPONSE_LENGTH = 131_072

/** Milliseconds that a client-id metadata document is kept: its origin is not asked for every login. */
const DOCUMENT_AGE = 300_000
const MOST_DOCUMENTS = 100

/** What a client may send to the token endpoint (RFC 6749, RFC 7636, RFC 8707). Nothing else is passed on. */
const TOKEN_PARAMETERS = [
  ...['grant_type', 'code', 'redirect_uri', 'code_verifier', 'refresh_token', 'scope', 'resource'],
]
/** What a client may send to the authorization endpoint (the same, and OpenID Connect Core section 3.1.2.1). */
const AUTHORIZATION_PARAMETERS = [
  ...['response_type', 'redirect_uri', 'scope', 'state', 'code_challenge', 'resource', 'nonce'],
  ...['code_challenge_method', 'prompt', 'login_hint', 'max_age', 'ui_locales', 'response_mode'],
]

/** Sends the user on to the issuer. A request that is not right is answered here: no redirect leads to an unknown place. */
export async function authorize(request: Request, context: HopContext): Promise<Response> {
  const { options, refuse } = context
  const given = readParameters(new URL(request.url).searchParams)
  if (!given) return refuse(400, 'invalid_request', 'A parameter is there more than once.')
  const redirectUri = given.get('redirect_uri')
  if (!context.isAllowedRedirect(redirectUri)) {
    return refuse(400, 'invalid_request', 'The redirect URI is not on the list of this server.')
  }
  if (!(await isKnownClient(given.get('client_id'), redirectUri, context))) {
    return refuse(400, 'invalid_client', 'The client id is not known here.')
  }
  if (given.get('response_type') !== 'code' || given.get('code_challenge_method') !== 'S256') {
    return refuse(
      400,
      'invalid_request',
      'This server needs response_type code, and PKCE with S256.',
    )
  }
  const endpoint = await endpointOf('authorization_endpoint', context)
  for (const [name, value] of rewrite(given, AUTHORIZATION_PARAMETERS, options)) {
    endpoint.searchParams.set(name, value)
  }
  for (const [name, value] of Object.entries(options.rewrite?.parameters ?? {})) {
    endpoint.searchParams.set(name, value)
  }
  return new Response(null, {
    status: 302,
    headers: {
      location: endpoint.href,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
  })
}

/** Passes a token request on, and the issuer's answer back. */
export async function token(request: Request, context: HopContext): Promise<Response> {
  const { options, remote, refuse } = context
  const type = request.headers.get('content-type') ?? ''
  const text = await readText(request, MAX_REQUEST_LENGTH)
  if (!type.startsWith('application/x-www-form-urlencoded') || text === undefined) {
    return refuse(400, 'invalid_request', 'The body must be a small form.')
  }
  const given = readParameters(new URLSearchParams(text))
  if (!given) return refuse(400, 'invalid_request', 'A parameter is there more than once.')
  const grant = given.get('grant_type')
  if (grant !== 'authorization_code' && grant !== 'refresh_token') {
    return refuse(400, 'unsupported_grant_type', 'Only authorization_code and refresh_token.')
  }
  const redirectUri = given.get('redirect_uri')
  if (redirectUri !== undefined && !context.isAllowedRedirect(redirectUri)) {
    return refuse(400, 'invalid_grant', 'The redirect URI is not on the list of this server.')
  }
  if (!(await isKnownClient(given.get('client_id'), redirectUri, context))) {
    return refuse(400, 'invalid_client', 'The client id is not known here.')
  }
  const { fetch = globalThis.fetch, timeout = 5_000 } = remote
  const endpoint = await endpointOf('token_endpoint', context)
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams(rewrite(given, TOKEN_PARAMETERS, options)).toString(),
    // A redirect would send the code to another place than the issuer's metadata names.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  }).catch(() => undefined)
  const body = answer && (await readObject(answer, MAX_RESPONSE_LENGTH).catch(() => undefined))
  if (!answer || !body || ![200, 400, 401].includes(answer.status)) {
    return refuse(502, 'temporarily_unavailable', 'The issuer gave no usable answer.')
  }
  return Response.json(body, {
    status: answer.status,
    headers: { 'cache-control': 'no-store', 'access-control-allow-origin': '*' },
  })
}

/** The parameters; undefined when one is there twice (RFC 6749 section 3.1), but for `resource`, which may be (RFC 8707). */
function readParameters(search: URLSearchParams): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (const [name, value] of search) {
    if (found.has(name) && name !== 'resource') return undefined
    if (!found.has(name)) found.set(name, value)
  }
  return found
}

/** The parameters that the issuer gets, as pairs. */
function rewrite(
  given: ReadonlyMap<string, string>,
  names: readonly string[],
  { clientId, rewrite: { resource, scopes = {} } = {} }: FacadeOptions,
): [string, string][] {
  const pairs: [string, string][] = [['client_id', clientId]]
  for (const name of names) {
    const value = given.get(name)
    if (value === undefined) continue
    if (name === 'scope') pairs.push([name, mapScopes(value, scopes)])
    else if (name === 'resource') {
      if (resource !== 'drop') pairs.push([name, resource ?? value])
    } else pairs.push([name, value])
  }
  return pairs
}

function mapScopes(scope: string, names: NonNullable<RequestRewrite['scopes']>): string {
  const known = new Map(Object.entries(names))
  const mapped = scope.split(' ').map((one) => known.get(one) ?? one)
  return [...new Set(mapped.filter(Boolean))].join(' ')
}

/** The façade's own client id, or the URL of a client-id metadata document that names the redirect URI. */
async function isKnownClient(
  clientId: string | undefined,
  redirectUri: string | undefined,
  { options, remote, documents }: HopContext,
): Promise<boolean> {
  if (clientId === options.clientId) return true
  if (!clientId || !isClientDocument(clientId, options)) return false
  // A refresh names no redirect URI, and its token is bound to the client by the issuer.
  if (redirectUri === undefined) return true
  const { clock = Date.now } = remote
  const kept = documents.get(clientId)
  if (kept && Math.abs(clock() - kept.at) < DOCUMENT_AGE) return kept.uris.includes(redirectUri)
  // The URL belongs to an origin of the list, so a client cannot make this server call another address.
  const document = await fetchDocument(clientId, remote).catch(() => undefined)
  const uris = document?.client_id === clientId ? document.redirect_uris : undefined
  if (!Array.isArray(uris)) return false
  if (documents.size >= MOST_DOCUMENTS) documents.clear()
  documents.set(clientId, { uris, at: clock() })
  return uris.includes(redirectUri)
}

function isClientDocument(clientId: string, { clientIdDocuments = [] }: FacadeOptions): boolean {
  if (!URL.canParse(clientId)) return false
  const { href, origin, pathname, username, password } = new URL(clientId)
  // The specification wants a path, and two spellings of one URL would be two clients.
  return href === clientId && pathname !== '/' && !username && !password
    ? !clientId.includes('#') && clientIdDocuments.includes(origin)
    : false
}

async function endpointOf(
  name: 'authorization_endpoint' | 'token_endpoint',
  { options, metadata }: HopContext,
): Promise<URL> {
  const url = options.endpoints?.[name] ?? (await metadata.current())[name]
  if (typeof url !== 'string') throw new Error(`The issuer publishes no ${name}.`)
  return requireSecureUrl(url, name)
}

async function readText({ body }: Request, maxLength: number): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxLength) return undefined
  }
  return text + decoder.decode()
}
