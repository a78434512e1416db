/** The template's whole stack, served with its own bundles and environment, and used by the official clients. */

import { createHash } from 'node:crypto'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { startCognitoIssuer } from '../support/cognito-issuer.ts'
import { startDynalite } from '../support/dynalite.ts'
import { createOAuthMemory } from '../support/oauth-client.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'
import { bundle } from './bundle.ts'
import type { Parameters } from './cloudformation.ts'
import { deployStack } from './deployment.ts'
import { lambdaHost } from './lambda-host.ts'
import { urlFront } from './url-front.ts'

const secret = 'a-generated-token-of-some-length-0123456789'
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

const deploy = (parameters: Parameters, env: Record<string, string> = {}) =>
  deployStack({ parameters, env, secret, closers })

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

const information = { name: 'test', version: '1.0.0' }
const text = (content: string) => [{ type: 'text', text: content }]

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

async function connect(era: string, url: URL, fetch: Fetch, token?: string) {
  const requestInit = token ? { headers: { authorization: `Bearer ${token}` } } : {}
  if (era === '2025') {
    const client = new Client(information)
    open.push(client)
    // The SDK's declarations do not allow exactOptionalPropertyTypes.
    await client.connect(new StreamableHTTPClientTransport(url, { fetch, requestInit }) as never)
    return client
  }
  const client = new ModernClient(information, { versionNegotiation: { mode: 'auto' } })
  open.push(client)
  await client.connect(new ModernTransport(url, { fetch, requestInit }))
  return client
}

/** Acts as a person who is sent to a login page and comes back. */
async function logIn(endpoint: URL, fetch: Fetch) {
  const oauth = createOAuthMemory()
  const transport = () =>
    // The declarations of the two generations differ only in parts that are not used here.
    new StreamableHTTPClientTransport(endpoint, { fetch, authProvider: oauth.provider as never })
  const first = transport()
  const client = new Client(information)
  await expect(client.connect(first as never)).rejects.toThrow(UnauthorizedError)
  const answer = await oauth.memory.logIn()
  await first.finishAuth(answer.get('code') ?? '')
  open.push(client)
  await client.connect(transport() as never)
  const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } })
  return { request: oauth.memory.requests[0], content }
}

describe('the stack with a static token', async () => {
  const { front, mcp, gate, endpoint } = await deploy({})

  it('calls its authorizer once per token, and does not start the server for other callers', async () => {
    const post = (headers: Record<string, string>) =>
      front.fetch(endpoint, { method: 'POST', body: '{}', headers })
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const response = await post(headers)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="mcp"')
    }
    expect(mcp.served).toEqual([])
    const { authorizations } = front
    await connect('2025', endpoint, front.fetch, secret)
    expect(front.authorizations - authorizations).toBeLessThanOrEqual(1)
    expect(gate?.log).not.toContain(secret)
    expect(mcp.log).not.toContain(secret)
  })

  it.each(['2025', '2026'])('serves the official client of %s', async (era) => {
    const client = await connect(era, endpoint, front.fetch, secret)
    const { tools } = await client.listTools()
    const names = tools.map(({ name }) => name)
    expect(names).toContain('get_time')
    // The role has no rights for these tools, so the server does not offer them.
    expect(names).not.toContain('get_bedrock_usage_report')
    expect(names).not.toContain('count_s3_buckets')
    const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } })
    expect(JSON.stringify(content)).toMatch(/Ada/)
  })
})

describe('the stack with an issuer of its own', async () => {
  const issuer = await startOidcProvider({ scopes: ['mcp:use'] })
  closers.push(issuer.close)
  const { front, endpoint } = await deploy({
    AuthMethod: 'oauth',
    OAuthIssuer: issuer.url,
    OAuthScopes: 'mcp:use',
  })

  it('lets the official client get from a 401 through the metadata proxy to a login and a call', async () => {
    const elsewhere: Fetch = (url, init) =>
      `${url}`.startsWith(issuer.url) ? fetch(url, init) : front.fetch(url, init)
    const { request, content } = await logIn(endpoint, elsewhere)
    expect(request?.searchParams.get('resource')).toBe(endpoint.href)
    expect(request?.searchParams.get('scope')).toMatch(/mcp:use/)
    expect(JSON.stringify(content)).toMatch(/Ada/)
  })
})

describe('the stack with a user pool that it made', async () => {
  const redirectUrl = 'http://127.0.0.1:54321/callback'
  const clientId = 'weather-UserPoolClient'
  const issuer = await startCognitoIssuer({
    userPoolId: 'eu-west-1_AbCdEf123',
    clientId,
    redirectUris: [redirectUrl],
  })
  closers.push(issuer.close)
  // The functions reach the stand-in under Cognito's own name.
  const { origin } = new URL(issuer.pool)
  const world = `const f = fetch; globalThis.fetch = (u, i) => f(String(u.url ?? u).replace('${origin}', '${issuer.origin}'), i)`
  const { front, endpoint } = await deploy(
    { AuthMethod: 'cognito', CallbackUrls: redirectUrl },
    { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(world)}` },
  )

  it('gives the official client the pool through the façade, and accepts its tokens', async () => {
    const elsewhere: Fetch = (url, init) =>
      [origin, issuer.origin].some((known) => `${url}`.startsWith(known))
        ? issuer.fetch(url, init)
        : front.fetch(url, init)
    const { request, content } = await logIn(endpoint, elsewhere)
    expect(request?.searchParams.get('client_id')).toBe(clientId)
    expect(request?.searchParams.get('scope')).toMatch(/mcp\/use/)
    expect(JSON.stringify(content)).toMatch(/Ada/)
  })

  it('refuses a token of another client of the pool, and one without the scope', async () => {
    const claims = { sub: 'x', username: 'x', token_use: 'access', client_id: clientId }
    const send = async (changed: object) => {
      const token = await issuer.sign({ ...claims, scope: 'mcp/use', ...changed })
      return front.fetch(endpoint, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
    }
    expect((await send({ client_id: 'another' })).status).toBe(401)
    const poor = await send({ scope: 'openid' })
    expect(poor.status).toBe(403)
    expect(poor.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope", scope="mcp\/use"/,
    )
  })
})

describe('examples/function-url', async () => {
  const token = 'the-token-of-the-example'
  const database = await startDynalite()
  closers.push(database.close)
  const host = lambdaHost({
    taskRoot: bundle('../../examples/function-url/server.ts'),
    env: {
      ...database.env,
      MCP_AUTH_TOKEN: `sha256:${createHash('sha256').update(token).digest('hex')}`,
    },
  })
  closers.push(host.close)
  const front = await urlFront(host)
  closers.push(front.close)
  const endpoint = new URL(`${front.url}/mcp`)

  it.each(['2025', '2026'])('serves the official client of %s', async (era) => {
    const client = await connect(era, endpoint, fetch, token)
    const seen: number[] = []
    const { content } = await client.callTool(
      { name: 'get_weather', arguments: { city: 'Oslo' } },
      ...((era === '2025' ? [undefined] : []) as []),
      { onprogress: ({ progress }: { progress: number }) => void seen.push(progress) } as never,
    )
    expect(content).toEqual(text('The temperature in Oslo is 21°C'))
    expect(seen).toEqual([1])
  })

  it('answers 401 without the token', async () => {
    expect((await fetch(endpoint, { method: 'POST', body: '{}' })).status).toBe(401)
  })
})
