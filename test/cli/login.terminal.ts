/** Logins and their renewal without a screen, with a real authorization server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FetchLike } from '@modelcontextprotocol/client'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Authorization } from '../../cli/src/authorization.ts'
import { refreshingClient } from '../../cli/src/client-identity.ts'
import { LoginRequired } from '../../cli/src/problem.ts'
import { readSettings } from '../../cli/src/settings.ts'
import { TokenStore } from '../../cli/src/token-store.ts'
import { bearer, oauth } from '../../src/index.ts'
import { startServer } from '../support/auth-server.ts'
import { visit } from '../support/browser.ts'
import { headlessBrowser, runCli } from '../support/cli-run.ts'
import { openTerminal, program, temporaryHome } from '../support/cli-terminal.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'

const issuer = await startOidcProvider({ scopes: ['files:read', 'files:write'] })
let now = Date.now
const server = await startServer((url) =>
  oauth({ issuer: issuer.url, resource: url, requiredScopes: ['files:read'], clock: () => now() }),
)
afterAll(() => Promise.all([server.close(), issuer.close()]))

let home: Awaited<ReturnType<typeof temporaryHome>>
let env: Record<string, string>
beforeEach(async () => {
  now = Date.now
  issuer.accessTokenTtl = 3_600
  home = await temporaryHome()
  env = { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path, BROWSER: headlessBrowser }
})
afterEach(() => home.remove())

/** Returns an authorization for tests in which a person must not be asked. */
function authorize(
  options: Omit<
    ConstructorParameters<typeof Authorization>[0],
    'showLoginPage' | 'loginWhenNeeded'
  >,
): Authorization {
  return new Authorization({
    ...options,
    showLoginPage: async () => undefined,
    loginWhenNeeded: false,
  })
}

/** Listens on a free port of the loopback interface, and resolves with the port. */
async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const login = () => runCli(['auth', 'login'], { env })
const stored = () => new TokenStore(home.path).login(server.url)

/** Makes the stored access token expire for this client and for the server. */
async function outlive(): Promise<void> {
  const store = new TokenStore(home.path)
  const held = await store.login(server.url)
  if (held?.tokens === undefined) throw new Error('There is no login.')
  await store.update(server.url, held.issuer, { tokens: { ...held.tokens, expires_at: 1 } })
}

it('says what to do when a login is needed without a person', async () => {
  const call = await runCli(['call', 'read'], { env })
  expect(call).toMatchObject({ code: 3, stdout: '' })
  expect(call.stderr).toBe('The server asks for a login.\n→ Run `auth login`.\n')
  const json = await runCli(['call', 'read', '--json'], { env })
  expect(json.json()).toEqual({
    error: { message: 'The server asks for a login.', next: 'Run `auth login`.', exit: 3 },
  })
})

it('logs in by browser with a new registration, calls, and logs out', async () => {
  const login = await runCli(['auth', 'login', '--json'], { env })
  expect(login).toMatchObject({ code: 0 })
  expect(login.json()).toEqual({ authenticated: true, server: server.url })
  expect(login.stderr).toContain(`${issuer.url}/auth?`)
  expect((await runCli(['call', 'read'], { env })).stdout).toBe('read alice\n')
  expect((await runCli(['call', 'read', '--era', 'legacy'], { env })).stdout).toBe('read alice\n')
  const status = await runCli(['auth', 'status', '--json'], { env })
  expect(status.json()).toMatchObject({ authenticated: true, issuer: issuer.url, renewable: true })
  expect(await runCli(['auth', 'logout'], { env })).toMatchObject({ code: 0 })
  expect(await runCli(['auth', 'status'], { env })).toMatchObject({ code: 3 })
  expect(await runCli(['call', 'read'], { env })).toMatchObject({ code: 3 })
})

it('logs in during a command with --login', async () => {
  expect(await runCli(['call', 'read', '--login'], { env })).toMatchObject({
    code: 0,
    stdout: 'read alice\n',
  })
})

