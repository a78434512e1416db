/** Limits of tools: budgets that all instances share, and what a call above them gets. */
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import { bufferedLambda } from '../../adapters/lambda.ts'
import { serve } from '../../adapters/node.ts'
import { connect, testClock, testStore } from '../../adapters/testing.ts'
import type { Limit, Mcp, McpOptions, Store } from '../../src/index.ts'
import {
  bearer,
  createMcp,
  memoryStore,
  StoreConflict,
  StoreUnavailable,
  text,
} from '../../src/index.ts'
import { startDynalite } from '../support/dynalite.ts'
import { openServer } from '../support/open-server.ts'
import { racingStore } from '../support/racing-store.ts'
import { manualServer, sharedStore } from '../support/tasks.ts'
import type { ClientOptions, Reply, TestEndpoint, WireClient } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const SURE = v.object({ sure: v.boolean() })
const yes = () => ({ action: 'accept', content: { sure: true } })
const META = 'streamable-mcp/limits'

/** 2026-11-28T12:00:00Z, so that no test passes midnight by chance. */
const NOON = Date.UTC(2026, 10, 28, 12)
const HOUR = 3_600_000

function serverWith(options: Partial<McpOptions> = {}) {
  const clock = testClock(NOON)
  const { mcp, endpoint } = openServer({ clock, ...options })
  let ran = 0
  const run = () => `run ${++ran}`
  mcp.tool('work', { description: 'Works', input: v.object({ a: v.optional(v.number()) }) }, run)
  mcp.tool('other', { description: 'Works' }, run)
  mcp.tool('free', { description: 'Works without limits', limits: false }, run)
  return { mcp, endpoint, clock, ran: () => ran }
}

const ERAS = ['2025-11-25', '2026-07-28'] as const
const open = async (
  endpoint: TestEndpoint,
  era: (typeof ERAS)[number],
  options?: ClientOptions,
): Promise<WireClient> =>
  era === '2026-07-28'
    ? new ModernClient(endpoint, options)
    : LegacyClient.open(endpoint, era, options)

const leftOf = async (reply: Reply) => (await reply.result())._meta[META]

