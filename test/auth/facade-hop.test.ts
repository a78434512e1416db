/** The hop of a façade before a real authorization server that refuses requests as Entra ID does. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FacadeOptions } from '../../src/index.ts'
import { oauth } from '../../src/index.ts'
import { startServer } from '../support/auth-server.ts'
import { createOAuthMemory } from '../support/oauth-client.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'

const CLIENT_ID = '11111111-2222-3333-4444-555555555555'
const AUDIENCE = 'api://weather'
const REDIRECT_URI = 'http://127.0.0.1:54321/callback'
/** The issuer's long name of a scope, and the short one that MCP clients are told. */
const SCOPES = { use: 'api://weather/use' }

const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

let issuer: Awaited<ReturnType<typeof startOidcProvider>>
beforeAll(async () => {
  issuer = await startOidcProvider({
    scopes: [SCOPES.use],
    entra: { clientId: CLIENT_ID, redirectUris: [REDIRECT_URI], audience: AUDIENCE },
  })
  closers.push(issuer.close)
})

async function serverWith(facade: Partial<FacadeOptions>) {
  const server = await startServer((url) =>
    oauth({
      issuer: issuer.url,
      resource: url,
      audience: [AUDIENCE],
      supportedScopes: ['use'],
      facade: { clientId: CLIENT_ID, redirectUris: ['http://127.0.0.1/callback'], ...facade },
    }),
  )
  closers.push(server.close)
  return server
}

const information = { name: 'test', version: '1.0.0' }

/** Logs in with an official client, and calls a tool. */
async function logIn(era: string, url: string, memory = createOAuthMemory()) {
  const { provider } = memory
  const open = () =>
    era === '2025'
      ? {
          client: new Client(information),
          transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: provider }),
        }
      : {
          client: new ModernClient(information, { versionNegotiation: { mode: 'auto' as const } }),
          transport: new ModernTransport(new URL(url), { authProvider: provider }),
        }
  const first = open()
  await first.client.connect(first.transport as never).catch((error: unknown) => {
    if (!/unauthorized/i.test(String(error))) throw error
  })
  const answer = await memory.memory.logIn()
  if (first.transport instanceof ModernTransport) await first.transport.finishAuth(answer)
  else await first.transport.finishAuth(answer.get('code') ?? '')
  const { client, transport } = open()
  await client.connect(transport as never)
  closers.push(() => client.close())
  return { memory: memory.memory, client }
}

describe.each(['2025', '2026'])('the official client of %s', (era) => {
  it('logs in and calls through the hop, which drops resource and maps scopes', async () => {
    const server = await serverWith({ rewrite: { resource: 'drop', scopes: SCOPES } })
    const { memory, client } = await logIn(era, server.url)
    const [request] = memory.requests
    // The client sends what MCP wants; the issuer, which refuses that, gets something else.
    expect(request?.origin).toBe(new URL(server.url).origin)
    expect(request?.searchParams.get('resource')).toBe(server.url)
    expect(request?.searchParams.get('scope')).toMatch(/\buse\b/)
    const token = decodeJwt(memory.tokens?.access_token ?? '')
    expect(token).toMatchObject({ aud: AUDIENCE, scope: SCOPES.use, client_id: CLIENT_ID })
    expect(JSON.stringify(await client.callTool({ name: 'read' }))).toContain(`read ${token.sub}`)
    expect(JSON.stringify(server.log)).not.toContain(memory.tokens?.access_token)
  })

  it('cannot log in without the hop, because the issuer refuses resource', async () => {
    const server = await serverWith({})
    await expect(logIn(era, server.url)).rejects.toThrow(/AADSTS9010010/)
  })

  it('may name a client-id metadata document in place of a registration', async () => {
    const documents = createServer((_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ client_id: id, redirect_uris: [REDIRECT_URI] }))
    })
    await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve))
    closers.push(async () => documents.close())
    const origin = `http://127.0.0.1:${(documents.address() as AddressInfo).port}`
    const id = `${origin}/client.json`
    const server = await serverWith({
      rewrite: { resource: 'drop', scopes: SCOPES },
      clientIdDocuments: [origin],
    })
    const memory = createOAuthMemory()
    memory.memory.client = { client_id: id }
    const { client } = await logIn(era, server.url, memory)
    expect(memory.memory.requests[0]?.searchParams.get('client_id')).toBe(id)
    expect(JSON.stringify(await client.callTool({ name: 'read' }))).toContain('read alice')
  })
})

