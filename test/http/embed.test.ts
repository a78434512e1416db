/** The server inside another app, behind common middleware. */
import type { Context, MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { contextStorage } from 'hono/context-storage'
import { cors } from 'hono/cors'
import { logger } from 'hono/logger'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { timeout } from 'hono/timeout'
import * as v from 'valibot'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import type { Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, ModernClient, post } from '../support/wire.ts'

let serving: NodeServer | undefined
afterEach(async () => {
  await serving?.close()
  serving = undefined
})

/** A server whose tool reports progress, and ends when the test releases it. */
function create() {
  let release = () => {}
  const mcp = createMcp({ name: 'shop', version: '1', bodyLimit: 1_000, log: () => {} })
  mcp.tool('echo', { description: 'Echoes', input: v.object({ x: v.string() }) }, ({ x }) => x)
  mcp.tool('slow', { description: 'Tells its progress' }, async (_, ctx) => {
    const released = new Promise<void>((resolve) => (release = resolve))
    ctx.progress(1)
    await released
    return 'done'
  })
  return { mcp, release: () => release() }
}

async function open(app: Hono, mcp: Mcp, path: string): Promise<TestEndpoint> {
  serving = await serve(
    { fetch: app.fetch, close: mcp.close },
    { port: 0, grace: 0, signals: false },
  )
  return { url: `http://127.0.0.1:${serving.port}${path}`, fetch, close: async () => {} }
}

const behind =
  (...middleware: MiddlewareHandler[]) =>
  (app: Hono, { app: routes }: Mcp): string => {
    app.use(...middleware)
    app.route('/api', routes)
    return '/api/mcp'
  }

const reading = (read: (c: Context) => Promise<unknown>) =>
  behind(async (c, next) => {
    if (c.req.method === 'POST') await read(c)
    await next()
  })

const MOUNTED: Record<string, (app: Hono, mcp: Mcp) => string> = {
  'a stack of middleware': behind(
    logger(() => {}),
    requestId(),
    contextStorage(),
    secureHeaders(),
    cors(),
    timeout(5_000),
    bodyLimit({ maxSize: 100_000 }),
  ),
  'compression of everything': behind(compress({ contentTypeFilter: /./, threshold: 0 })),
  'middleware that has read the body as JSON': reading(({ req }) => req.json()),
  'middleware that has read the body as bytes': reading(({ req }) => req.arrayBuffer()),
  'middleware that makes another request of it': reading(async ({ req }) => {
    const { url, method, headers } = req.raw
    req.raw = new Request(url, { method, headers, body: await req.text() })
  }),
  'middleware that sets a header of it': reading(async ({ req }) => req.raw.headers.set('x', 'y')),
  'a base path': (app, mcp) => {
    app.route('/', new Hono().basePath('/v1').route('/api', mcp.app))
    return '/v1/api/mcp'
  },
  'app.mount': (app, { fetch }) => {
    app.mount('/x', fetch)
    return '/x/mcp'
  },
}

describe.each(Object.entries(MOUNTED))('behind %s', (_, mount) => {
  it('clients of both eras call, and get progress as it happens', async () => {
    const { mcp, release } = create()
    const app = new Hono()
    const endpoint = await open(app, mcp, mount(app, mcp))
    const headers = { 'accept-encoding': 'gzip' }
    const legacy = await LegacyClient.open(endpoint, '2025-11-25', { headers })
    for (const client of [legacy, new ModernClient(endpoint, { headers })]) {
      const echoed = await (await client.call('echo', { x: 'hé' })).result()
      expect(echoed.content).toEqual([{ type: 'text', text: 'hé' }])
      const slow = await client.call('slow', {}, { meta: { progressToken: 1 } })
      await slow.notification('notifications/progress')
      release()
      expect((await slow.result()).content).toEqual([{ type: 'text', text: 'done' }])
    }
  })
})

describe('a body that middleware has read', () => {
  it('is at most as large as the server allows, also without an announced length', async () => {
    const { mcp } = create()
    const app = new Hono()
    reading(({ req }) => req.json())(app, mcp)
    const body = new Blob([JSON.stringify('x'.repeat(1_000))]).stream()
    const response = await app.request('/api/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
  })

  it('is not a message if its bytes are lost', async () => {
    const { mcp } = create()
    const app = new Hono()
    const path = reading(({ req }) => req.raw.text())(app, mcp)
    const { status, result } = await post(await open(app, mcp, path), {}).then(async (reply) => ({
      status: reply.status,
      result: await reply.answer(),
    }))
    expect(status).toBe(400)
    expect(result.error?.code).toBe(-32700)
  })
})

describe('on Cloudflare Workers, where one request cannot wake another', () => {
  it('clients cannot listen, unless the author turns it on', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const open = (options: { listening?: boolean }) => {
      const mcp = createMcp({ name: 'worker', version: '1', ...options })
      mcp.tool('now', { description: 'Answers at once' }, () => 1)
      return LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    }
    const [told, asked] = await Promise.all([open({}), open({ listening: true })])
    vi.unstubAllGlobals()
    expect((await told.get()).status).toBe(405)
    expect(told.server.capabilities.tools).toEqual({})
    const stream = await asked.get()
    expect(stream.status).toBe(200)
    await stream.leave()
  })
})