describe.each(ERAS)('a call of a client of %s above a limit', (era) => {
  it('gets 429 with Retry-After and a JSON-RPC error, and its tool does not run', async () => {
    const { endpoint, clock, ran } = serverWith({
      limits: { perCaller: { perMinute: 20, burst: 2 } },
    })
    const client = await open(endpoint, era)
    expect(await leftOf(await client.call('work'))).toEqual({ perCaller: { remaining: 1 } })
    expect(await leftOf(await client.call('other'))).toEqual({ perCaller: { remaining: 0 } })
    const refused = await client.call('work', {}, { id: 7 })
    expect(refused.status).toBe(429)
    expect(refused.header('retry-after')).toBe('3')
    expect(refused.header('content-type')).toBe('application/json')
    expect(await refused.answer()).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: 429,
        message: 'Too many calls at the moment: try again in 3 seconds',
        data: { retryAfter: 3, limit: 'perCaller' },
      },
    })
    expect(ran()).toBe(2)
    clock.advance(2_999)
    const early = await client.call('work')
    expect([early.status, early.header('retry-after')]).toEqual([429, '1'])
    clock.advance(1)
    expect((await client.call('work')).status).toBe(200)
    expect((await client.call('free')).status).toBe(200)
    clock.advance(HOUR)
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await client.call('work')).status)
    expect(statuses).toEqual([200, 200, 429])
  })

  it('tells of a day that is used up, until midnight UTC', async () => {
    const { endpoint, clock } = serverWith({ limits: { perTool: { perDay: 1 } } })
    const client = await open(endpoint, era)
    expect(await leftOf(await client.call('work'))).toEqual({ perTool: { remaining: 0 } })
    const refused = await client.call('work')
    expect(refused.header('retry-after')).toBe(String((12 * HOUR) / 1000))
    expect((await refused.answer()).error?.message).toContain('of this tool')
    expect((await client.call('other')).status).toBe(200)
    clock.advance(12 * HOUR)
    expect((await client.call('work')).status).toBe(200)
  })

  it('is not counted before authorization and validation', async () => {
    const { mcp, endpoint } = serverWith({
      limits: { perCaller: { perDay: 1 } },
      auth: bearer({ tokens: [{ token: 'a-token-of-some-length', subject: 'ann', scopes: [] }] }),
    })
    mcp.tool('safe', { description: 'Needs a scope', scopes: ['write'], stepUp: true }, () => 1)
    const headers = { authorization: 'Bearer a-token-of-some-length' }
    const client = await open(endpoint, era, { headers })
    expect((await client.call('safe')).status).toBe(403)
    expect((await (await client.call('work', { a: 'x' })).result()).isError).toBe(true)
    expect((await (await client.call('unknown')).answer()).error?.code).toBe(-32602)
    expect((await client.call('work')).status).toBe(200)
    expect((await client.call('work')).status).toBe(429)
  })

  it('counts once for all rounds of a call that asks', async () => {
    const { mcp, endpoint } = serverWith({ limits: { perCaller: { perDay: 2 } } })
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      await ctx.elicit('First?', SURE)
      return (await ctx.elicit('Second?', SURE)).action
    })
    const client = await open(endpoint, era, { capabilities: { elicitation: {} } })
    for (let n = 0; n < 2; n++) {
      const { answer } = await client.converse('tools/call', { name: 'ask', arguments: {} }, yes)
      expect(answer.result.content[0].text).toBe('accept')
    }
    expect((await client.call('ask')).status).toBe(429)
  })

  it('cannot pass for a later round', async () => {
    const { endpoint, ran } = serverWith({ limits: { perCaller: { perDay: 1 } } })
    const client = await open(endpoint, era)
    await client.call('work')
    const params = { name: 'work', arguments: {} }
    const states = [{}, { requestState: 'x' }, { requestState: null }, { requestState: 1 }]
    for (const more of states.flatMap((state) => [state, { ...state, inputResponses: {} }])) {
      const reply = await client.request('tools/call', { ...params, ...more })
      expect((await reply.answer()).error).toBeDefined()
    }
    expect(ran()).toBe(1)
  })

  it('is refused to a client that takes only a stream', async () => {
    const { endpoint } = serverWith({ limits: { perTool: { perDay: 1 } } })
    const client = await open(endpoint, era, { accept: 'text/event-stream' })
    expect((await client.call('work')).status).toBe(200)
    expect((await client.call('work')).status).toBe(429)
  })

  it('gets 503 when the store is away, and its tool does not run', async () => {
    const store = racingStore()
    const { endpoint, ran } = serverWith({ store, limits: { perCaller: { perMinute: 5 } } })
    const client = await open(endpoint, era)
    for (const operation of ['get', 'put'] as const) {
      store.before(operation, 'all', () => {
        throw new StoreUnavailable('away')
      })
      const reply = await client.call('work')
      expect([reply.status, reply.header('retry-after')]).toEqual([503, '1'])
    }
    expect(ran()).toBe(0)
    expect(await leftOf(await client.call('work'))).toEqual({ perCaller: { remaining: 4 } })
  })
})

