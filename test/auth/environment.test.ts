import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readAuth, requireAuth } from '../../adapters/environment/auth.ts'
import { EnvironmentError } from '../../adapters/environment/variables.ts'
import { bearer } from '../../src/index.ts'
import { call, createAuthApp } from '../support/auth-app.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'

const resource = 'https://mcp.example.com/mcp'
const userPoolId = 'eu-central-1_AbCdEf123'
const pool = `https://cognito-idp.eu-central-1.amazonaws.com/${userPoolId}`

type Environment = NonNullable<Parameters<typeof readAuth>[0]>

async function start(env: Environment, options: Parameters<typeof readAuth>[1] = {}) {
  const auth = await readAuth(env, options)
  if (!auth) throw new Error('This environment asks for no authorization.')
  return createAuthApp(auth)
}

describe('AUTH_METHOD', () => {
  it.each<[Environment]>([[{}], [{ AUTH_METHOD: 'none' }], [{ AUTH_METHOD: '', MCP_ISSUER: '' }]])(
    'is none for %j',
    async (env) => {
      expect(await readAuth(env)).toBeUndefined()
    },
  )

  it('none takes precedence over the other variables', async () => {
    expect(await readAuth({ AUTH_METHOD: 'none', MCP_AUTH_TOKEN: 'a' })).toBeUndefined()
  })

  it.each(['gateway', 'lambda'])(
    '%s believes the authorizer and no token (A51, A52)',
    async (method) => {
      const app = await start({ AUTH_METHOD: method, MCP_AUTH_TOKEN: 'abc' })
      expect((await call(app, 'Bearer abc')).status).toBe(401)
    },
  )

  it.each<[string, Environment]>([
    ['AUTH_METHOD', { AUTH_METHOD: 'oath' }],
    ['AUTH_METHOD', { MCP_AUTH_TOKEN: 'abc', MCP_ISSUER: 'https://login.example.com' }],
    ['MCP_AUTH_TOKEN', { AUTH_METHOD: 'bearer' }],
    ['MCP_AUTH_TOKEN', { AUTH_METHOD: 'bearer', MCP_AUTH_TOKEN: ' , ' }],
    ['MCP_AUTH_TOKEN', { MCP_AUTH_TOKEN: 'abc;subjekt=me' }],
    ['MCP_ISSUER', { AUTH_METHOD: 'oauth' }],
    ['MCP_ISSUER', { MCP_ISSUER: 'login.example.com' }],
    ['only one', { MCP_ISSUER: 'https://login.example.com', COGNITO_USER_POOL_ID: userPoolId }],
    ['COGNITO_USER_POOL_ID', { COGNITO_ALLOWED_CLIENT_IDS: 'a' }],
    ['COGNITO_USER_POOL_ID', { AUTH_METHOD: 'oauth', COGNITO_REGION: 'eu-central-1' }],
    ['COGNITO_ALLOWED_CLIENT_IDS', { COGNITO_USER_POOL_ID: userPoolId }],
    [
      'MCP_FACADE_REDIRECT_URIS',
      { MCP_ISSUER: 'https://login.example.com', MCP_FACADE_CLIENT_ID: 'c' },
    ],
  ])('stops the start with a sentence on %s for %j (A35, A50)', async (words, env) => {
    await expect(readAuth(env)).rejects.toThrow(EnvironmentError)
    await expect(readAuth(env)).rejects.toThrow(words)
  })
})

describe('a server without authorization', () => {
  it.each(['127.0.0.1', '127.0.0.2', '::1', 'localhost'])('may listen on %s', (host) => {
    expect(() => requireAuth(undefined, {}, host)).not.toThrow()
  })

  it.each(['0.0.0.0', '::', '192.168.1.2', 'mcp.example.com', ''])(
    'listens on %j only when AUTH_METHOD=none asks for it',
    (host) => {
      expect(() => requireAuth(undefined, {}, host)).toThrow(/AUTH_METHOD/)
      expect(() => requireAuth(undefined, { AUTH_METHOD: 'none' }, host)).not.toThrow()
      expect(() => requireAuth(bearer({ tokens: ['a'] }), {}, host)).not.toThrow()
    },
  )
})

describe('the Node adapter', () => {
  const run = promisify(execFile)
  const start = (env: Environment) =>
    run(process.execPath, ['--import', 'tsx', 'reference/entry/node.ts'], {
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      timeout: 20_000,
    })

  it.each<[string, Environment]>([
    ['AUTH_METHOD', { HOST: '0.0.0.0' }],
    ['MCP_RESOURCE_URL', { MCP_ISSUER: 'https://login.example.com' }],
    ['MCP_AUTH_TOKEN', { AUTH_METHOD: 'bearer' }],
  ])(
    'does not start without %s in %j, and says so in one line',
    { timeout: 30_000 },
    async (words, env) => {
      await expect(start(env)).rejects.toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`^.*${words}.*\n$`)),
      })
    },
  )
})

