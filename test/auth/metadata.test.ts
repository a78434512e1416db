import { describe, expect, it } from 'vitest'
import type { Platform } from '../../src/auth/auth.ts'
import { AuthError } from '../../src/auth/auth.ts'
import { createChallenge } from '../../src/auth/challenge.ts'
import { cognito } from '../../src/auth/cognito.ts'
import type { OAuthOptions } from '../../src/auth/oauth.ts'
import { oauth } from '../../src/auth/oauth.ts'
import type { AuthApp } from '../support/auth-app.ts'
import { call, createAuthApp } from '../support/auth-app.ts'
import type { Fault } from '../support/token-issuer.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'

const resource = 'https://mcp.example.com/mcp'
const wellKnown = '/.well-known/oauth-protected-resource'

const get = async (app: AuthApp, path: string) => {
  const response = await app.request(path)
  return {
    status: response.status,
    headers: response.headers,
    body: response.headers.get('content-type')?.startsWith('application/json')
      ? await response.json()
      : await response.text(),
  }
}

describe('protected resource metadata (RFC 9728)', () => {
  const app = createAuthApp(
    oauth({
      issuer: ['https://login.example.com', 'https://login.example.org/tenant'],
      resource,
      supportedScopes: ['files:read', 'offline_access'],
    }),
  )

  it.each([wellKnown, `${wellKnown}/mcp`])(
    'is public at %s, for any origin (D1, D2)',
    async (path) => {
      const { status, headers, body } = await get(app, path)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(headers.get('cache-control')).toBe('public, max-age=3600')
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(body).toEqual({
        resource,
        authorization_servers: ['https://login.example.com', 'https://login.example.org/tenant'],
        // Without offline_access (D10).
        scopes_supported: ['files:read'],
        bearer_methods_supported: ['header'],
      })
    },
  )

  const issuer = 'https://login.example.com'
  it.each<[string, Partial<OAuthOptions>, Platform, string | undefined, string, string]>([
    ['configuration', { resource }, {}, resource, 'https://mcp.example.com', '/mcp'],
    [
      'configuration, also when the platform has another one',
      { resource },
      { baseUrl: 'https://abc.execute-api.eu-central-1.amazonaws.com/prod' },
      resource,
      'https://mcp.example.com',
      '/mcp',
    ],
    [
      'configuration below a stage',
      { resource: 'https://api.example.com/prod/mcp' },
      {},
      'https://api.example.com/prod/mcp',
      'https://api.example.com/prod',
      '/mcp',
    ],
    [
      'the platform',
      {},
      { baseUrl: 'https://api.example.com/prod' },
      'https://api.example.com/prod/mcp',
      'https://api.example.com/prod',
      '/mcp',
    ],
    [
      'the platform, with another path',
      { path: '/tools' },
      { baseUrl: 'https://api.example.com' },
      'https://api.example.com/tools',
      'https://api.example.com',
      '/tools',
    ],
    [
      'configuration at the root',
      { path: '/', resource: 'https://mcp.example.com' },
      {},
      'https://mcp.example.com',
      'https://mcp.example.com',
      '',
    ],
    [
      'configuration, behind a proxy that hides our path',
      { resource: 'https://example.com/weather' },
      {},
      'https://example.com/weather',
      'https://example.com',
      '/mcp',
    ],
  ])('names the resource by %s', async (_, options, platform, named, base, path) => {
    const auth = oauth({ issuer, ...options })
    const app = createAuthApp(auth, { platform, path: options.path ?? '/mcp' })
    const { body } = await get(app, wellKnown)
    expect(body.resource).toBe(named)
    const { challenge } = await call(app, undefined, { path: options.path ?? '/mcp' })
    const address = /resource_metadata="([^"]+)"/.exec(challenge)?.[1]
    expect(address).toBe(`${base}${wellKnown}${path}`)
    // The URL of the challenge exists below the path of the mount.
    expect((await get(app, String(address).slice(base.length))).body).toEqual(body)
    // The URL that a client derives from the resource exists, too, if the app has the root of the origin.
    const derived = `${wellKnown}${new URL(body.resource).pathname.replace(/\/$/, '')}`
    if (options.resource) expect((await get(app, derived)).body).toEqual(body)
  })

  it('is not derived from the Host header when the public URL is unknown (A48)', async () => {
    const app = createAuthApp(oauth({ issuer }))
    const { status, body } = await get(app, `https://evil.example${wellKnown}`)
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('evil')
    expect(JSON.stringify(app.log)).toContain('MCP_RESOURCE_URL')
    expect((await call(app)).challenge).toBe('Bearer realm="mcp"')
  })
})