it('reuses its registration and its port at the next login', async () => {
  await login()
  const first = (await stored())?.client
  await login()
  expect((await stored())?.client).toEqual(first)
})

it('registers anew when the port of its registration is taken', async () => {
  await login()
  const first = (await stored())?.client
  const uri = first !== undefined && 'redirect_uris' in first ? first.redirect_uris?.[0] : undefined
  const squatter = createServer().listen(Number(new URL(String(uri)).port), '127.0.0.1')
  try {
    expect(await login()).toMatchObject({ code: 0 })
    expect((await stored())?.client?.client_id).not.toBe(first?.client_id)
  } finally {
    squatter.close()
  }
})

it('sends a client secret only to the issuer that OAUTH_ISSUER names', async () => {
  const secret = 'only-for-its-own-issuer'
  const own = { ...env, OAUTH_CLIENT_ID: 'registered', OAUTH_CLIENT_SECRET: secret }
  const refused = await runCli(['auth', 'login'], { env: own })
  expect(refused.code).toBe(3)
  expect(refused.stderr).toContain(`set OAUTH_ISSUER=${issuer.url}`)
  // No page was opened, so no secret was sent to the issuer.
  expect(refused.stderr).not.toContain('/auth?')
  const foreign = { ...own, OAUTH_ISSUER: 'https://issuer.example' }
  expect((await runCli(['auth', 'login'], { env: foreign })).stderr).toContain(
    'OAUTH_CLIENT_ID belongs to https://issuer.example',
  )
})

it('does not send the secret in a refresh at another issuer', async () => {
  const store = new TokenStore(home.path)
  const client = { client_id: 'registered', issuer: issuer.url }
  const identity = { clientId: 'registered', clientSecret: 'secret' }
  const withIssuer = { ...identity, issuer: issuer.url }
  expect(await refreshingClient(client, identity, issuer.url, store)).toEqual(client)
  expect(await refreshingClient(client, withIssuer, issuer.url, store)).toEqual({
    ...client,
    client_secret: 'secret',
  })
  const other = 'https://issuer.example'
  expect(await refreshingClient(client, withIssuer, other, store)).toEqual({
    ...client,
    issuer: other,
  })
  // An issuer at which the id was used without the secret must not see the secret later.
  await store.update(server.url, issuer.url, { client })
  expect(await refreshingClient(client, identity, issuer.url, store)).toEqual(client)
  // A login with OAUTH_ISSUER is remembered, so that later runs do not need the variable.
  await store.update(server.url, issuer.url, { client, secretOf: 'registered' })
  expect(await refreshingClient(client, identity, issuer.url, store)).toMatchObject({
    client_secret: 'secret',
  })
  expect(await refreshingClient(client, identity, other, store)).not.toHaveProperty('client_secret')
})

describe('a registered client', () => {
  async function register(redirectUri: string): Promise<string> {
    const response = await fetch(`${issuer.url}/reg`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      }),
    })
    return ((await response.json()) as { client_id: string }).client_id
  }

  it('is used with exactly its redirect address, and named at each refresh', async () => {
    const probe = createServer()
    const port = await listening(probe)
    await new Promise((resolve) => probe.close(resolve))
    const OAUTH_REDIRECT_URI = `http://localhost:${port}/back`
    const OAUTH_CLIENT_ID = await register(OAUTH_REDIRECT_URI)
    const own = { ...env, OAUTH_CLIENT_ID, OAUTH_REDIRECT_URI }
    const login = await runCli(['auth', 'login'], { env: own })
    expect(login.stderr).toContain(`client_id=${OAUTH_CLIENT_ID}`)
    expect(login.stderr).toContain(`redirect_uri=${encodeURIComponent(OAUTH_REDIRECT_URI)}`)
    expect(login.code).toBe(0)
    await outlive()
    expect((await runCli(['call', 'read'], { env: own })).stdout).toBe('read alice\n')
  })

  it('gets a clear error when its port is in use or its address is on another host', async () => {
    const squatter = createServer()
    const port = await listening(squatter)
    const taken = { ...env, OAUTH_REDIRECT_URI: `http://127.0.0.1:${port}/callback` }
    expect((await runCli(['auth', 'login'], { env: taken })).stderr).toContain(
      `Port ${port} is taken`,
    )
    squatter.close()
    const remote = { ...env, OAUTH_REDIRECT_URI: 'https://example.com/callback' }
    expect((await runCli(['auth', 'login'], { env: remote })).stderr).toContain(
      'does not lead back',
    )
  })
})