describe('the limits of a server and of a tool', () => {
  it('apply together: the tightest one is told, and that of the tool replaces the general one of tools', async () => {
    const { mcp, endpoint } = serverWith({
      limits: { perCaller: { perDay: 5 }, perTool: { perDay: 1 } },
    })
    const limits = { perCaller: { perDay: 2 }, perTool: { perDay: 10 } }
    mcp.tool('report', { description: 'Reports', limits }, () => 'report')
    const client = new ModernClient(endpoint)
    expect(await leftOf(await client.call('report'))).toEqual({
      perCaller: { remaining: 1 },
      perTool: { remaining: 9 },
    })
    await client.call('report')
    expect((await client.call('report')).status).toBe(429)
    expect(await leftOf(await client.call('work'))).toEqual({
      perCaller: { remaining: 2 },
      perTool: { remaining: 0 },
    })
    expect((await (await client.call('free')).result())._meta).not.toHaveProperty(META)
  })

  it('count each caller apart, and all callers of a tool together', async () => {
    const tokens = ['ann', 'bob'].map((subject) => ({
      token: `the-long-token-of-${subject}`,
      subject,
    }))
    const { endpoint } = serverWith({
      auth: bearer({ tokens }),
      limits: { perCaller: { perDay: 2 }, perTool: { perDay: 3 } },
    })
    const [ann, bob] = tokens.map(
      ({ token }) => new ModernClient(endpoint, { headers: { authorization: `Bearer ${token}` } }),
    ) as [ModernClient, ModernClient]
    const statuses = []
    for (const client of [ann, ann, ann, bob, bob]) {
      statuses.push((await client.call('work')).status)
    }
    expect(statuses).toEqual([200, 200, 429, 200, 429])
    expect((await (await ann.call('other')).answer()).error?.data.limit).toBe('perCaller')
    expect((await (await bob.call('work')).answer()).error?.data.limit).toBe('perTool')
  })

  it.each([
    [{ perCaler: { perDay: 1 } }, 'unknown option "perCaler"'],
    [{ perCaller: { perHour: 1 } }, 'unknown option "perHour"'],
    [{ perCaller: {} }, 'perMinute or perDay'],
    [{ perCaller: { burst: 5 } }, 'perMinute or perDay'],
    [{ perTool: { perMinute: 0 } }, 'perMinute or perDay'],
    [{ perTool: { perDay: -1 } }, 'above 0'],
    [{ perTool: { perMinute: 5, burst: Number.NaN } }, 'above 0'],
  ])('%j are refused at registration', (limits, why) => {
    expect(() => createMcp({ name: 'a', version: '1', limits: limits as object })).toThrow(why)
    const mcp = createMcp({ name: 'a', version: '1' })
    const options = { description: 'Works', limits: limits as object }
    expect(() => mcp.tool('work', options, () => 1)).toThrow(`limits of work`)
  })
})

describe('a batch of 2025-03-26', () => {
  it('has the error in the place of each call that is refused', async () => {
    const { endpoint } = serverWith({ limits: { perCaller: { perDay: 2 } } })
    const client = await LegacyClient.open(endpoint, '2025-03-26')
    const calls = [1, 2, 3].map((id) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'work', arguments: {} },
    }))
    const reply = await client.send(calls)
    const answers = await reply.rest()
    expect(reply.status).toBe(200)
    expect(answers.map(({ result, error }) => error?.code ?? result.content[0].text)).toEqual([
      'run 1',
      'run 2',
      429,
    ])
  })
})

describe('a suspended call of 2025-11-25', () => {
  it('is not counted again when it goes on', async () => {
    const { mcp, endpoint } = serverWith({
      suspendAfter: 20,
      clock: Date.now,
      limits: { perCaller: { perDay: 2 } },
    })
    mcp.tool(
      'ask',
      { description: 'Asks' },
      async (_, ctx) => (await ctx.elicit('Sure?', SURE)).action,
    )
    const client = await LegacyClient.open(endpoint, '2025-11-25', {
      capabilities: { elicitation: {} },
    })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    await reply.rest()
    await client.respond(question.id, { result: yes() })
    const id = reply.events.findLast((event) => event.id !== undefined)?.id ?? ''
    expect((await (await client.get(id)).result()).content[0].text).toBe('accept')
    expect(await leftOf(await client.call('work'))).toEqual({ perCaller: { remaining: 0 } })
  })
})

describe('a durable call', () => {
  it('is counted when its task is created, and a refused call makes no task', async () => {
    const store = testStore()
    const { client, turn } = manualServer(
      (mcp) => {
        mcp.tool('work', { description: 'Works', task: {} }, async (_, ctx) => {
          await ctx.elicit('Sure?', SURE, { key: 'sure' })
          return 'done'
        })
      },
      { store, limits: { perTool: { perDay: 1 } } },
    )
    const id = await client.create('work')
    expect(await turn(id)).toBe('asks')
    await client.answer(id, { sure: yes() })
    expect(await turn(id)).toBe('done')
    expect((await client.get(id)).result.content[0].text).toBe('done')
    store.operations.length = 0
    expect((await client.call('work')).status).toBe(429)
    expect(store.operations).toEqual([])
  })
})