describe('MCP_AUTH_TOKEN', () => {
  it('lists tokens, plain or hashed, each with a subject and scopes if it has them', async () => {
    const hash = createHash('sha256').update('second').digest('hex')
    const app = await start({
      MCP_AUTH_TOKEN: `first, sha256:${hash};subject=ci;scopes=files:read files:write`,
    })
    expect((await call(app, 'Bearer first')).body).toMatchObject({ scopes: [] })
    expect((await call(app, 'Bearer second')).body).toMatchObject({
      subject: 'ci',
      scopes: ['files:read', 'files:write'],
    })
    expect((await call(app, `Bearer ${hash}`)).status).toBe(401)
  })
})

describe('MCP_ISSUER and what belongs to it', () => {
  it('make an OAuth resource server', async () => {
    const issuer = await createTokenIssuer()
    const app = await start(
      {
        MCP_ISSUER: issuer.url,
        MCP_RESOURCE_URL: resource,
        MCP_JWKS_URI: issuer.jwksUri,
        MCP_REQUIRED_SCOPES: 'files:read,files:list',
        MCP_ALLOWED_CLIENT_IDS: 'client-1, client-2',
      },
      { fetch: issuer.fetch },
    )
    const scope = 'files:list files:read'
    expect((await call(app, `Bearer ${await issuer.token({ scope })}`)).status).toBe(200)
    expect((await call(app, `Bearer ${await issuer.token()}`)).status).toBe(403)
    const other = await issuer.token({ scope, client_id: 'client-3' })
    expect((await call(app, `Bearer ${other}`)).status).toBe(401)
    expect(issuer.requests).toEqual([issuer.jwksUri])
    expect((await call(app)).challenge).toContain('scope="files:read files:list"')
  })

  it('may name several issuers', async () => {
    const app = await start({
      MCP_ISSUER: 'https://a.example.com,https://b.example.com/t',
      MCP_RESOURCE_URL: resource,
    })
    const document = await app.request('/.well-known/oauth-protected-resource')
    expect((await document.json()).authorization_servers).toEqual([
      'https://a.example.com',
      'https://b.example.com/t',
    ])
  })
})

describe('COGNITO_… (A57–A63)', () => {
  const env = {
    AUTH_METHOD: 'oauth',
    COGNITO_REGION: 'eu-central-1',
    COGNITO_USER_POOL_ID: userPoolId,
    COGNITO_ALLOWED_CLIENT_IDS: 'client-1',
    COGNITO_DOMAIN: 'weather',
    COGNITO_REQUIRED_SCOPES: 'https://mcp.example.com/mcp/read',
    COGNITO_RESOURCE_ID: resource,
    COGNITO_SUPPORTED_SCOPES: 'openid,https://mcp.example.com/mcp/read',
    MCP_FACADE_CLIENT_ID: 'client-1',
    MCP_FACADE_REDIRECT_URIS: 'http://localhost/callback,https://app.example.com/cb',
  }
  const claims = { token_use: 'access', aud: undefined, scope: 'https://mcp.example.com/mcp/read' }
  const createPool = () =>
    createTokenIssuer({
      url: pool,
      alg: 'RS256',
      metadataPaths: [`/${userPoolId}/.well-known/openid-configuration`],
    })

  it('make a resource server for the pool, and a façade before it', async () => {
    const issuer = await createPool()
    const app = await start(env, { fetch: issuer.fetch })
    expect((await call(app, `Bearer ${await issuer.token(claims)}`)).status).toBe(200)
    const lacking = await issuer.token({ ...claims, scope: 'openid' })
    expect((await call(app, `Bearer ${lacking}`)).status).toBe(403)

    const document = await app.request('/.well-known/oauth-protected-resource/mcp')
    expect(await document.json()).toEqual({
      resource,
      authorization_servers: ['https://mcp.example.com'],
      scopes_supported: ['openid', 'https://mcp.example.com/mcp/read'],
      bearer_methods_supported: ['header'],
    })
    const facade = await app.request('/.well-known/oauth-authorization-server')
    expect(await facade.json()).toMatchObject({
      authorization_endpoint:
        'https://weather.auth.eu-central-1.amazoncognito.com/oauth2/authorize',
    })
  })

  it('may have a resource identifier that is not a URL: then it is a name in the audience', async () => {
    const issuer = await createPool()
    const app = await start(
      { ...env, MCP_RESOURCE_URL: resource, COGNITO_RESOURCE_ID: 'mcp-server-api' },
      { fetch: issuer.fetch },
    )
    const named = await issuer.token({ ...claims, aud: 'mcp-server-api' })
    expect((await call(app, `Bearer ${named}`)).status).toBe(200)
    const other = await issuer.token({ ...claims, aud: 'other-api' })
    expect((await call(app, `Bearer ${other}`)).status).toBe(401)
  })
})
