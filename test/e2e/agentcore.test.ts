/** The contract of Bedrock AgentCore Runtime for MCP servers, as AWS documents it: a platform in front of the container. */
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import type { McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { Official, Open } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** The container: the server that docs/agentcore.md shows, with more tools. */
async function startContainer(options: Partial<McpOptions> = {}): Promise<NodeServer> {
  const mcp = createMcp({
    name: 'container',
    version: '1.0.0',
    sessions: 'adopted',
    allowedHosts: ['*'],
    log: () => {},
    ...options,
  })
  mcp.tool(
    'greet',
    { description: 'Greets', input: v.object({ name: v.string() }) },
    ({ name }) => `Hello, ${name}!`,
  )
  mcp.tool('visit', { description: 'Counts', session: true }, (_, ctx) =>
    ctx.session.update<number>('visits', (visits = 0) => visits + 1),
  )
  mcp.tool('book', { description: 'Asks first' }, async (_, ctx) => {
    ctx.progress(1, 2)
    const answer = await ctx.elicit('Book it?', v.object({ sure: v.boolean() }))
    return answer.action
  })
  const server = await serve(mcp, { port: 0, health: '/ping', signals: false, grace: 0 })
  closers.push(server.close)
  return server
}

interface Platform {
  readonly url: string
  /** The container that gets the requests; another one is a new microVM. */
  container: NodeServer
  /** The session ids that the container was sent. */
  readonly sent: (string | undefined)[]
}

/**
 * AgentCore Runtime in front: only POST reaches the container, at `/mcp`, under a host name of the
 * platform. In its stateless mode it chooses a session id and adds it to each request and reply; in its
 * stateful mode the server chooses the id with its reply to `initialize`.
 */
async function startPlatform(mode: 'stateless' | 'stateful'): Promise<Platform> {
  const platform = {
    url: '',
    container: await startContainer(),
    sent: [] as (string | undefined)[],
  }
  const server: Server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const chosen = mode === 'stateless' ? `${randomUUID()}-${randomUUID()}` : undefined
    const id = [request.headers['mcp-session-id']].flat()[0] ?? chosen
    platform.sent.push(id)
    const headers = new Headers()
    for (const name of [
      'accept',
      'content-type',
      'mcp-protocol-version',
      'mcp-method',
      'mcp-name',
    ]) {
      const value = request.headers[name]
      if (typeof value === 'string') headers.set(name, value)
    }
    headers.set('x-amzn-bedrock-agentcore-runtime-session-id', id ?? randomUUID())
    if (id) headers.set('mcp-session-id', id)
    const reply = await fetch(`http://127.0.0.1:${platform.container.port}/mcp`, {
      method: 'POST',
      headers,
      body: Readable.toWeb(request) as ReadableStream,
      duplex: 'half',
    } as RequestInit)
    const type = reply.headers.get('content-type')
    const returned = reply.headers.get('mcp-session-id') ?? id
    response.writeHead(reply.status, {
      ...(type && { 'content-type': type }),
      ...(returned && { 'mcp-session-id': returned }),
    })
    if (!reply.body) return void response.end()
    await pipeline(Readable.fromWeb(reply.body as never), response).catch(() => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const arn = 'arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/shop-AbCdEf0123'
  const { port } = server.address() as AddressInfo
  const path = `runtimes/${encodeURIComponent(arn)}/invocations?qualifier=DEFAULT`
  platform.url = `http://127.0.0.1:${port}/${path}`
  return platform
}

const textOf = async (client: Official, name: string, args?: Record<string, unknown>) =>
  (await client.call(name, args)).content[0]?.text

describe.each(['stateless', 'stateful'] as const)('AgentCore in its %s mode', (mode) => {
  describe.each(OFFICIAL)('with the official client %s', (_, era, open: Open) => {
    it('lists, calls, streams and asks', async () => {
      const platform = await startPlatform(mode)
      const client = await open(platform.url, {
        elicit: () => ({ action: 'accept', content: { sure: true } }),
      })
      expect(client.era).toBe(era)
      expect(await client.list('tools')).toEqual(['greet', 'visit', 'book'])
      expect(await textOf(client, 'greet', { name: 'Ada' })).toBe('Hello, Ada!')
      const progress: number[] = []
      const booked = await client.call('book', {}, (done) => progress.push(done))
      expect(booked.content[0]?.text).toBe('accept')
      expect(progress).toContain(1)
      if (era === 'legacy') {
        expect(await textOf(client, 'visit')).toBe('1')
        expect(await textOf(client, 'visit')).toBe('2')
        // Every request after the first carries one id, whichever side has chosen it.
        expect(new Set(platform.sent.slice(1)).size).toBe(1)
      }
    })

    it('goes on when the microVM is replaced', async () => {
      const platform = await startPlatform(mode)
      const client = await open(platform.url)
      await client.list('tools')
      platform.container = await startContainer()
      expect(await textOf(client, 'greet', { name: 'Ada' })).toBe('Hello, Ada!')
    })
  })
})

describe('the container', () => {
  it('tells its health at /ping, in the words that AgentCore reads', async () => {
    const { port } = await startContainer()
    const reply = await fetch(`http://127.0.0.1:${port}/ping`)
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'Healthy' }])
  })

  it('accepts any host name, session id and further header of the platform', async () => {
    const { port } = await startContainer({ sessions: 'none' })
    const reply = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': randomUUID(),
        'x-amzn-bedrock-agentcore-runtime-session-id': randomUUID(),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(reply.status).toBe(200)
    expect((await reply.json()).result.tools).toHaveLength(3)
  })
})
