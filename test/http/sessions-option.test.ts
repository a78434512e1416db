/** The option `sessions`: ids that a platform in front has chosen, and servers without sessions. */
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { connect as connectV1 } from '../../adapters/testing/v1.ts'
import type { TestStore } from '../../adapters/testing.ts'
import { connect, testClock, testStore } from '../../adapters/testing.ts'
import type { Mcp, McpOptions, Store } from '../../src/index.ts'
import { bearer, createMcp, memoryStore } from '../../src/index.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { BOTH, fetchEndpoint, LegacyClient, ModernClient, post } from '../support/wire.ts'

const GIVEN = '3f0c2c1e-7a35-4b54-9d0c-2b1f6f1f1c11-0123456789'
const ELICITATION = { elicitation: { form: {} } }

let store: TestStore
let mcp: Mcp
afterEach(() => mcp.close({ grace: 0 }))

function start(options: Partial<McpOptions>): TestEndpoint {
  store = testStore(options.clock && { clock: options.clock })
  mcp = createMcp({ name: 'adopting', version: '1', log: () => {}, store, ...options })
  mcp.tool('greet', { description: 'Greets' }, () => 'Hello!')
  mcp.tool('visit', { description: 'Counts', session: true }, (_, ctx) =>
    ctx.session.update<number>('visits', (visits = 0) => visits + 1),
  )
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
    return answer.action
  })
  mcp.tool('stream', { description: 'Streams, and watches its signal' }, async (_, ctx) => {
    const { signal } = ctx
    ctx.log.info('begun')
    await new Promise((resolve) => setTimeout(resolve, 100))
    return signal.aborted ? 'aborted' : 'to its end'
  })
  return fetchEndpoint(mcp)
}

let lastId = 0
/** One 2025 request with these headers. */
const send = (
  endpoint: TestEndpoint,
  method: string,
  params: object | undefined,
  headers: Record<string, string> = {},
) => post(endpoint, { jsonrpc: '2.0', id: ++lastId, method, params }, headers)

const call = (endpoint: TestEndpoint, name: string, headers: Record<string, string> = {}) =>
  send(endpoint, 'tools/call', { name, arguments: {} }, headers)

const initialize = (endpoint: TestEndpoint, headers: Record<string, string> = {}) =>
  send(
    endpoint,
    'initialize',
    {
      protocolVersion: '2025-11-25',
      capabilities: ELICITATION,
      clientInfo: { name: 'agent', version: '1' },
    },
    headers,
  )

const textOf = async (reply: Awaited<ReturnType<typeof call>>) =>
  (await reply.result()).content[0].text