describe('a challenge', () => {
  it.each([
    [400, 'invalid_request'],
    [401, 'invalid_token'],
    [401, undefined],
    [403, 'insufficient_scope'],
  ] as const)('has the status %i and a JSON-RPC error as its body for %s', async (status, code) => {
    const response = createChallenge(new AuthError('Not you.', { ...(code && { code }) }))
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    // The error has no id, because a refused request is not read.
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      error: { code: -32600, message: 'Not you.' },
    })
  })

  it('escapes quoted texts, and drops characters that headers cannot contain', () => {
    const { headers } = createChallenge(
      new AuthError('Not "this"\\\r\nSet-Cookie: a=b – no', { code: 'invalid_token' }),
      { scopes: ['a"b'] },
    )
    expect(headers.get('www-authenticate')).toBe(
      'Bearer error="invalid_token", error_description="Not \\"this\\"\\\\Set-Cookie: a=b  no", scope="a\\"b"',
    )
  })

  it('must not be stored by caches', () => {
    expect(createChallenge(new AuthError('No.')).headers.get('cache-control')).toBe('no-store')
  })
})

const upstream = {
  authorization_endpoint: 'https://weather.auth.eu-central-1.amazoncognito.com/oauth2/authorize',
  token_endpoint: 'https://weather.auth.eu-central-1.amazoncognito.com/oauth2/token',
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  response_types_supported: ['code', 'token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email'],
  end_session_endpoint: 'https://weather.auth.eu-central-1.amazoncognito.com/logout',
}

async function setUpFacade(
  metadata: Record<string, unknown> = upstream,
  options: Partial<OAuthOptions> = {},
) {
  const issuer = await createTokenIssuer({
    url: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
    metadataPaths: ['/eu-central-1_AbCdEf123/.well-known/openid-configuration'],
    metadata,
  })
  const facade = {
    clientId: 'public-client',
    redirectUris: [
      'http://localhost/callback',
      'http://127.0.0.1/',
      'https://app.example.com/cb?a=1',
    ],
  }
  const auth = oauth({ issuer: issuer.url, resource, facade, fetch: issuer.fetch, ...options })
  return { issuer, app: createAuthApp(auth) }
}

