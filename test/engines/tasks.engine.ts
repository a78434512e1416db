/** Durable calls on every engine: turns on several processes, takeover, the fence, and the time that all is kept. */
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { McpOptions, Store, ToolHandler } from '../../src/index.ts'
import { createMcp, inProcess, memoryStore } from '../../src/index.ts'
import { startDynalite } from '../support/dynalite.ts'
import { NETWORK_ENGINES } from '../support/engines.ts'
import { byHand, mortalStore, partitionOf, sharedStore, TaskClient } from '../support/tasks.ts'

const DAY = 86_400_000
const TTL = 60_000
const LEASE = 200
const FORM = v.object({ sure: v.boolean() })
const YES = { action: 'accept', content: { sure: true } }

interface Opened extends AsyncDisposable {
  /** Another connection to the same data. */
  open(clock?: () => number): Store
}

const ENGINES: readonly { name: string; start(): Promise<Opened> }[] = [
  {
    name: 'memory',
    async start() {
      let now = Date.now
      const store = sharedStore(memoryStore({ clock: () => now() }))
      return {
        open(clock) {
          now = clock ?? now
          return store
        },
        async [Symbol.asyncDispose]() {},
      }
    },
  },
  {
    name: 'dynalite',
    async start() {
      const server = await startDynalite()
      const { table } = server
      return {
        open: (clock) => dynamoStore({ table, ...server.direct(), ...(clock && { clock }) }),
        [Symbol.asyncDispose]: () => server.close(),
      }
    },
  },
  ...NETWORK_ENGINES.map(({ name, start, open }) => ({
    name,
    async start() {
      const server = await start()
      const opened: { close(): Promise<void> }[] = []
      return {
        open(clock?: () => number) {
          const store = open(server.port, clock && { clock })
          opened.push(store)
          return store
        },
        async [Symbol.asyncDispose]() {
          await Promise.all(opened.map((store) => store.close()))
          await server[Symbol.asyncDispose]()
        },
      }
    },
  })),
]

describe.each(ENGINES)('durable calls on $name', ({ start }) => {
  let engine: Opened
  let effects: string[] = []
  const ends: (() => Promise<void>)[] = []

  beforeAll(async () => {
    engine = await start()
  }, 60_000)
  afterEach(async () => {
    effects = []
    await Promise.all(ends.splice(0).map((end) => end()))
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  /** A process of a server with one durable tool. */
  function process(store: Store, handler: ToolHandler<undefined>, options?: Partial<McpOptions>) {
    const runner = inProcess({ lease: LEASE })
    const mcp = createMcp({ name: 'tasks', version: '1', store, runner, ...options })
    mcp.tool('work', { description: 'Works', task: { ttl: TTL } }, handler)
    ends.push(() => mcp.close({ grace: 0 }))
    return { mcp, client: new TaskClient(mcp) }
  }

  const work: ToolHandler<undefined> = async (_, ctx) => {
    await ctx.step('first', () => void effects.push('first'))
    const answer = await ctx.elicit('Sure?', FORM, { key: 'sure' })
    await ctx.sleep('short', 20)
    await ctx.step('last', () => void effects.push('last'), { once: true })
    return answer.action
  }

  it('go on with an answer that reaches another process, and have each effect once', async () => {
    const [one, two] = [process(engine.open(), work), process(engine.open(), work)]
    const id = await one.client.create('work')
    await expect.poll(async () => (await two.client.get(id)).status).toBe('input_required')
    await two.client.answer(id, { sure: YES })
    await expect.poll(async () => (await one.client.get(id)).status).toBe('completed')
    expect((await two.client.get(id)).result.content).toEqual([{ type: 'text', text: 'accept' }])
    expect(effects).toEqual(['first', 'last'])
  })

  it('are taken over when their process dies within a step', async () => {
    const dying = mortalStore(engine.open())
    const handler: ToolHandler<undefined> = async (_, ctx) => {
      await ctx.step('first', () => void effects.push('first'))
      await ctx.step('last', () => {
        if (!dying.dead) {
          dying.die()
          return new Promise(() => {})
        }
        effects.push('last')
      })
      return 'done'
    }
    const { client } = process(dying.store, handler)
    const id = await client.create('work')
    await expect.poll(() => dying.dead).toBe(true)
    const other = process(engine.open(), handler)
    await other.mcp.tasks.resume()
    await expect.poll(async () => (await other.client.get(id)).status).toBe('completed')
    expect(effects).toEqual(['first', 'last'])
  })

  it('write nothing for a runner that another one has overtaken', async () => {
    let finish = () => {}
    const handler: ToolHandler<undefined> = async (_, ctx) => {
      const who = await ctx.step('slow', () =>
        effects.push('slow') > 1
          ? 'second'
          : new Promise<string>((resolve) => (finish = () => resolve('first'))),
      )
      return who
    }
    const [one, two] = [
      process(engine.open(), handler, { runner: byHand }),
      process(engine.open(), handler, { runner: byHand }),
    ]
    const id = await one.client.create('work')
    const ref = { owner: 'anyone', id }
    const slow = one.mcp.tasks.turn(ref, { runner: 'a' })
    await expect.poll(() => effects).toHaveLength(1)
    expect(await two.mcp.tasks.turn(ref, { runner: 'b' })).toBe('done')
    const written = await engine.open().read([partitionOf(ref), 'journal'], 0)
    finish()
    // A store that wakes its waiters tells the first one of the end before its own append can fail.
    expect(['lost', 'done']).toContain(await slow)
    expect(await engine.open().read([partitionOf(ref), 'journal'], 0)).toEqual(written)
    expect((await one.client.get(id)).result.content).toEqual([{ type: 'text', text: 'second' }])
  })

  it('are kept for a day after their time, and then nothing of them is left', async () => {
    let ahead = 0
    const clock = () => Date.now() + ahead
    const store = engine.open(clock)
    const { client } = process(store, work, { clock })
    const id = await client.create('work')
    await expect.poll(async () => (await client.get(id)).status).toBe('input_required')
    const partition = partitionOf({ owner: 'anyone', id })
    expect(await store.get([partition, 'task'])).toBeDefined()
    expect(await store.get([partition, 'lease'])).toBeDefined()
    expect(await store.read([partition, 'journal'], 0)).not.toEqual([])
    ahead = TTL
    expect(await client.get(id)).toMatchObject({ status: 'failed' })
    ahead = TTL + DAY - 10_000
    expect(await client.get(id)).toMatchObject({ status: 'failed' })
    ahead = TTL + DAY + 1
    const unknown = await client.about('tasks/get', id)
    expect((await unknown.answer()).error).toMatchObject({ code: -32602 })
    expect(await store.get([partition, 'task'])).toBeUndefined()
    expect(await store.get([partition, 'lease'])).toBeUndefined()
    expect(await store.read([partition, 'journal'], 0)).toEqual([])
  })
})