describe('the store', () => {
  const limits = { perCaller: { perMinute: 2 }, perTool: { perDay: 100 } }

  it('is asked once for each budget and call: two reads with the first call, then one write', async () => {
    const store = testStore({ clock: () => NOON })
    const { endpoint } = serverWith({ store, limits })
    const client = new ModernClient(endpoint)
    const counted = async (name: string) => {
      store.operations.length = 0
      await client.call(name)
      return store.operations.map(({ operation }) => operation)
    }
    expect(await counted('free')).toEqual([])
    expect(await counted('work')).toEqual(['get', 'put', 'get', 'put'])
    expect(await counted('work')).toEqual(['put', 'put'])
    // What is known to be used up is refused without the store.
    expect(await counted('work')).toEqual([])
  })

  it('is asked for nothing by a server without limits', async () => {
    const store = testStore()
    const { endpoint } = serverWith({ store })
    await new ModernClient(endpoint).call('work')
    expect(store.operations).toEqual([])
  })

  it('forgets a budget that is whole again', async () => {
    const clock = testClock(NOON)
    const store = testStore({ clock })
    const { endpoint } = serverWith({ clock, store, limits })
    const client = new ModernClient(endpoint)
    await client.call('work')
    expect(await store.contents()).toHaveLength(2)
    clock.advance(14 * HOUR)
    expect(await store.contents()).toEqual([])
    expect(await leftOf(await client.call('work'))).toEqual({
      perCaller: { remaining: 1 },
      perTool: { remaining: 99 },
    })
  })

  it('that was written by another instance in between is read again, and nothing is lost', async () => {
    const store = racingStore()
    const limits = { perTool: { perDay: 3 } }
    const one = serverWith({ store, limits })
    const two = serverWith({ store: store.engine, limits })
    const [first, second] = [one, two].map(({ endpoint }) => new ModernClient(endpoint)) as [
      ModernClient,
      ModernClient,
    ]
    await first.call('work')
    store.before('put', 'all', () => second.call('work'))
    expect(await leftOf(await first.call('work'))).toEqual({ perTool: { remaining: 0 } })
    expect((await second.call('work')).status).toBe(429)
  })

  it('whose record changes without end makes a call fail, and not wait for ever', async () => {
    // No pause between the tries.
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const engine = memoryStore()
    const store: Store = {
      ...engine,
      async put(key, value, options) {
        if (key[0].startsWith('tool-limit')) throw new StoreConflict()
        return engine.put(key, value, options)
      },
    }
    const { endpoint, ran } = serverWith({ store, limits: { perTool: { perDay: 3 } } })
    expect((await new ModernClient(endpoint).call('work')).status).toBe(503)
    vi.restoreAllMocks()
    expect(ran()).toBe(0)
  })

  describe('that instances share whose clocks differ', () => {
    const atBoth = (perTool: Limit) => {
      const store = memoryStore({ clock: () => NOON })
      return [NOON, NOON + 13 * HOUR].map((now) => {
        const { endpoint } = serverWith({ clock: testClock(now), store, limits: { perTool } })
        const client = new ModernClient(endpoint)
        return async () => (await client.call('work')).status
      }) as [behind: () => Promise<number>, ahead: () => Promise<number>]
    }

    it('counts no time twice', async () => {
      const [behind, ahead] = atBoth({ perMinute: 60, burst: 3 })
      const statuses = [await ahead(), await behind(), await ahead(), await ahead(), await behind()]
      expect(statuses).toEqual([200, 200, 200, 429, 429])
    })

    it('brings no day back', async () => {
      const [behind, ahead] = atBoth({ perDay: 2 })
      expect([await ahead(), await ahead(), await behind()]).toEqual([200, 200, 429])
    })
  })
})

interface Instances {
  readonly stores: readonly Store[]
  readonly operations: () => number
}

async function onMemory(): Promise<Instances & AsyncDisposable> {
  const store = testStore({ engine: sharedStore() })
  return {
    stores: [store, store, store, store],
    operations: () => store.operations.length,
    [Symbol.asyncDispose]: async () => {},
  }
}

async function onDynamo(): Promise<Instances & AsyncDisposable> {
  const dynalite = await startDynalite()
  const stores = [1, 2, 3, 4].map(() =>
    testStore({ engine: dynamoStore({ table: dynalite.table, client: dynalite.client() }) }),
  )
  return {
    stores,
    operations: () => stores.reduce((sum, { operations }) => sum + operations.length, 0),
    [Symbol.asyncDispose]: () => dynalite.close(),
  }
}

