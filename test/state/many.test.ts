/** State with many changes, subscriptions, listeners or questions. */
import { afterEach, describe, expect, it } from 'vitest'
import { testStore } from '../../adapters/testing.ts'
import type { Context, Mcp, McpOptions, Store } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { cpuOf, times } from '../support/cpu-time.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

describe('notifications', () => {
  it('of many resources in one turn cost the same each as those of few', async () => {
    serverOf()
    const tell = (changes: number) => {
      const uris = Array.from({ length: changes }, (_, i) => `file:///src/${i}.ts`)
      return Promise.all(uris.map((uri) => mcp.notify.resourceUpdated(uri)))
    }
    const few = () => times(50, () => tell(1_000))
    await few() // Compiles the code.
    // This took 40 times as long when each one was compared with all before it.
    expect((await cpuOf(() => tell(50_000))) / (await cpuOf(few))).toBeLessThan(15)
  })
})

describe('a session', () => {
  it('takes concurrent subscriptions with few store operations', async () => {
    const memory = memoryStore()
    const slowly = () => new Promise((resolve) => setTimeout(resolve, 1))
    const engine: Store = {
      ...memory,
      get: (key) => slowly().then(() => memory.get(key)),
      put: (key, value, options) => slowly().then(() => memory.put(key, value, options)),
    }
    const store = testStore({ engine })
    serverOf({ store }).resource('file:///{name}', { name: 'file' }, () => 'x')
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    store.operations.length = 0
    const uris = Array.from({ length: 40 }, (_, i) => `file:///${i}`)
    await Promise.all(
      uris.map(async (uri) => (await client.request('resources/subscribe', { uri })).result()),
    )
    // Each needs 3 operations. There were 1,700 when all of them competed.
    expect(store.operations.length).toBeLessThan(200)
    const session = await memory.get([`session/anyone/${client.sessionId}`, 'session'])
    expect(session?.value).toMatchObject({ subscriptions: expect.arrayContaining(uris) })
  })
})

describe('a process', () => {
  it('prints no warning of a leak when many clients listen and a call waits for many answers', async () => {
    const warnings: string[] = []
    const note = ({ name }: Error) => warnings.push(name)
    process.on('warning', note)
    const ask = async (_: unknown, ctx: Context) => {
      await Promise.all(Array.from({ length: 12 }, () => ctx.roots()))
    }
    serverOf().tool('ask', { description: 'Asks' }, ask)
    const endpoint = fetchEndpoint(mcp)
    const client = new ModernClient(endpoint)
    const streams = await Promise.all(
      Array.from({ length: 12 }, () => client.listen({ toolsListChanged: true })),
    )
    const asked = await LegacyClient.open(endpoint, '2025-11-25', { capabilities: { roots: {} } })
    const call = await asked.call('ask')
    for (let i = 0; i < 12; i++) await call.find(({ method }) => method === 'roots/list')
    await mcp.close({ grace: 0 })
    // Each stream ends with its result.
    for (const stream of streams) expect(await stream.answer()).toMatchObject({ result: {} })
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('a call that asks', () => {
  const capabilities = { sampling: {} }
  const answer = () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } })

  /** Counts how many log entries are read, and how often, while a tool asks a number of questions. */
  async function readsOf(ask: (question: () => Promise<unknown>) => Promise<unknown>) {
    const memory = memoryStore()
    const reads = { entries: 0, operations: 0 }
    const store: Store = {
      ...memory,
      async read(log, after, limit) {
        const entries = await memory.read(log, after, limit)
        reads.operations++
        reads.entries += entries.length
        return entries
      },
    }
    const params = { messages: [], maxTokens: 10 }
    serverOf({ store }).tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ask(() => ctx.sample(params))
      return 'answered'
    })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
    const call = await client.converse('tools/call', { name: 'ask', arguments: {} }, answer)
    expect(call.answer.result.content[0].text).toBe('answered')
    return reads
  }

  it('reads each answer a few times, for any number of answers before it', async () => {
    const { entries } = await readsOf((question) => times(50, question))
    // There were 5,050 when each question and each answer read the whole log.
    expect(entries).toBeLessThan(400)
  })

  it('asks many questions at once with a few reads each', async () => {
    const { operations } = await readsOf((question) =>
      Promise.all(Array.from({ length: 50 }, question)),
    )
    // There were 1,500 when the questions competed.
    expect(operations).toBeLessThan(300)
  })
})