describe("with sessions: 'adopted'", () => {
  const session = { 'mcp-session-id': GIVEN, 'mcp-protocol-version': '2025-11-25' }

  it('initialize opens the session under the id that it came with, and tells that id', async () => {
    const endpoint = start({ sessions: 'adopted' })
    const reply = await initialize(endpoint, session)
    expect(reply.status).toBe(200)
    expect(reply.header('mcp-session-id')).toBe(GIVEN)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('2')
    const asking = await call(endpoint, 'ask', session)
    const question = await asking.find(({ method }) => method === 'elicitation/create')
    const result = { action: 'decline' }
    await post(endpoint, { jsonrpc: '2.0', id: question.id, result }, session)
    expect(await textOf(asking)).toBe('decline')
  })

  it('begins anew with each initialize, and forgets what was before', async () => {
    const endpoint = start({ sessions: 'adopted' })
    await initialize(endpoint, session)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    await initialize(endpoint, session)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    const kept = await store.contents()
    expect(
      kept.filter(({ key }) => key[1] === 'session' && key[0].startsWith('session/')),
    ).toHaveLength(1)
  })

  it('issues an id of its own to a client that comes without one', async () => {
    const endpoint = start({ sessions: 'adopted' })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect(client.sessionId).toMatch(/^[\w-]{24}$/)
    expect(await textOf(await client.call('visit'))).toBe('1')
    expect(await textOf(await client.call('visit'))).toBe('2')
  })

  it('begins a session with any request, and keeps it apart from others', async () => {
    const endpoint = start({ sessions: 'adopted' })
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    const other = { ...session, 'mcp-session-id': `${GIVEN}-other` }
    expect(await textOf(await call(endpoint, 'visit', other))).toBe('1')
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('2')
  })

  it('opens one session for requests that come at the same time', async () => {
    const memory = memoryStore()
    const engine: Store = {
      ...memory,
      // All requests have read that there is no session before the first of them opens one.
      async get(key) {
        const found = await memory.get(key)
        await new Promise((resolve) => setTimeout(resolve, 20))
        return found
      },
    }
    const shared = testStore({ engine })
    const endpoint = start({ sessions: 'adopted', store: shared })
    const calls = Array.from({ length: 10 }, () => call(endpoint, 'visit', session))
    const counts = await Promise.all(calls.map(async (one) => textOf(await one)))
    expect(counts.map(Number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const kept = await shared.contents()
    expect(
      kept.filter(({ key }) => key[1] === 'session').map(({ key }) => key[0].split('/')[0]),
    ).toEqual(expect.arrayContaining(['alias', 'session']))
    expect(kept.filter(({ key }) => key[1] === 'session')).toHaveLength(2)
  })

  it('goes on after the session has expired, without what it held', async () => {
    const clock = testClock()
    const endpoint = start({
      sessions: 'adopted',
      clock,
      sessionTtl: 60_000,
      sessionMaxAge: 60_000,
    })
    await initialize(endpoint, session)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    clock.advance(61_000)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    // What the client can do was told at the initialize that is forgotten.
    expect((await (await call(endpoint, 'ask', session)).result()).isError).toBe(true)
  })

  it('keeps the sessions of two principals with one id apart', async () => {
    const tokens = ['token-of-ada-0123456789', 'token-of-ben-0123456789']
    const subjects = tokens.map((token, i) => ({ token, subject: `${i}` }))
    const endpoint = start({ sessions: 'adopted', auth: bearer({ tokens: subjects }) })
    for (const visits of ['1', '2', '3']) {
      for (const token of tokens) {
        const headers = { ...session, authorization: `Bearer ${token}` }
        expect(await textOf(await call(endpoint, 'visit', headers))).toBe(visits)
      }
    }
  })

  it('takes any text for an id, and stores none of it', async () => {
    const endpoint = start({ sessions: 'adopted' })
    for (const id of ['a/b/c', 'x'.repeat(4_000), 'session/anyone/..', '=']) {
      const headers = { 'mcp-session-id': id }
      expect((await initialize(endpoint, headers)).header('mcp-session-id')).toBe(id)
      expect(await textOf(await call(endpoint, 'visit', headers))).toBe('1')
      expect(await textOf(await call(endpoint, 'visit', headers))).toBe('2')
    }
    const keys = (await store.contents()).map(({ key }) => key[0])
    for (const key of keys) expect(key).toMatch(/^(session|alias)\/anyone\/[\w-]+$/)
  })

  it('ends a session by DELETE, lists and listens within it', async () => {
    const endpoint = start({ sessions: 'adopted' })
    await initialize(endpoint, session)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
    const listening = await endpoint.fetch(endpoint.url, {
      headers: { accept: 'text/event-stream', ...session },
    })
    expect(listening.status).toBe(200)
    await listening.body?.cancel()
    const end = () => endpoint.fetch(endpoint.url, { method: 'DELETE', headers: session })
    expect((await end()).status).toBe(204)
    expect((await end()).status).toBe(404)
    expect(await textOf(await call(endpoint, 'visit', session))).toBe('1')
  })

  it('resumes a stream of the session', async () => {
    const endpoint = start({ sessions: 'adopted' })
    await initialize(endpoint, session)
    const reply = await call(endpoint, 'stream', session)
    await reply.next()
    const [priming] = reply.events
    await reply.leave()
    const resumed = await endpoint.fetch(endpoint.url, {
      headers: { accept: 'text/event-stream', 'last-event-id': `${priming?.id}`, ...session },
    })
    expect(await resumed.text()).toContain('to its end')
  })

  it('refuses a revision that it does not speak, and GET and DELETE without an id', async () => {
    const endpoint = start({ sessions: 'adopted' })
    const wrong = { ...session, 'mcp-protocol-version': '1999-01-01' }
    expect((await call(endpoint, 'greet', wrong)).status).toBe(400)
    const get = await endpoint.fetch(endpoint.url, { headers: { accept: 'text/event-stream' } })
    expect(get.status).toBe(400)
    expect((await endpoint.fetch(endpoint.url, { method: 'DELETE' })).status).toBe(400)
  })
})

describe.each(['adopted', 'none'] as const)(
  'a 2025 request without a session, with sessions: %j',
  (sessions) => {
    it('is answered, and nothing of it is stored', async () => {
      const endpoint = start({ sessions })
      expect(await textOf(await call(endpoint, 'greet'))).toBe('Hello!')
      const tools = (await (await send(endpoint, 'tools/list', {})).result()).tools
      expect(tools).toHaveLength(4)
      expect((await (await send(endpoint, 'ping', {})).result()) ?? {}).toEqual({})
      const notified = await post(endpoint, { jsonrpc: '2.0', method: 'notifications/initialized' })
      expect(notified.status).toBe(202)
      expect(store.operations.filter(({ operation }) => operation !== 'get')).toEqual([])
    })

    it('streams to its end, without ids to resume from', async () => {
      const endpoint = start({ sessions })
      const reply = await call(endpoint, 'stream', { 'mcp-protocol-version': '2025-11-25' })
      expect(reply.streams).toBe(true)
      expect(await textOf(reply)).toBe('to its end')
      await reply.rest()
      expect(reply.events.filter(({ id }) => id !== undefined)).toEqual([])
      expect(store.operations).toEqual([])
    })

    it('has neither values nor questions', async () => {
      const endpoint = start({ sessions })
      const visit = await (await call(endpoint, 'visit')).answer()
      expect(visit.error ?? visit.result).toMatchObject(
        visit.error ? { code: -32600 } : { isError: true },
      )
      expect(JSON.stringify(visit)).toMatch(/needs a session/)
      expect((await (await call(endpoint, 'ask')).result()).isError).toBe(true)
      expect(await store.contents()).toEqual([])
    })

    it('is read by the rules of its revision', async () => {
      const endpoint = start({ sessions })
      const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
      expect((await post(endpoint, batch)).status).toBe(200)
      const newer = { 'mcp-protocol-version': '2025-06-18' }
      expect((await post(endpoint, batch, newer)).status).toBe(400)
    })
  },
)

describe("with sessions: 'none'", () => {
  it('initialize gives no id and stores nothing, and a given id is ignored', async () => {
    const endpoint = start({ sessions: 'none' })
    const reply = await initialize(endpoint, { 'mcp-session-id': GIVEN })
    expect(reply.header('mcp-session-id')).toBeNull()
    const { capabilities } = await reply.result()
    expect(capabilities.tools).toEqual({})
    expect(await textOf(await call(endpoint, 'greet', { 'mcp-session-id': GIVEN }))).toBe('Hello!')
    expect(await store.contents()).toEqual([])
  })

  it('refuses GET and DELETE, and says what is allowed', async () => {
    const endpoint = start({ sessions: 'none' })
    for (const method of ['GET', 'DELETE']) {
      const headers = { accept: BOTH, 'mcp-session-id': GIVEN }
      const reply = await endpoint.fetch(endpoint.url, { method, headers })
      expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    }
  })

  it('serves 2026 clients as ever, who still listen and keep values by their handles', async () => {
    const endpoint = start({ sessions: 'none' })
    const client = new ModernClient(endpoint, { capabilities: ELICITATION })
    const { answer } = await client.converse('tools/call', { name: 'ask', arguments: {} }, () => ({
      action: 'accept',
      content: { sure: true },
    }))
    expect(answer.result.content[0].text).toBe('accept')
    const first = (await (await client.call('visit')).result()).content
    const handle = first.at(-1).text.replace('session: ', '')
    const second = await (await client.call('visit', { session: handle })).result()
    expect(second.content[0].text).toBe('2')
    const listening = await client.listen({ toolsListChanged: true })
    expect(listening.status).toBe(200)
    await listening.leave()
  })

  it('satisfies the official clients', async () => {
    start({ sessions: 'none' })
    for (const client of [
      await connectV1(mcp),
      await connect(mcp, { era: 'legacy' }),
      await connect(mcp, { era: 'auto' }),
    ]) {
      const { content } = await client.callTool({ name: 'greet', arguments: {} })
      expect(content).toEqual([{ type: 'text', text: 'Hello!' }])
      await client.close()
    }
  })
})

describe("with sessions: 'issued', the default", () => {
  it('an id of a platform is not found, and no id is an error', async () => {
    const endpoint = start({})
    expect((await call(endpoint, 'greet', { 'mcp-session-id': GIVEN })).status).toBe(404)
    expect((await call(endpoint, 'greet')).status).toBe(400)
    const reply = await initialize(endpoint, { 'mcp-session-id': GIVEN })
    expect(reply.header('mcp-session-id')).not.toBe(GIVEN)
  })
})
