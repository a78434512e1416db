/** The Node endpoint where it reads requests without a `Request`. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import type { Bindings } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { eventually, LegacyClient } from '../support/wire.ts'

let serving: NodeServer
afterEach(() => serving.close())

async function open(app: Parameters<typeof serve>[0]) {
  serving = await serve(app, { port: 0, grace: 0, signals: false })
  return { url: `http://127.0.0.1:${serving.port}/mcp`, fetch, close: async () => {} }
}

const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'note' },
})

const headers = (session: string) => ({
  'content-type': 'application/json',
  'mcp-session-id': session,
})

describe('the Node adapter', () => {
  it('refuses a body that an app in front has read, and does not wait for it', async () => {
    const mcp = createMcp({ name: 'behind', version: '1', log: () => {} })
    const app = new Hono<{ Bindings: Bindings }>()
    app.use(async ({ req: { raw } }, next) => {
      await raw.text()
      await next()
    })
    app.all('*', ({ req: { raw }, env }) => mcp.fetch(raw, env))
    const endpoint = await open({
      fetch: (request, env) => app.fetch(request, env),
      close: () => mcp.close(),
    })
    const response = await fetch(endpoint.url, { method: 'POST', headers: headers('none'), body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: -32700 } })
  })

  it('reads the request that an app in front has created, not the original one', async () => {
    const mcp = createMcp({ name: 'behind', version: '1', log: () => {} })
    mcp.tool('note', { description: 'Notes' }, (_, { request }) => `${request.headers.get('x-by')}`)
    const app = new Hono<{ Bindings: Bindings }>()
    app.all('*', async ({ req: { raw }, env }) => {
      const text = await raw.clone().text()
      const headers = new Headers(raw.headers)
      headers.set('x-by', 'the app')
      const made = new Request(raw.url, {
        method: raw.method,
        headers,
        body: text.replace('"wrong"', '"note"'),
      })
      return mcp.fetch(made, env)
    })
    const endpoint = await open({
      fetch: (request, env) => app.fetch(request, env),
      close: () => mcp.close(),
    })
    const { sessionId } = await LegacyClient.open(endpoint, '2025-11-25')
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: headers(sessionId),
      body: body.replace('"note"', '"wrong"'),
    })
    expect(await response.json()).toMatchObject({ result: { content: [{ text: 'the app' }] } })
  })

  describe('behind an app that', () => {
    const large = (length: number) =>
      body.replace('{"name":"note"}', `{"name":"note","_meta":{"a":"${'x'.repeat(length)}"}}`)

    /** Makes a call through an app in front. Returns the status and what the app found. */
    async function called<T>(before: (raw: Request) => T, text: string, chunked = false) {
      const mcp = createMcp({ name: 'behind', version: '1', log: () => {}, bodyLimit: 2_000_000 })
      mcp.tool('note', { description: 'Notes' }, () => 'noted')
      const app = new Hono<{ Bindings: Bindings }>()
      let seen: T | undefined
      app.use(async ({ req: { raw } }, next) => {
        if (raw.headers.has('mcp-session-id')) seen = before(raw)
        await next()
      })
      app.route('/', mcp.app)
      const endpoint = await open({
        fetch: (request, env) => app.fetch(request, env),
        close: () => mcp.close(),
      })
      const { sessionId } = await LegacyClient.open(endpoint, '2025-11-25')
      const signal = AbortSignal.timeout(3_000)
      const sent = chunked ? new Blob([text]).stream() : text
      const init = { method: 'POST', headers: headers(sessionId), body: sent, signal }
      const { status } = await fetch(endpoint.url, { ...init, duplex: 'half' } as RequestInit)
      return { status, seen: await seen }
    }

    it.each([false, true])(
      'looks at the body does not lose any of it (chunked: %s)',
      async (chunked) => {
        const { status, seen } = await called(({ body }) => body !== null, large(1e6), chunked)
        expect([status, seen]).toEqual([200, true])
      },
    )

    it.each([false, true])('reads a copy leaves the whole body (chunked: %s)', async (chunked) => {
      const text = large(1e6)
      const { status, seen } = await called((raw) => raw.clone().text(), text, chunked)
      expect([status, seen?.length]).toEqual([200, text.length])
    })

    it.each([
      ['has read a copy', (raw: Request) => raw.clone().text()],
      ['has made a copy that no one reads', (raw: Request) => raw.clone()],
    ])('%s still takes no body beyond the limit', async (_, look) => {
      const mcp = createMcp({ name: 'behind', version: '1', log: () => {}, bodyLimit: 1_000 })
      const app = new Hono<{ Bindings: Bindings }>()
      app.use(async ({ req: { raw } }, next) => {
        await look(raw)
        await next()
      })
      app.route('/', mcp.app)
      const endpoint = await open({
        fetch: (request, env) => app.fetch(request, env),
        close: () => mcp.close(),
      })
      const sent = new Blob([large(1e6)]).stream()
      const init = { method: 'POST', headers: headers('none'), body: sent, duplex: 'half' }
      const signal = AbortSignal.timeout(3_000)
      expect((await fetch(endpoint.url, { ...init, signal } as RequestInit)).status).toBe(413)
    })
  })

  it('listens on loopback alone unless it is told otherwise (B4)', async () => {
    await open(createMcp({ name: 'private', version: '1' }))
    const reach = async (host: string) => {
      const socket = connect(serving.port, host)
      const reached = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      return reached
    }
    expect([await reach('127.0.0.1'), await reach('127.0.0.2')]).toEqual([true, false])
  })

  it('ends a request whose client leaves in the middle of its body', async () => {
    const mcp = createMcp({ name: 'left', version: '1', log: () => {} })
    const requests: Promise<unknown>[] = []
    await open({
      fetch: (request, env) => {
        const response = Promise.resolve(mcp.fetch(request, env))
        requests.push(response)
        return response
      },
      close: () => mcp.close(),
    })
    const socket = connect(serving.port, '127.0.0.1')
    await once(socket, 'connect')
    const type = 'Content-Type: application/json'
    socket.write(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 100\r\n\r\n{`)
    await expect.poll(() => requests.length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50)) // the server begins to read
    socket.destroy()
    await expect(requests[0]).resolves.toMatchObject({ status: 400 })
  })

  it('notices a client that has sent its whole call and left before the call began (B20)', async () => {
    let admit = () => {}
    let noted = 0
    let waits = false
    const mcp = createMcp({
      name: 'slow',
      version: '1',
      log: () => {},
      auth: {
        async verify() {
          if (waits) await new Promise<void>((resolve) => (admit = resolve))
          return { id: 'a', subject: 'a', scopes: [], claims: {} }
        },
        challenge: () => new Response(null, { status: 401 }),
      },
    })
    mcp.tool('note', { description: 'Counts its calls' }, () => `${++noted}`)
    const endpoint = await open(mcp)
    const { sessionId } = await LegacyClient.open(endpoint, '2025-11-25')
    waits = true

    const socket = connect(serving.port, '127.0.0.1')
    await once(socket, 'connect')
    const lines = Object.entries({
      host: 'localhost',
      'content-length': `${body.length}`,
      ...headers(sessionId),
    }).map(([name, value]) => `${name}: ${value}`)
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
    const before = admit
    await eventually(async () => expect(admit).not.toBe(before))
    socket.destroy()
    await once(socket, 'close')
    await new Promise((resolve) => setTimeout(resolve, 50)) // the server needs a moment to notice that the client has left
    admit()
    await eventually(async () => expect(noted).toBe(1))
  })
})

describe('a connection without a request', () => {
  it.each([
    [{}, '5'],
    [{ keepAliveTimeout: 620_000 }, '620'],
  ])('is kept as long as the options say: %j', async (options, seconds) => {
    const mcp = createMcp({ name: 'kept', version: '1', log: () => {} })
    serving = await serve(mcp, { port: 0, grace: 0, signals: false, ...options })
    const reply = await fetch(`http://127.0.0.1:${serving.port}/mcp`, {
      method: 'POST',
      body: '{}',
    })
    expect(reply.headers.get('keep-alive')).toBe(`timeout=${seconds}`)
    await reply.text()
  })
})

describe('closing the Node adapter', () => {
  it('does not wait for a connection that a client keeps open after its stream has ended', async () => {
    const endpoint = await open(createMcp({ name: 'closing', version: '1' }))
    const stream = await (await LegacyClient.open(endpoint, '2025-11-25')).get()
    const rest = stream.rest()
    const startedAt = performance.now()
    await Promise.all([serving.close(), rest])
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})