describe('the hop', () => {
  const facade: FacadeOptions = {
    clientId: 'client-1',
    redirectUris: ['https://app.example.com/cb', 'http://127.0.0.1/callback'],
    rewrite: {
      resource: 'drop',
      scopes: { use: 'api://x/use' },
      parameters: { prompt: 'consent' },
    },
    clientIdDocuments: ['https://claude.ai'],
    endpoints: {
      authorization_endpoint: 'https://login.example.com/authorize?tenant=1',
      token_endpoint: 'https://login.example.com/token',
    },
  }
  const sent: { url: string; init: RequestInit }[] = []
  let answer: () => Response = () => Response.json({ access_token: 'a', token_type: 'Bearer' })
  const documents: Record<string, object> = {
    'https://claude.ai/client.json': {
      client_id: 'https://claude.ai/client.json',
      redirect_uris: ['https://app.example.com/cb'],
    },
    'https://claude.ai/kept.json': {
      client_id: 'https://claude.ai/kept.json',
      redirect_uris: ['https://app.example.com/cb'],
    },
    'https://claude.ai/liar.json': {
      client_id: 'https://claude.ai/client.json',
      redirect_uris: ['https://app.example.com/cb'],
    },
    'https://claude.ai/other.json': {
      client_id: 'https://claude.ai/other.json',
      redirect_uris: ['https://elsewhere.example/cb'],
    },
  }
  const issuerUrl = 'https://login.example.com'
  let now = 0
  const auth = oauth({
    issuer: issuerUrl,
    resource: 'https://mcp.example.com/mcp',
    facade,
    clock: () => now,
    fetch: async (input, init = {}) => {
      const url = String(input)
      sent.push({ url, init })
      const document = documents[url]
      if (document) return Response.json(document)
      return url === 'https://login.example.com/token'
        ? answer()
        : new Response(null, { status: 404 })
    },
  })
  const route = (path: string) => {
    const found = auth.routes?.find((one) => one.path === path)
    if (!found) throw new Error(`there is no ${path}`)
    return found
  }
  const base = 'https://mcp.example.com'
  const good = {
    response_type: 'code',
    client_id: 'client-1',
    redirect_uri: 'https://app.example.com/cb',
    code_challenge: 'c',
    code_challenge_method: 'S256',
    state: 's t&a=te',
    scope: 'openid use',
    resource: 'https://mcp.example.com/mcp',
  }
  const authorize = (changes: Record<string, string | undefined>, more = '') => {
    const entries = Object.entries({ ...good, ...changes }).filter(
      ([, value]) => value !== undefined,
    )
    const query = new URLSearchParams(entries as [string, string][])
    return route('/authorize').handle(new Request(`${base}/authorize?${query}${more}`), {})
  }
  const sendToken = (fields: Record<string, string>, headers = {}) =>
    route('/token').handle(
      new Request(`${base}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ client_id: 'client-1', ...fields }),
      }),
      {},
    )

  it('changes what it is told to, and keeps the rest', async () => {
    const response = await authorize({ login_hint: 'ann@example.com', unknown: 'x' })
    expect(response.status).toBe(302)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const target = new URL(response.headers.get('location') ?? '')
    expect(target.origin + target.pathname).toBe('https://login.example.com/authorize')
    expect(Object.fromEntries(target.searchParams)).toEqual({
      tenant: '1',
      response_type: 'code',
      client_id: 'client-1',
      redirect_uri: 'https://app.example.com/cb',
      code_challenge: 'c',
      code_challenge_method: 'S256',
      state: 's t&a=te',
      scope: 'openid api://x/use',
      login_hint: 'ann@example.com',
      prompt: 'consent',
    })
  })

  it.each<[string, Record<string, string | undefined>, string?]>([
    ['a redirect URI that is not on the list', { redirect_uri: 'https://evil.example/cb' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['an unknown client', { client_id: 'another' }],
    ['no client', { client_id: undefined }],
    ['no PKCE', { code_challenge_method: undefined }],
    ['plain PKCE', { code_challenge_method: 'plain' }],
    ['a token in the redirect', { response_type: 'token' }],
    ['a second redirect URI', {}, '&redirect_uri=https://evil.example/cb'],
    ['a second client', {}, '&client_id=another'],
    ['a document of another origin', { client_id: 'https://evil.example/client.json' }],
    ['a document that names another client', { client_id: 'https://claude.ai/liar.json' }],
    ['a document that names another redirect URI', { client_id: 'https://claude.ai/other.json' }],
    ['a document that is not there', { client_id: 'https://claude.ai/gone.json' }],
    ['an origin in place of a document', { client_id: 'https://claude.ai/' }],
    ['another spelling of a document', { client_id: 'https://claude.ai/a/../client.json' }],
    ['credentials in a client id', { client_id: 'https://a:b@claude.ai/client.json' }],
  ])('refuses %s without a redirect', async (_, changes, more) => {
    const response = await authorize(changes, more)
    expect(response.status).toBe(400)
    expect(response.headers.has('location')).toBe(false)
  })

  it('fetches no address that is not on an origin of the list', async () => {
    sent.length = 0
    for (const id of ['http://169.254.169.254/latest', 'https://evil.example/x', 'file:///etc/x']) {
      await authorize({ client_id: id })
    }
    expect(sent).toEqual([])
  })

  it('takes a client-id document that names the redirect URI, and sends its own id on', async () => {
    const response = await authorize({ client_id: 'https://claude.ai/client.json' })
    const target = new URL(response.headers.get('location') ?? '')
    expect(target.searchParams.get('client_id')).toBe('client-1')
  })

  it('keeps a client-id document for five minutes', async () => {
    const fetched = async () => {
      sent.length = 0
      await authorize({ client_id: 'https://claude.ai/kept.json' })
      return sent.length
    }
    expect([await fetched(), await fetched()]).toEqual([1, 0])
    now += 299_000
    expect(await fetched()).toBe(0)
    now += 2_000
    expect(await fetched()).toBe(1)
  })

  it('passes a code on, and the answer back, with nothing else', async () => {
    sent.length = 0
    const response = await sendToken(
      {
        grant_type: 'authorization_code',
        code: 'c+/=',
        redirect_uri: 'http://127.0.0.1:9999/callback',
        code_verifier: 'v',
        resource: 'https://mcp.example.com/mcp',
        scope: 'use',
        client_secret: 'x',
      },
      { cookie: 'a=b', authorization: 'Basic eDp5' },
    )
    expect(await response.json()).toEqual({ access_token: 'a', token_type: 'Bearer' })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const [{ url, init } = { url: '', init: {} }] = sent
    expect(url).toBe('https://login.example.com/token')
    expect(Object.fromEntries(new URLSearchParams(String(init.body)))).toEqual({
      client_id: 'client-1',
      grant_type: 'authorization_code',
      code: 'c+/=',
      redirect_uri: 'http://127.0.0.1:9999/callback',
      code_verifier: 'v',
      scope: 'api://x/use',
    })
    expect(new Headers(init.headers).has('authorization')).toBe(false)
    expect(new Headers(init.headers).has('cookie')).toBe(false)
    expect(init.redirect).toBe('manual')
  })

  it.each<[string, Record<string, string>, number]>([
    ['another grant', { grant_type: 'client_credentials' }, 400],
    ['another client', { grant_type: 'refresh_token', refresh_token: 'r', client_id: 'x' }, 400],
    [
      'a redirect URI that is not on the list',
      { grant_type: 'authorization_code', code: 'c', redirect_uri: 'https://evil.example/cb' },
      400,
    ],
    ['a huge form', { grant_type: 'refresh_token', refresh_token: 'r'.repeat(40_000) }, 400],
  ])('refuses %s at the token endpoint', async (_, fields, status) => {
    sent.length = 0
    expect((await sendToken(fields)).status).toBe(status)
    expect(sent).toEqual([])
  })

  it('passes refusals of the issuer on, and says so when it gives no answer', async () => {
    const refresh = { grant_type: 'refresh_token', refresh_token: 'r' }
    answer = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    const refused = await sendToken(refresh)
    expect([refused.status, await refused.json()]).toEqual([400, { error: 'invalid_grant' }])
    for (const broken of [
      () => new Response('<html>', { status: 200 }),
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      () => Response.json({ stack: 'secret' }, { status: 500 }),
      () => {
        throw new Error('unreachable')
      },
    ]) {
      answer = broken
      const response = await sendToken(refresh)
      expect(response.status).toBe(502)
      expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
    }
  })

  it.each(['https://claude.ai/path', 'http://claude.ai', 'claude.ai', '*'])(
    'takes no client-id documents of %s',
    (origin) => {
      const given = { ...facade, clientIdDocuments: [origin] }
      expect(() =>
        oauth({ issuer: issuerUrl, resource: 'https://mcp.example.com/mcp', facade: given }),
      ).toThrow(/clientIdDocuments/)
    },
  )
})