it('renews a token that has ended, and one that the server refuses early', async () => {
  await login()
  const first = (await stored())?.tokens
  await outlive()
  expect((await runCli(['call', 'read'], { env })).stdout).toBe('read alice\n')
  const second = (await stored())?.tokens
  expect(second?.refresh_token).not.toBe(first?.refresh_token)
  // Only the server's clock moves by two hours, so the client learns it from a 401.
  issuer.accessTokenTtl = 86_400
  now = () => Date.now() + 7_200_000
  expect((await runCli(['call', 'read'], { env })).stdout).toBe('read alice\n')
  expect((await stored())?.tokens?.access_token).not.toBe(second?.access_token)
})

it('renews in the middle of a session, without a human, at a terminal', {
  timeout: 90_000,
}, async () => {
  const terminal = openTerminal([], env)
  try {
    await terminal.sees('Log in at this page:')
    await terminal.sees('Connected to test')
    terminal.enter('call-tool read')
    await terminal.sees('read alice')
    const before = (await stored())?.tokens?.access_token
    issuer.accessTokenTtl = 86_400
    now = () => Date.now() + 7_200_000
    terminal.enter('call-tool read')
    await terminal.sees('read alice')
    expect((await stored())?.tokens?.access_token).not.toBe(before)
    terminal.enter('call-tool write')
    await terminal.sees('Log in at this page:')
    await terminal.sees('write alice')
    terminal.enter('auth status')
    await terminal.sees('renewed by itself')
    terminal.enter('auth refresh')
    await terminal.sees('The login was renewed.')
    terminal.enter('auth logout')
    await terminal.sees('Logged out.')
    terminal.enter('call-tool read')
    await terminal.sees('Not connected.')
    terminal.enter('auth login')
    await terminal.sees('Logged in.')
    await terminal.sees('Connected to test')
  } finally {
    terminal.close()
  }
})

it('accepts the final address of a browser on another machine', {
  timeout: 90_000,
}, async () => {
  const terminal = openTerminal([], { ...env, BROWSER: 'none' })
  try {
    const page = await terminal.sees(/http\S+\/auth\?\S+/)
    await terminal.sees('Or paste the address')
    const redirectUri = new URL(page).searchParams.get('redirect_uri') ?? ''
    terminal.enter(`${redirectUri}?code=x&state=forged`)
    await terminal.sees('not the address at which this login ended')
    terminal.enter('auth login')
    const second = await terminal.sees(/http\S+\/auth\?\S+/)
    await terminal.sees('Or paste the address')
    terminal.enter((await visit(new URL(second), redirectUri)).href)
    await terminal.sees('Logged in.')
    await terminal.sees('Connected to test')
  } finally {
    terminal.close()
  }
})

it('removes a login that was revoked, and says so', async () => {
  await login()
  const held = await stored()
  await issuer.revoke(String(held?.tokens?.refresh_token), String(held?.client?.client_id))
  await outlive()
  const call = await runCli(['call', 'read'], { env })
  expect(call.code).toBe(3)
  expect(call.stderr).toContain('asks for a login')
  expect((await stored())?.tokens).toBeUndefined()
})