describe('the façade', () => {
  it.each([
    ['/.well-known/oauth-authorization-server', 'https://mcp.example.com'],
    ['/.well-known/openid-configuration', 'https://mcp.example.com'],
    ['/.well-known/oauth-authorization-server/mcp', resource],
    ['/.well-known/openid-configuration/mcp', resource],
    ['/mcp/.well-known/openid-configuration', resource],
  ])("answers at %s under the server's name, with S256 (D21–D23)", async (path, name) => {
    const { app } = await setUpFacade()
    const { status, headers, body } = await get(app, path)
    expect(status).toBe(200)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(body).toEqual({
      issuer: name,
      authorization_endpoint: upstream.authorization_endpoint,
      token_endpoint: upstream.token_endpoint,
      jwks_uri: expect.stringContaining('/.well-known/jwks.json'),
      registration_endpoint: 'https://mcp.example.com/register',
      scopes_supported: ['openid', 'email'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none'],
      code_challenge_methods_supported: ['S256'],
    })
  })

  it('is what the metadata of the resource names, while tokens still come from the issuer', async () => {
    const { app, issuer } = await setUpFacade()
    const { body } = await get(app, wellKnown)
    expect(body.authorization_servers).toEqual(['https://mcp.example.com'])
    expect((await call(app, `Bearer ${await issuer.token()}`)).status).toBe(200)
    const foreign = await issuer.token({ iss: 'https://mcp.example.com' })
    expect((await call(app, `Bearer ${foreign}`)).status).toBe(401)
  })

  it('keeps its name below a stage', async () => {
    const { app } = await setUpFacade(upstream, { resource: 'https://api.example.com/prod/mcp' })
    const [server] = (await get(app, wellKnown)).body.authorization_servers
    expect(server).toBe('https://api.example.com/prod')
    // Only this form of D21 is below the stage.
    expect((await get(app, '/.well-known/openid-configuration')).body).toMatchObject({
      issuer: server,
      registration_endpoint: 'https://api.example.com/prod/register',
    })
  })

  it('is off by default', async () => {
    const { issuer } = await setUpFacade()
    const app = createAuthApp(oauth({ issuer: issuer.url, resource, fetch: issuer.fetch }))
    expect((await get(app, '/.well-known/oauth-authorization-server')).status).toBe(404)
    expect((await app.request('/register', { method: 'POST', body: '{}' })).status).toBe(404)
  })

  it.each<Fault>(['down', 'garbage'])('answers 503 while the issuer is %s', async (fault) => {
    const { app, issuer } = await setUpFacade()
    issuer.fault = fault
    const { status, headers } = await get(app, '/.well-known/oauth-authorization-server')
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('5')
  })

  it('refuses an issuer that sends its name in its answers (RFC 9207)', async () => {
    const { app } = await setUpFacade({
      ...upstream,
      authorization_response_iss_parameter_supported: true,
    })
    const { status, body } = await get(app, '/.well-known/oauth-authorization-server')
    expect(status).toBe(502)
    expect(body.error).toBe('server_error')
  })

  it.each([
    ['no redirect URI', { redirectUris: [] }],
    ['no client', { clientId: '' }],
    ['a redirect URI in the clear', { redirectUris: ['http://app.example.com/cb'] }],
    ['a redirect URI of an app', { redirectUris: ['myapp://callback'] }],
    ['a redirect URI with a pattern', { redirectUris: ['https://*.example.com/cb'] }],
    ['a redirect URI with a fragment', { redirectUris: ['https://app.example.com/cb#'] }],
    ['a redirect URI with credentials', { redirectUris: ['https://a:b@app.example.com/cb'] }],
  ])('does not start with %s', (_, changes) => {
    const facade = { clientId: 'c', redirectUris: ['https://app.example.com/cb'], ...changes }
    expect(() => oauth({ issuer: 'https://login.example.com', resource, facade })).toThrow(/façade/)
  })

  it('does not start for several issuers', () => {
    const facade = { clientId: 'c', redirectUris: ['https://app.example.com/cb'] }
    const issuer = ['https://a.example.com', 'https://b.example.com']
    expect(() => oauth({ issuer, resource, facade })).toThrow(/one issuer/)
  })
})

describe('registration with the façade (RFC 7591)', async () => {
  const { app } = await setUpFacade()
  const register = async (body: unknown) => {
    const response = await app.request('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }

  it.each([
    'http://localhost/callback',
    'http://localhost:54321/callback',
    'http://127.0.0.1:1/',
    'http://127.0.0.1:8080',
    'https://app.example.com/cb?a=1',
  ])('gives the one public client to %s, and nothing else', async (uri) => {
    const { status, headers, body } = await register({
      redirect_uris: [uri],
      client_name: 'Anybody',
      client_id: 'my-own',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      scope: 'admin',
    })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(body).toEqual({
      client_id: 'public-client',
      redirect_uris: [uri],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    })
  })

  it.each([
    'https://evil.example/cb',
    'https://app.example.com/cb',
    'https://app.example.com/cb?a=1&b=2',
    'https://app.example.com:8443/cb?a=1',
    'https://app.example.com.evil.example/cb?a=1',
    'https://app.example.com@evil.example/cb?a=1',
    'http://app.example.com/cb?a=1',
    'HTTPS://app.example.com/cb?a=1',
    'https://app.example.com/x/../cb?a=1',
    'http://localhost/other',
    'http://localhost/callback?next=evil',
    'http://localhost/callback/..//callback',
    'http://localhost:1@evil.example/callback',
    'http://localhost.evil.example/callback',
    'http://localhost\\@evil.example/callback',
    'http:\\\\localhost/callback',
    'http://localhost/callback#',
    'http://[::1]/callback',
    'http://127.1/',
    'http://2130706433/',
    'http://0.0.0.0/',
    'https://localhost/callback',
    'javascript:alert(1)//localhost/callback',
    'localhost/callback',
    ' http://localhost/callback',
    '',
    7,
    null,
  ])('refuses %j, alone or together with a valid one', async (uri) => {
    for (const redirect_uris of [[uri], ['http://localhost/callback', uri]]) {
      const { status, body } = await register({ redirect_uris })
      expect(status).toBe(400)
      expect(body.error).toBe('invalid_redirect_uri')
      expect(JSON.stringify(body)).not.toContain('public-client')
    }
  })

  it.each([
    [{}, 'invalid_redirect_uri'],
    [{ redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ redirect_uris: 'http://localhost/callback' }, 'invalid_redirect_uri'],
    ['[]', 'invalid_client_metadata'],
    ['not json', 'invalid_client_metadata'],
    ['', 'invalid_client_metadata'],
    [
      { redirect_uris: ['http://localhost/callback'], padding: 'x'.repeat(20_000) },
      'invalid_client_metadata',
    ],
  ])('refuses the body %.40j', async (asked, error) => {
    const { status, body } = await register(asked)
    expect(status).toBe(400)
    expect(body.error).toBe(error)
  })
})

describe('cognito()', () => {
  const userPoolId = 'eu-central-1_AbCdEf123'
  const setUp = async (options = {}) => {
    const issuer = await createTokenIssuer({
      url: `https://cognito-idp.eu-central-1.amazonaws.com/${userPoolId}`,
      metadataPaths: [`/${userPoolId}/.well-known/openid-configuration`],
      metadata: upstream,
      alg: 'RS256',
    })
    const auth = cognito({
      userPoolId,
      resource,
      allowedClientIds: ['client-1'],
      fetch: issuer.fetch,
      ...options,
    })
    return { issuer, app: createAuthApp(auth) }
  }
  const cognitoToken = { token_use: 'access', aud: undefined, username: 'alice' }
  const signing = { header: { typ: undefined } }

  it.each([
    ['without an audience, from an allowed client', {}, 200],
    ['with this resource as audience', { aud: resource }, 200],
    ['with another audience', { aud: 'https://other.example/mcp' }, 401],
    ['of another client', { client_id: 'client-2' }, 401],
    ['of another client, with this resource as audience', { aud: resource, client_id: 'x' }, 401],
    ['that is an ID token', { token_use: 'id', aud: 'client-1' }, 401],
    ['that is an ID token for this resource', { token_use: 'id', aud: resource }, 401],
    ['that does not say what it is for', { token_use: undefined }, 401],
  ])('answers a token %s', async (_, changes, status) => {
    const { issuer, app } = await setUp()
    const token = await issuer.token({ ...cognitoToken, ...changes }, signing)
    expect((await call(app, `Bearer ${token}`)).status).toBe(status)
    expect(issuer.requests).toEqual([issuer.jwksUri])
  })

  it('without allowed clients takes only tokens made for this resource', async () => {
    const { issuer, app } = await setUp({ allowedClientIds: undefined })
    const bound = await issuer.token({ ...cognitoToken, aud: resource }, signing)
    expect((await call(app, `Bearer ${bound}`)).status).toBe(200)
    const unbound = await issuer.token(cognitoToken, signing)
    expect((await call(app, `Bearer ${unbound}`)).status).toBe(401)
  })

  it.each([
    ['weather', 'https://weather.auth.eu-central-1.amazoncognito.com'],
    ['login.example.com', 'https://login.example.com'],
    ['https://login.example.com/', 'https://login.example.com'],
  ])('lets the façade lead to the domain %s', async (domain, origin) => {
    const { app } = await setUp({
      domain,
      facade: { clientId: 'client-1', redirectUris: ['http://localhost/callback'] },
    })
    expect((await get(app, '/.well-known/oauth-authorization-server')).body).toMatchObject({
      issuer: 'https://mcp.example.com',
      authorization_endpoint: `${origin}/oauth2/authorize`,
      token_endpoint: `${origin}/oauth2/token`,
      code_challenge_methods_supported: ['S256'],
    })
  })

  it.each([
    ['COGNITO_USER_POOL_ID', { userPoolId: '' }],
    ['COGNITO_USER_POOL_ID', { userPoolId: 'AbCdEf123' }],
    ['COGNITO_USER_POOL_ID', { userPoolId: 'eu-central-1_x/../../evil' }],
    ['COGNITO_REGION', { region: 'us-east-1' }],
    ['COGNITO_ALLOWED_CLIENT_IDS', { allowedClientIds: undefined, resource: undefined }],
    [
      'COGNITO_DOMAIN',
      {
        domain: 'evil.example/path',
        facade: { clientId: 'c', redirectUris: ['https://app.example.com/cb'] },
      },
    ],
  ])('stops the start with a sentence on %s (A50)', (words, changes) => {
    const options = { userPoolId, resource, allowedClientIds: ['c'], ...changes }
    expect(() => cognito(options)).toThrow(words)
  })
})
