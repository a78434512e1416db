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
}

export async function startOidcProvider({ scopes }: OidcProviderOptions) {
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
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
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

  const callback = provider.callback()
  handle = (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return callback(request, response)
    interact(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  }
  return fixture
}