it('asks for the scope that an operation needs when there is a person', async () => {
  await login()
  const alone = await runCli(['call', 'write'], { env })
  expect(alone.code).toBe(3)
  expect(alone.stderr).toContain('files:write')
  const together = await runCli(['call', 'write', '--login'], { env })
  expect(together).toMatchObject({ code: 0, stdout: 'write alice\n' })
  const scopes = new Set((await stored())?.tokens?.scope?.split(' '))
  expect([...scopes]).toEqual(expect.arrayContaining(['files:read', 'files:write']))
})

describe('two that renew at once', () => {
  it('use a rotated refresh token once, in one process', async () => {
    await login()
    await outlive()
    let spent = 0
    const counting: FetchLike = (url, init) => {
      if (String(init?.body).includes('grant_type=refresh_token')) spent += 1
      return fetch(url, init)
    }
    const settings = readSettings(env)
    const store = new TokenStore(home.path)
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { fetch } = authorize({ settings, store, fetch: counting })
        return (await fetch(server.url, { method: 'POST' })).status
      }),
    )
    expect(answers).not.toContain(401)
    expect(spent).toBe(1)
  })

  it('keep the login, as two processes', { timeout: 90_000 }, async () => {
    await login()
    await outlive()
    const one = (): Promise<{ code: number | null; text: string }> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [program, 'call', 'read'], {
          env: { ...process.env, ...env },
        })
        let text = ''
        child.stdout.on('data', (chunk) => {
          text += chunk
        })
        child.on('exit', (code) => resolve({ code, text }))
      })
    const both = await Promise.all([one(), one(), one()])
    expect(both).toEqual(Array(3).fill({ code: 0, text: 'read alice\n' }))
    // If the refresh token had been used twice, the issuer would have revoked the whole grant.
    expect(await runCli(['auth', 'refresh'], { env })).toMatchObject({ code: 0 })
  })
})

it('does not stop a call when the issuer is briefly unavailable', async () => {
  await login()
  const settings = readSettings(env)
  const store = new TokenStore(home.path)
  const held = await store.login(server.url)
  const tokens = held?.tokens
  if (held === undefined || tokens === undefined) throw new Error('There is no login.')
  const soon = Date.now() + 30_000
  await store.update(server.url, held.issuer, { tokens: { ...tokens, expires_at: soon } })
  const away: FetchLike = (url, init) =>
    String(url).startsWith(issuer.url) ? Promise.reject(new TypeError('away')) : fetch(url, init)
  const before = authorize({ settings, store, fetch: away })
  expect(await before.token()).toBe(tokens.access_token)
  const after = authorize({ settings, store, fetch: away, now: () => soon + 1 })
  await expect(after.token()).rejects.toThrow('away')
})

it('keeps a login that a failing issuer could not renew', async () => {
  await login()
  await outlive()
  const settings = readSettings(env)
  const store = new TokenStore(home.path)
  const troubled: FetchLike = async (url, init) =>
    String(init?.body).includes('grant_type=refresh_token')
      ? new Response('<p>Maintenance</p>', { status: 503 })
      : fetch(url, init)
  await expect(authorize({ settings, store, fetch: troubled }).token()).rejects.toThrow('503')
  expect((await runCli(['call', 'read'], { env })).stdout).toBe('read alice\n')
})

it('does not wait for a person when there is none', async () => {
  const piped = await runCli([], { env: { ...env, BROWSER: 'none' }, input: ['list-tools'] })
  expect(piped.code).toBe(3)
  expect(piped.stderr).toContain('Run `auth login`')
})

it('shows a registered client to no other issuer than its own (D34)', async () => {
  const own = { ...env, OAUTH_CLIENT_ID: 'app', OAUTH_ISSUER: 'https://issuer.example' }
  const login = await runCli(['auth', 'login'], { env: own })
  expect(login.code).toBe(3)
  expect(login.stderr).toContain(`belongs to https://issuer.example, but the server now names`)
  await new TokenStore(home.path).update(server.url, 'https://old.example', {
    client: { client_id: 'app' },
  })
  const moved = await runCli(['auth', 'login'], { env: { ...env, OAUTH_CLIENT_ID: 'app' } })
  expect(moved.stderr).toContain('belongs to https://old.example')
})

