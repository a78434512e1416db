/** `streamable-mcp/testing`: the official clients over `mcp.fetch`, the clock, and the store that shows what it holds. */
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { connect as connectV1 } from '../../adapters/testing/v1.ts'
import type { ConnectOptions, Fetches } from '../../adapters/testing.ts'
import { connect, testClock, testStore } from '../../adapters/testing.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { bearer, createMcp, gateway } from '../../src/index.ts'
import { eventually } from '../support/wire.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()))
})

function createServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: 'tested', version: '1.0.0', log: () => {}, ...options })
  mcp.tool(
    'greet',
    { description: 'Greets', input: v.object({ name: v.string() }) },
    ({ name }) => `Hello, ${name}!`,
  )
  mcp.tool(
    'who',
    { description: 'Says who calls' },
    (_, { principal }) => principal?.subject ?? '?',
  )
  mcp.tool('introduce', { description: 'Asks for a name' }, async (_, ctx) => {
    const answer = await ctx.elicit('Who are you?', v.object({ name: v.string() }))
    return answer.action === 'accept' ? `You are ${answer.content.name}` : answer.action
  })
  mcp.tool('rhyme', { description: 'Asks the model' }, async (_, ctx) => {
    const messages = [{ role: 'user' as const, content: { type: 'text', text: 'A rhyme' } }]
    const { content, model } = await ctx.sample({ messages, maxTokens: 10 })
    return `${model}: ${content.text}`
  })
  mcp.tool('places', { description: 'Asks for folders' }, async (_, ctx) => {
    return (await ctx.roots()).map(({ uri }) => uri).join(' ')
  })
  mcp.tool('count', { description: 'Counts', session: true }, (_, ctx) =>
    ctx.session.update<number>('count', (count = 0) => count + 1),
  )
  return mcp
}

interface Connecting {
  era: ConnectOptions['era'] & string
  sdk?: 'v1'
}
/** Both generations of the SDK have these methods, and both call them in the same way. */
async function connected(mcp: Fetches, { sdk, ...options }: ConnectOptions & Connecting) {
  const client = sdk ? await connectV1(mcp, options) : await connect(mcp, options)
  open.push(client)
  const text = async (name: string, args: Record<string, unknown> = {}) => {
    const { content } = await client.callTool({ name, arguments: args })
    return (content as { text: string }[])[0]?.text
  }
  return { client, text }
}

describe.each<[string, Connecting]>([
  ['v1', { era: 'legacy', sdk: 'v1' }],
  ['v2 in the legacy era', { era: 'legacy' }],
  ['v2 in the modern era', { era: 'modern' }],
  ['v2 that finds out the era', { era: 'auto' }],
])('the official client %s', (_, how) => {
  it('lists and calls the tools of a server without a socket', async () => {
    const { client, text } = await connected(createServer(), how)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('greet')
    expect(await text('greet', { name: 'Ada' })).toBe('Hello, Ada!')
    expect(client.getServerVersion()).toMatchObject({ name: 'tested' })
  })

  it('answers questions with the handlers of the test', async () => {
    const asked: string[] = []
    const { text } = await connected(createServer(), {
      ...how,
      elicit: ({ message, requestedSchema }) => {
        asked.push(message, JSON.stringify(requestedSchema))
        return { action: 'accept', content: { name: 'Ada' } }
      },
      sample: ({ maxTokens }) => `${maxTokens} tokens`,
      roots: () => ['file:///work'],
    })
    expect(await text('introduce')).toBe('You are Ada')
    expect(asked[0]).toBe('Who are you?')
    expect(asked[1]).toContain('"name"')
    expect(await text('rhyme')).toBe('test-model: 10 tokens')
    expect(await text('places')).toBe('file:///work')
  })

  it('gives a refusal and a whole result of a model to the tool', async () => {
    const { text } = await connected(createServer(), {
      ...how,
      elicit: () => ({ action: 'decline' }),
      sample: () => ({
        role: 'assistant',
        content: { type: 'text', text: 'Moon, June' },
        model: 'other',
      }),
    })
    expect(await text('introduce')).toBe('decline')
    expect(await text('rhyme')).toBe('other: Moon, June')
  })

  it('declares only what the test has handlers for', async () => {
    const { client } = await connected(createServer(), how)
    const asking = client.callTool({ name: 'introduce' })
    const outcome = await asking.catch((error: Error) => ({ isError: true, error }))
    expect(outcome.isError).toBe(true)
  })

  it('sends the headers of the test, and passes on what the host knows', async () => {
    const token = 'a-token-for-tests'
    const secured = createServer({ auth: bearer({ tokens: [{ token, subject: 'ada' }] }) })
    const authorized = { ...how, headers: { authorization: `Bearer ${token}` } }
    expect(await (await connected(secured, authorized)).text('who')).toBe('ada')
    await expect(connected(secured, how)).rejects.toThrow()

    const behind = createServer({ auth: gateway() })
    const authorizer = { principalId: 'ben', subject: 'ben', scope: '' }
    expect(await (await connected(behind, { ...how, platform: { authorizer } })).text('who')).toBe(
      'ben',
    )
  })
})

