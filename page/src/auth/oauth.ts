/** OAuth 2.1 in the browser: discovery, registration, PKCE, and the way back to this page. */
import type { JsonObject } from '../json.ts'
import { isObject, objectOf, parseJson, textOf, toBase64 } from '../json.ts'
import type { Credentials } from './credentials.ts'
import { requestToken } from './credentials.ts'

const ENDPOINT = location.origin + location.pathname
const KEY = `mcp-page-login:${location.pathname}`

/** What the server and its authorization server say about a login. */
export interface LoginOffer {
  readonly issuer: string
  readonly resource: string
  readonly scopes: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly registrationEndpoint: string | undefined
}

/** Reads the metadata that a challenge leads to (RFC 9728, RFC 8414). Undefined where there is none. */
export async function discoverLogin(
  challenge: string | undefined,
): Promise<LoginOffer | undefined> {
  const { pathname, origin } = location
  const named = parameterOf(challenge, 'resource_metadata')
  const known = `${origin}/.well-known/oauth-protected-resource`
  const places = named ? [named] : [`${known}${pathname.replace(/\/$/, '')}`, known]
  const resource = await firstDocument(places, ({ authorization_servers: servers }) =>
    Array.isArray(servers),
  )
  if (!resource) return undefined
  const issuer = textOf((resource.authorization_servers as unknown[])[0])
  if (!issuer || !isSafe(issuer)) throw new Error('The server names no issuer with https.')
  const server = await readIssuer(issuer)
  const authorizationEndpoint = textOf(server.authorization_endpoint) ?? ''
  const tokenEndpoint = textOf(server.token_endpoint) ?? ''
  if (!isSafe(authorizationEndpoint) || !isSafe(tokenEndpoint)) {
    throw new Error(`${issuer} names no endpoints with https.`)
  }
  const methods = server.code_challenge_methods_supported
  if (Array.isArray(methods) && !methods.includes('S256')) {
    throw new Error(`${issuer} does not support PKCE with S256.`)
  }
  const registration = textOf(server.registration_endpoint)
  const supported = resource.scopes_supported
  return {
    issuer: textOf(server.issuer) ?? issuer,
    resource: ownResource(resource.resource),
    scopes:
      parameterOf(challenge, 'scope') ?? (Array.isArray(supported) ? supported.join(' ') : ''),
    authorizationEndpoint,
    tokenEndpoint,
    registrationEndpoint: registration && isSafe(registration) ? registration : undefined,
  }
}

/** A server may only ask for tokens that are meant for it. */
function ownResource(named: unknown): string {
  const resource = textOf(named) ?? ENDPOINT
  const isOwn = resource === ENDPOINT || ENDPOINT.startsWith(`${resource.replace(/\/$/, '')}/`)
  if (!isOwn) throw new Error(`The metadata is about ${resource}, not about ${ENDPOINT}.`)
  return resource
}

async function readIssuer(issuer: string): Promise<JsonObject> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
  // Metadata of another issuer could send the person elsewhere (RFC 8414, section 3.3).
  const same = (text: unknown) => String(text).replace(/\/$/, '') === issuer.replace(/\/$/, '')
  const found = await firstDocument([...new Set(places)], (document) => same(document.issuer))
  if (!found) throw new Error(`The metadata of ${issuer} cannot be read from this page.`)
  return found
}

async function firstDocument(
  places: readonly string[],
  fits: (document: JsonObject) => boolean,
): Promise<JsonObject | undefined> {
  for (const place of places) {
    try {
      const response = await fetch(place, { credentials: 'omit', cache: 'no-store' })
      const document: unknown = response.ok ? await response.json() : undefined
      if (isObject(document) && fits(document)) return document
    } catch {
      // The next place may have it.
    }
  }
  return undefined
}

function parameterOf(challenge: string | undefined, name: string): string | undefined {
  const [, quoted, plain] =
    new RegExp(`[\\s,]${name}=(?:"([^"]*)"|([^\\s,]+))`, 'i').exec(` ${challenge ?? ''}`) ?? []
  return quoted ?? plain
}

/** Only https, or this machine, gets codes and tokens. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLocal)
}

/** Registers this page as a client (RFC 7591), and returns its id. */
export async function registerClient({
  registrationEndpoint,
  scopes,
}: LoginOffer): Promise<string> {
  if (!registrationEndpoint) throw new Error('The issuer registers no clients: give a client id.')
  const response = await fetch(registrationEndpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({
      client_name: 'MCP page',
      redirect_uris: [ENDPOINT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
      ...(scopes && { scope: scopes }),
    }),
    credentials: 'omit',
  })
  const answer: unknown = await response.json().catch(() => ({}))
  const id = textOf(objectOf(answer).client_id)
  if (!response.ok || !id) {
    const why = textOf(objectOf(answer).error_description) ?? textOf(objectOf(answer).error)
    throw new Error(`The issuer did not register this page (${response.status}): ${why ?? ''}`)
  }
  return id
}

/** Leaves for the authorization server. */
export async function beginLogin(offer: LoginOffer, clientId: string): Promise<void> {
  const verifier = randomText()
  const state = randomText()
  const bytes = new TextEncoder().encode(verifier)
  const challenge = toUrlBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
  const { issuer, tokenEndpoint, resource, scopes } = offer
  const kept = { verifier, state, clientId, issuer, tokenEndpoint, resource }
  sessionStorage.setItem(KEY, JSON.stringify(kept))
  const url = new URL(offer.authorizationEndpoint)
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: ENDPOINT,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state,
    resource,
    ...(scopes && { scope: scopes }),
  })) {
    url.searchParams.set(name, value)
  }
  location.assign(url)
}

/** Ends a login that has come back to this page. Undefined where the page was opened without one. */
export async function finishLogin(): Promise<Credentials | undefined> {
  const query = new URLSearchParams(location.search)
  if (!query.has('state') || !(query.has('code') || query.has('error'))) return undefined
  // The code must not stay in the address, which people copy.
  history.replaceState(null, '', location.pathname)
  const kept = objectOf(parseJson(sessionStorage.getItem(KEY) ?? ''))
  sessionStorage.removeItem(KEY)
  if (!textOf(kept.state) || kept.state !== query.get('state')) {
    throw new Error('The login came back without having been started here.')
  }
  const issuer = query.get('iss')
  if (issuer !== null && issuer !== kept.issuer) {
    throw new Error(`The login came back from ${issuer}, not from ${String(kept.issuer)}.`)
  }
  const code = query.get('code')
  if (code === null) {
    throw new Error(query.get('error_description') ?? query.get('error') ?? 'The login failed.')
  }
  return requestToken(String(kept.tokenEndpoint), {
    grant_type: 'authorization_code',
    code,
    redirect_uri: ENDPOINT,
    client_id: String(kept.clientId),
    code_verifier: String(kept.verifier),
    resource: String(kept.resource),
  })
}

function randomText(): string {
  return toUrlBase64(crypto.getRandomValues(new Uint8Array(32)))
}

function toUrlBase64(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