it('sends a token only to the server (D25)', async () => {
  await login()
  await outlive()
  const seen: [string, string | null][] = []
  const watching: FetchLike = (url, init) => {
    seen.push([new URL(url).origin, new Headers(init?.headers).get('authorization')])
    return fetch(url, init)
  }
  const authorization = authorize({
    settings: readSettings(env),
    store: new TokenStore(home.path),
    fetch: watching,
  })
  await authorization.fetch(server.url, { method: 'POST' })
  expect(seen.some(([origin]) => origin === issuer.url)).toBe(true)
  expect(seen.filter(([origin, token]) => origin === issuer.url && token !== null)).toEqual([])
})

describe('a token from the environment', () => {
  it('is sent until there is a login, and named when it is refused (A71)', async () => {
    const own = { ...env, ACCESS_TOKEN: 'wrong' }
    const refused = await runCli(['call', 'read'], { env: own })
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('refuses the token in ACCESS_TOKEN')
    await runCli(['auth', 'login'], { env: own })
    expect((await runCli(['call', 'read'], { env: own })).stdout).toBe('read alice\n')
  })

  it('is the only token of the method "lambda"', async () => {
    const plain = await startServer(() => bearer({ tokens: ['only-for-tests-0123456789abcdef'] }))
    try {
      const own = { ...env, MCP_SERVER_URL: plain.url, AUTH_METHOD: 'lambda' }
      expect((await runCli(['call', 'read'], { env: own })).stderr).toContain('which is not set')
      const right = { ...own, ACCESS_TOKEN: 'only-for-tests-0123456789abcdef' }
      expect((await runCli(['call', 'read'], { env: right })).code).toBe(0)
      const wrong = await runCli(['call', 'read'], { env: { ...own, ACCESS_TOKEN: 'no' } })
      expect(wrong).toMatchObject({ code: 3 })
    } finally {
      await plain.close()
    }
  })
})

it('refuses an issuer that does not announce PKCE, unless OAUTH_ASSUME_PKCE is set (D23)', async () => {
  const visited = new AbortController()
  const issuer = createServer((request, response) => {
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
    response.setHeader('content-type', 'application/json')
    if (request.url?.startsWith('/.well-known/oauth-protected-resource')) {
      response.end(JSON.stringify({ resource: `${url}/mcp`, authorization_servers: [url] }))
    } else if (request.url?.startsWith('/.well-known/')) {
      response.end(
        JSON.stringify({
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          response_types_supported: ['code'],
        }),
      )
    } else if (request.url?.startsWith('/authorize')) {
      response.end()
      visited.abort()
    } else response.writeHead(401).end()
  })
  try {
    const own = { ...env, MCP_SERVER_URL: `http://127.0.0.1:${await listening(issuer)}/mcp` }
    const refused = await runCli(['auth', 'login'], { env: own })
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('does not say that it supports PKCE')
    const trusted = { ...own, OAUTH_ASSUME_PKCE: '1', OAUTH_CLIENT_ID: 'app' }
    const login = await runCli(['auth', 'login'], { env: trusted, signal: visited.signal })
    expect(login.code).toBe(130)
    expect(login.stderr).toContain('code_challenge_method=S256')
  } finally {
    issuer.close()
  }
})

it('asks for a login with an error that contains the challenge', async () => {
  const authorization = authorize({
    settings: readSettings(env),
    store: new TokenStore(home.path),
    fetch,
  })
  const refusal = authorization.fetch(server.url, { method: 'POST' })
  await expect(refusal).rejects.toBeInstanceOf(LoginRequired)
  await expect(refusal).rejects.toMatchObject({ challenge: { scope: 'files:read' } })
})
