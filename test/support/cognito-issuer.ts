/**
 * An authorization server in the shape of Amazon Cognito, on loopback: metadata
 * at the pool's URL alone and silent about PKCE, no registration, access tokens without an audience.
 */

import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { SignJWT } from 'jose'
import { createSigningKey } from './token-issuer.ts'

export interface CognitoIssuerOptions {
  userPoolId?: string
  /** The only app client: public, with PKCE. Redirect URIs are compared character by character. */
  clientId: string
  redirectUris: readonly string[]
  /** Identifiers of resource servers. A token that was requested with one of them as `resource` has it as `aud`. */
  resourceServers?: readonly string[]
  /** The time for the tokens that it issues. */
  clock?: () => number
}

interface Grant {
  username: string
  scope: string
  resource: string | undefined
}

const base64url = (text: string) => createHash('sha256').update(text).digest('base64url')

export async function startCognitoIssuer(options: CognitoIssuerOptions) {
  const { userPoolId = 'eu-central-1_AbCdEf123', clientId, redirectUris } = options
  const { resourceServers = [], clock = Date.now } = options
  const key = await createSigningKey('RS256')
  /** The URL that Cognito would have, which tokens and metadata name. */
  const pool = `https://cognito-idp.${userPoolId.split('_')[0]}.amazonaws.com/${userPoolId}`
  const codes = new Map<string, Grant & { challenge: string; redirectUri: string }>()
  const refreshTokens = new Map<string, Grant>()
  const app = new Hono()
  const server = serve({
    overrideGlobalObjects: false,
    fetch: app.fetch,
    hostname: '127.0.0.1',
    port: 0,
  })
  if (!server.listening) await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const sign = (claims: Record<string, unknown>) => {
    const now = Math.floor(clock() / 1000)
    return new SignJWT({ iss: pool, iat: now, exp: now + 3_600, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid })
      .sign(key.privateKey)
  }

  async function issue(grant: Grant) {
    const { username, scope, resource } = grant
    const sub = base64url(username)
    const refreshToken = randomUUID()
    refreshTokens.set(refreshToken, grant)
    return {
      access_token: await sign({
        sub,
        username,
        token_use: 'access',
        client_id: clientId,
        scope,
        'cognito:groups': ['readers'],
        ...(resource !== undefined && resourceServers.includes(resource) && { aud: resource }),
      }),
      id_token: await sign({ sub, 'cognito:username': username, token_use: 'id', aud: clientId }),
      refresh_token: refreshToken,
      token_type: 'Bearer',
      expires_in: 3_600,
    }
  }

  app.get(`/${userPoolId}/.well-known/openid-configuration`, ({ json }) =>
    json({
      issuer: pool,
      authorization_endpoint: `${origin}/oauth2/authorize`,
      token_endpoint: `${origin}/oauth2/token`,
      revocation_endpoint: `${origin}/oauth2/revoke`,
      userinfo_endpoint: `${origin}/oauth2/userInfo`,
      jwks_uri: `${pool}/.well-known/jwks.json`,
      response_types_supported: ['code', 'token'],
      scopes_supported: ['openid', 'email', 'phone', 'profile'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    }),
  )

  app.get(`/${userPoolId}/.well-known/jwks.json`, ({ json }) => json({ keys: [key.jwk] }))

  app.get('/oauth2/authorize', ({ req, redirect, text }) => {
    const {
      client_id,
      redirect_uri = '',
      response_type,
      code_challenge = '',
      ...rest
    } = req.query()
    if (client_id !== clientId || !redirectUris.includes(redirect_uri)) {
      return text('redirect_mismatch', 400)
    }
    if (response_type !== 'code' || !code_challenge || rest.code_challenge_method !== 'S256') {
      return redirect(`${redirect_uri}?error=invalid_request`)
    }
    const code = randomUUID()
    codes.set(code, {
      username: fixture.account,
      scope: rest.scope ?? 'openid',
      resource: rest.resource,
      challenge: code_challenge,
      redirectUri: redirect_uri,
    })
    const callback = new URL(redirect_uri)
    callback.searchParams.set('code', code)
    if (rest.state !== undefined) callback.searchParams.set('state', rest.state)
    return redirect(callback.href)
  })

  app.post('/oauth2/token', async ({ req, json }) => {
    const form = new URLSearchParams(await req.text())
    const take = <T>(from: Map<string, T>, name: string): T | undefined => {
      const value = form.get(name) ?? ''
      const found = from.get(value)
      // A code works once, and with rotation a refresh token, too.
      from.delete(value)
      return found
    }
    if (form.get('client_id') !== clientId) return json({ error: 'invalid_client' }, 400)
    if (form.get('grant_type') === 'refresh_token') {
      const grant = take(refreshTokens, 'refresh_token')
      return grant ? json(await issue(grant)) : json({ error: 'invalid_grant' }, 400)
    }
    const code = take(codes, 'code')
    const proven =
      code?.challenge === base64url(form.get('code_verifier') ?? '') &&
      code.redirectUri === form.get('redirect_uri')
    return code && proven ? json(await issue(code)) : json({ error: 'invalid_grant' }, 400)
  })

  app.post('/oauth2/revoke', async ({ req, body }) => {
    refreshTokens.delete(new URLSearchParams(await req.text()).get('token') ?? '')
    return body(null, 200)
  })

  const fixture = {
    pool,
    userPoolId,
    /** The real URL. */
    origin,
    /** The user who logs in next. */
    account: 'alice',
    sign,
    /** A `fetch` that reaches this issuer under Cognito's URL. */
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      fetch(
        String(input instanceof Request ? input.url : input).replace(new URL(pool).origin, origin),
        init,
      ),
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
  return fixture
}
