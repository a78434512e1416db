import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
} from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { cognito } from '../../src/auth/cognito.ts'
import { oauth } from '../../src/auth/oauth.ts'
import { startServer } from '../support/auth-server.ts'
import { startCognitoIssuer } from '../support/cognito-issuer.ts'
import type { OAuthMemoryOptions } from '../support/oauth-client.ts'
import { createOAuthMemory } from '../support/oauth-client.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'

type Fetch = (input: string | URL, init?: RequestInit) => Promise<Response>

interface Connection {
  connect(): Promise<void>
  call(name: string): Promise<unknown>
  finishAuth(answer: URLSearchParams): Promise<void>
  close(): Promise<void>
}

type Connect = (
  url: string,
  oauth: ReturnType<typeof createOAuthMemory>,
  fetch: Fetch,
) => Connection

const information = { name: 'test', version: '1.0.0' }

const v1: Connect = (url, { provider }, fetch) => {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    authProvider: provider,
    fetch,
  })
  const client = new Client(information)
  return {
    connect: () => client.connect(transport),
    call: async (name) => (await client.callTool({ name })).content,
    finishAuth: (answer) => transport.finishAuth(answer.get('code') ?? ''),
    close: () => client.close(),
  }
}

const v2 =
  (mode: 'legacy' | 'auto'): Connect =>
  (url, { provider }, fetch) => {
    const transport = new ModernTransport(new URL(url), { authProvider: provider, fetch })
    const client = new ModernClient(information, { versionNegotiation: { mode } })
    return {
      connect: () => client.connect(transport),
      call: async (name) => (await client.callTool({ name })).content,
      finishAuth: (answer) => transport.finishAuth(answer),
      close: () => client.close(),
    }
  }

const connections: Connection[] = []
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()))
})

/** A user with a client. A login needs a new connection in both generations of the client. */
function createUser(
  connect: Connect,
  url: string,
  options: OAuthMemoryOptions & { fetch?: Fetch } = {},
) {
  const oauth = createOAuthMemory(options)
  const open = () => {
    const connection = connect(url, oauth, options.fetch ?? fetch)
    connections.push(connection)
    return connection
  }
  let connection = open()
  return {
    ...oauth,
    connect: () => connection.connect(),
    call: (name: string) => connection.call(name),
    /** Logs in, consents, and connects again. */
    async logIn() {
      await connection.finishAuth(await oauth.memory.logIn())
      connection = open()
      await connection.connect()
    },
  }
}

const refused = (error: unknown) =>
  error instanceof UnauthorizedError || error instanceof ModernUnauthorized

const text = (content: string) => [{ type: 'text', text: content }]

