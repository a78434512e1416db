/** A real authorization server on the loopback interface, with PKCE, resource indicators, registration and refresh rotation. */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'

export interface OidcProviderOptions {
  /** The scopes of its resources. */
  scopes: readonly string[]
  /**
   * Makes it behave as Entra ID does: one client that was registered by hand, tokens for one API, no
   * `iss` in its answers, and an error for each request with a `resource` (AADSTS9010010).
   */
  entra?: { clientId: string; redirectUris: readonly string[]; audience: string }
}

/** The part of a Koa context that is read here. */
interface EntraContext {
  readonly path: string
  readonly body: Record<string, unknown>
  readonly response: { get(name: string): string }
  set(name: string, value: string): void
}

/** Answers as Entra ID does when a request names a resource, and passes any other request on. */
async function refuseResource(
  request: IncomingMessage & { body?: Record<string, string> },
  response: ServerResponse,
  next: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<void> {
  let text = ''
  if (request.method === 'POST') for await (const part of request) text += part
  const form = new URLSearchParams(text)
  if (form.has('resource') || new URL(request.url ?? '', 'http://x').searchParams.has('resource')) {
    const error = { error: 'invalid_target', error_description: 'AADSTS9010010: resource' }
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(error))
    return
  }
  request.body = Object.fromEntries(form)
  next(request, response)
}

export async function startOidcProvider({ scopes, entra }: OidcProviderOptions) {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {}
  const server = createServer((request, response) => handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })

  const fixture = {
    url,
    /** The user who logs in next. */
    account: 'alice',
    /** The lifetime of new access tokens in seconds. */
    accessTokenTtl: 3_600,
    /** Revokes a refresh token, and with it the grant (RFC 7009). */
    async revoke(token: string, clientId: string) {
      const body = new URLSearchParams({ token, client_id: clientId })
      const response = await fetch(`${url}/token/revocation`, { method: 'POST', body })
      if (!response.ok) throw new Error(`The revocation was answered with ${response.status}.`)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  const provider = new Provider(url, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'first' }] },
    cookies: { keys: ['only for tests'] },
    scopes: ['openid', 'offline_access', ...scopes],
    clientDefaults: { token_endpoint_auth_method: 'none' },
    ...(entra && {
      clients: [
        {
          client_id: entra.clientId,
          redirect_uris: entra.redirectUris,
          application_type: 'native',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        },
      ],
    }),
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(grant: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: () => fixture.accessTokenTtl,
      Grant: 86_400,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: !entra },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        ...(entra && { defaultResource: () => entra.audience }),
        getResourceServerInfo: (_context: unknown, audience: string) => ({
          audience,
          scope: scopes.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: fixture.accessTokenTtl,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    // A client registers with the scope of its first request. If that were a limit, it could not ask for more later.
    extraClientMetadata: {
      properties: ['unused'],
      validator: (_: unknown, _name: string, _value: unknown, metadata: { scope?: string }) => {
        delete metadata.scope
      },
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  })

  /** Logs in and consents to everything, like a user who accepts each page. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session, grantId } = await provider.interactionDetails(
      request,
      response,
    )
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, {
        login: { accountId: fixture.account },
      })
      return
    }
    const owner = { accountId: session?.accountId, clientId: params.client_id }
    const grant =
      (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
      new provider.Grant(owner)
    const { missingOIDCScope, missingResourceScopes } = prompt.details
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
    for (const [resource, missing] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, missing.join(' '))
    }
    await provider.interactionFinished(request, response, {
      consent: { grantId: await grant.save() },
    })
  }

  if (entra) {
    provider.use(async (context: EntraContext, next: () => Promise<void>) => {
      await next()
      if (context.path.startsWith('/.well-known/')) {
        delete context.body.authorization_response_iss_parameter_supported
      }
      const location = context.response.get('location')
      if (location) context.set('location', location.replace(/[?&]iss=[^&]*/, ''))
    })
  }
  const callback = provider.callback()
  handle = (request, response) => {
    // A web page may register itself. The provider does not allow this by itself.
    if (request.url === '/reg' && request.headers.origin) {
      response.setHeader('access-control-allow-origin', request.headers.origin)
      response.setHeader('access-control-allow-headers', 'content-type')
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end()
        return
      }
    }
    if (!request.url?.startsWith('/interaction/')) {
      return entra ? void refuseResource(request, response, callback) : callback(request, response)
    }
    interact(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  }
  return fixture
}