describe.each([
  ['a shared memory store', onMemory],
  ['DynamoDB', onDynamo],
])('400 calls at once over 4 instances on %s', (_, start) => {
  it.each([
    ['perDay: 100', { perDay: 100 }],
    ['perMinute: 0.001, burst: 100', { perMinute: 0.001, burst: 100 }],
  ])(
    'at a limit of %s run exactly 100 times',
    async (_limit, perTool) => {
      await using instances = await start()
      const servers = instances.stores.map((store) =>
        serverWith({ store, clock: Date.now, limits: { perTool } }),
      )
      const replies = await Promise.all(
        Array.from({ length: 400 }, (_, i) =>
          new ModernClient(servers[i % 4]?.endpoint as TestEndpoint).call('work'),
        ),
      )
      const granted = replies.filter(({ status }) => status === 200)
      expect(granted).toHaveLength(100)
      expect(replies.filter(({ status }) => status === 429)).toHaveLength(300)
      expect(servers.reduce((sum, { ran }) => sum + ran(), 0)).toBe(100)
      // Calls that wait share a write, so that an instance has one under way at a time.
      expect(instances.operations()).toBeLessThan(100)
      const told = await Promise.all(granted.map((reply) => leftOf(reply)))
      expect(new Set(told.map(({ perTool: { remaining } }) => remaining)).size).toBe(100)
    },
    30_000,
  )
})

/** The server through an adapter, as an endpoint. */
const ADAPTERS = {
  async Node(mcp: Mcp): Promise<TestEndpoint> {
    const { port, close } = await serve(mcp, { port: 0, grace: 0, signals: false })
    return { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
  },
  async Lambda(mcp: Mcp): Promise<TestEndpoint> {
    const handle = bufferedLambda(mcp)
    const call = async (_: unknown, { method = 'GET', headers, body = '' }: RequestInit = {}) => {
      const event = {
        ...{ httpMethod: method, path: '/mcp', resource: '/mcp', isBase64Encoded: false },
        headers: Object.fromEntries(new Headers(headers)),
        body: String(body),
        requestContext: { domainName: 'localhost', path: '/mcp', stage: 'prod' },
      }
      const answer = await handle(event, {
        awsRequestId: '1',
        getRemainingTimeInMillis: () => 9_000,
      })
      return new Response(answer?.body || null, {
        status: answer?.statusCode ?? 500,
        headers: answer?.headers as Record<string, string>,
      })
    }
    return { url: 'https://localhost/mcp', fetch: call as typeof fetch, close: async () => {} }
  },
}

describe.each(Object.entries(ADAPTERS))('through the adapter for %s', (_, adapt) => {
  it.each(ERAS)('middleware and limits work for a client of %s', async (era) => {
    // The adapter for Lambda takes only a store that other processes see.
    const { mcp } = serverWith({ store: sharedStore(), limits: { perCaller: { perDay: 1 } } })
    mcp.use('tool', async (_call, next) => ({ ...(await next()), content: [text('changed')] }))
    const endpoint = await adapt(mcp)
    const client = await open(endpoint, era)
    const result = await (await client.call('work')).result()
    expect(result).toMatchObject({ content: [text('changed')], _meta: { [META]: {} } })
    const refused = await client.call('work')
    expect([refused.status, refused.header('retry-after')]).toEqual([429, `${(12 * HOUR) / 1000}`])
    expect((await refused.answer()).error?.code).toBe(429)
    await endpoint.close()
  })
})

describe('the official clients', () => {
  it.each(['modern', 'legacy'] as const)('of the %s era get the error', async (era) => {
    const { mcp }: { mcp: Mcp } = serverWith({ limits: { perTool: { perDay: 1 } } })
    const client = await connect(mcp, { era })
    const call = () => client.callTool({ name: 'work', arguments: {} })
    expect((await call())._meta?.[META]).toEqual({ perTool: { remaining: 0 } })
    await expect(call()).rejects.toThrow(/Too many calls of this tool/)
    await client.close()
  })
})