describe.each([
  ['v1', 'legacy', v1],
  ['v2', 'legacy', v2('legacy')],
  ['v2', 'modern', v2('auto')],
])('with oidc-provider, the official client %s (%s)', async (_, era, connect) => {
  const scopes = ['files:read', 'files:write']
  const issuer = await startOidcProvider({ scopes })
  let now = Date.now
  const server = await startServer((url) =>
    oauth({
      issuer: issuer.url,
      resource: url,
      requiredScopes: ['files:read'],
      clock: () => now(),
    }),
  )
  afterAll(() => Promise.all([server.close(), issuer.close()]))
  beforeEach(() => {
    now = Date.now
    issuer.accessTokenTtl = 3_600
  })

  it('gets from a 401 through metadata, registration and PKCE to a call', async () => {
    const user = createUser(connect, server.url)
    await expect(user.connect()).rejects.toSatisfy(refused)
    const [request] = user.memory.requests
    expect(Object.fromEntries(request?.searchParams ?? [])).toMatchObject({
      code_challenge_method: 'S256',
      resource: server.url,
      scope: expect.stringContaining('files:read'),
    })
    await user.logIn()
    expect(await user.call('read')).toEqual(text('read alice'))
    expect(server.log).toContainEqual(expect.objectContaining({ era, tool: 'read' }))
  })

  it('renews an expired token by itself, and its refresh token with it', async () => {
    issuer.accessTokenTtl = 60
    const user = createUser(connect, server.url)
    await expect(user.connect()).rejects.toSatisfy(refused)
    await user.logIn()
    const before = user.memory.tokens
    issuer.accessTokenTtl = 86_400
    await server.listened()
    now = () => Date.now() + 600_000

    expect(await user.call('read')).toEqual(text('read alice'))
    expect(user.memory.requests).toHaveLength(1)
    expect(user.memory.tokens?.access_token).not.toBe(before?.access_token)
    expect(user.memory.tokens?.refresh_token).not.toBe(before?.refresh_token)
  })

  it('is refused when its grant is revoked and its token has expired', async () => {
    const user = createUser(connect, server.url)
    await expect(user.connect()).rejects.toSatisfy(refused)
    await user.logIn()
    const { tokens, client } = user.memory
    await server.listened()
    await issuer.revoke(tokens?.refresh_token ?? '', client?.client_id ?? '')
    now = () => Date.now() + 7_200_000

    const direct = await fetch(server.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens?.access_token}` },
    })
    expect(direct.status).toBe(401)
    expect(direct.headers.get('www-authenticate')).toContain('error="invalid_token"')
    await expect(user.call('read')).rejects.toSatisfy(refused)
    // The client can only ask its user again.
    expect(user.memory.requests).toHaveLength(2)
  })

  it('steps up from one scope to two when a tool needs the second (D7, D30)', async () => {
    const user = createUser(connect, server.url, { grantTypes: ['authorization_code'] })
    await expect(user.connect()).rejects.toSatisfy(refused)
    await user.logIn()
    expect(user.memory.tokens?.scope).toBe('files:read')
    await expect(user.call('write')).rejects.toSatisfy(refused)
    expect(user.memory.requests.at(-1)?.searchParams.get('scope')).toBe('files:read files:write')
    await user.logIn()
    expect(user.memory.tokens?.scope).toBe('files:read files:write')
    expect(await user.call('write')).toEqual(text('write alice'))
  })
})

/** Refuses an authorization server that does not say it supports S256, as MCP demands (D23). */
const strict =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const response = await fetch(input, init)
    if (!String(input).includes('/.well-known/') || !response.ok) return response
    const document = await response.clone().json()
    if (
      'token_endpoint' in document &&
      !document.code_challenge_methods_supported?.includes('S256')
    ) {
      throw new Error('This authorization server does not support S256.')
    }
    return response
  }

describe.each([
  ['v1', 'legacy', v1],
  ['v2', 'legacy', v2('legacy')],
  ['v2', 'modern', v2('auto')],
])(
  'with an issuer like Cognito, the official client %s (%s), made strict,',
  async (_, era, connect) => {
    let now = Date.now
    const clock = () => now()
    const clientId = '4abcdefghijklmnopqrstuvwxy'
    const issuer = await startCognitoIssuer({
      clientId,
      redirectUris: ['http://127.0.0.1:54321/callback'],
      clock,
    })
    const start = (facade: boolean) =>
      startServer((url) =>
        cognito({
          userPoolId: issuer.userPoolId,
          allowedClientIds: [clientId],
          resource: url,
          supportedScopes: ['openid'],
          facade: facade ? { clientId, redirectUris: ['http://127.0.0.1/callback'] } : undefined,
          fetch: issuer.fetch,
          clock,
        }),
      )
    const [server, bare] = [await start(true), await start(false)]
    afterAll(() => Promise.all([server.close(), bare.close(), issuer.close()]))
    beforeEach(() => {
      now = Date.now
    })

    it('goes through the façade from 401 to a call, and refreshes without its user', async () => {
      const user = createUser(connect, server.url, { fetch: strict(issuer.fetch) })
      await expect(user.connect()).rejects.toSatisfy(refused)
      expect(user.memory.client).toMatchObject({ client_id: clientId })
      expect(user.memory.client).not.toHaveProperty('client_secret')
      await user.logIn()
      const subject = decodeJwt(user.memory.tokens?.access_token ?? '').sub
      expect(await user.call('read')).toEqual(text(`read ${subject}`))
      expect(server.log).toContainEqual(expect.objectContaining({ era, tool: 'read' }))

      const before = user.memory.tokens
      await server.listened()
      now = () => Date.now() + 7_200_000
      expect(await user.call('read')).toEqual(text(`read ${subject}`))
      expect(user.memory.requests).toHaveLength(1)
      expect(user.memory.tokens?.refresh_token).not.toBe(before?.refresh_token)
    })

    it('is refused by the façade when its redirect URI is not on the list', async () => {
      // Where @hono/node-server has replaced it, the v1 client does not recognize the response of `fetch`.
      vi.stubGlobal('Response', (await fetch('data:,')).constructor)
      onTestFinished(() => void vi.unstubAllGlobals())
      const user = createUser(connect, server.url, {
        fetch: strict(issuer.fetch),
        redirectUrl: 'http://127.0.0.1:54321/elsewhere',
      })
      await expect(user.connect()).rejects.toThrow(/redirect/i)
      expect(user.memory.requests).toHaveLength(0)
    })

    it('cannot log in without the façade', async () => {
      const user = createUser(connect, bare.url, { fetch: strict(issuer.fetch) })
      await expect(user.connect()).rejects.toThrow('does not support S256')
      expect(user.memory.requests).toHaveLength(0)
    })

    it('is refused with an ID token', async () => {
      const token = await issuer.sign({ sub: 'alice', token_use: 'id', aud: clientId })
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      expect(response.status).toBe(401)
    })
  },
)