describe('connect', () => {
  it('takes any app that answers web requests, and any URL', async () => {
    const mcp = createServer({ path: '/api/mcp', allowedHosts: ['shop.example.com'] })
    const urls: string[] = []
    const app = {
      fetch: (request: Request) => {
        urls.push(request.url)
        return mcp.fetch(request)
      },
    }
    const url = 'http://shop.example.com/api/mcp'
    const client = await connect(app, { url, clientInfo: { name: 'mine', version: '2' } })
    open.push(client)
    expect((await client.listTools()).tools).toHaveLength(6)
    expect(new Set(urls)).toEqual(new Set([url]))
  })

  it.each<Connecting>([{ era: 'legacy', sdk: 'v1' }, { era: 'legacy' }])(
    'gives the server back the stream of a client that closes: %o',
    async (how) => {
      const mcp = createServer()
      const streams = { opened: 0, cancelled: 0 }
      const app = {
        fetch(request: Request) {
          if (request.method !== 'GET') return mcp.fetch(request)
          streams.opened += 1
          const body = new ReadableStream({
            cancel() {
              streams.cancelled += 1
            },
          })
          return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
        },
      }
      const { client } = await connected(app, how)
      await eventually(async () => expect(streams.opened).toBe(1))
      await client.close()
      await eventually(async () => expect(streams.cancelled).toBe(1))
    },
  )

  it('lets a call be cancelled', async () => {
    const mcp = createServer()
    let aborted = false
    mcp.tool('wait', { description: 'Waits for its end' }, async (_, { signal, log }) => {
      log.info('waiting')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      aborted = true
      return 'over'
    })
    for (const era of ['legacy', 'modern'] as const) {
      aborted = false
      const client = await connect(mcp, { era })
      open.push(client)
      const signal = AbortSignal.timeout(50)
      await expect(client.callTool({ name: 'wait' }, { signal })).rejects.toThrow()
      await eventually(async () => expect(aborted).toBe(true))
    }
  })
})

describe('testClock', () => {
  it('stands still until it is turned', () => {
    const clock = testClock(new Date('2026-07-28T12:00:00Z'))
    expect(clock()).toBe(Date.parse('2026-07-28T12:00:00Z'))
    clock.advance(1_500)
    expect(clock()).toBe(Date.parse('2026-07-28T12:00:01.500Z'))
    expect(Math.abs(testClock()() - Date.now())).toBeLessThan(5_000)
  })

  it('lets a session expire without waiting', async () => {
    const clock = testClock()
    const { text } = await connected(createServer({ clock, sessionTtl: 60_000 }), { era: 'legacy' })
    expect(await text('count')).toBe('1')
    clock.advance(59_000)
    expect(await text('count')).toBe('2')
    clock.advance(61_000)
    await expect(text('count')).rejects.toThrow(/session/)
  })
})

describe('testStore', () => {
  it('shows what is kept, until it expires', async () => {
    const clock = testClock()
    const store = testStore({ clock })
    const mcp = createServer({ clock, store, sessionTtl: 60_000, sessionMaxAge: 60_000 })
    expect(await store.contents()).toEqual([])
    const { text } = await connected(mcp, { era: 'legacy' })
    await text('count')
    await text('count')
    const records = await store.contents()
    expect(records).toContainEqual(
      expect.objectContaining({ value: 2, expiresAt: clock() + 60_000 }),
    )
    clock.advance(60_000)
    expect(await store.contents()).toEqual([])
  })

  it('shows the entries of logs', async () => {
    const store = testStore()
    await store.append(['a', 'log'], 0, ['one', 'two'], { expiresAt: Date.now() + 1_000 })
    expect(await store.contents()).toEqual([
      {
        key: ['a', 'log'],
        entries: [
          { seq: 1, value: 'one' },
          { seq: 2, value: 'two' },
        ],
      },
    ])
    expect(await store.read(['a', 'log'], 1)).toEqual([{ seq: 2, value: 'two' }])
  })

  it('writes down each operation, in front of any engine', async () => {
    const engine = testStore()
    const store = testStore({ engine })
    expect(store.processLocal).toBe(true)
    const expiresAt = Date.now() + 1_000
    await store.put(['p', 'record'], 1, { expiresAt })
    await store.get(['p', 'record'])
    await store.append(['p', 'log'], 0, [1], { expiresAt })
    await store.read(['p', 'log'], 0)
    await store.wait?.([{ key: ['p', 'log'], after: 0 }], AbortSignal.timeout(1_000))
    expect(await store.delete(['p', 'record'])).toBe(true)
    const seen = store.operations.map(({ operation, key }) => `${operation} ${key[1]}`)
    expect(seen).toEqual(['put record', 'get record', 'append log', 'read log', 'delete record'])
    expect(engine.operations).toEqual(store.operations)
    const shared = { ...engine, processLocal: false, wait: undefined } as never
    expect(testStore({ engine: shared })).not.toHaveProperty('processLocal')
    expect(testStore({ engine: shared })).not.toHaveProperty('wait')
  })

  it('proves that a call of 2026 costs no operation', async () => {
    const store = testStore()
    const { text } = await connected(createServer({ store }), { era: 'modern' })
    await text('greet', { name: 'Ada' })
    expect(store.operations).toEqual([])
  })
})
