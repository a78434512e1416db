/** What waits and slow streams ask of a store that has to be polled, counted in operations. */
import { afterEach, describe, expect, it } from 'vitest'
import type { StoreOperation } from '../../adapters/testing/store.ts'
import { testStore } from '../../adapters/testing.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { eventually, fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const opened: Mcp[] = []
afterEach(async () => {
  for (const mcp of opened.splice(0)) await mcp.close({ grace: 0 })
})

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function polled() {
  const { wait: _, ...engine } = memoryStore()
  return testStore({ engine })
}

function serverOf(options: Partial<McpOptions>): Mcp {
  const mcp = createMcp({ name: 'operations', version: '1.0.0', log: () => {}, ...options })
  opened.push(mcp)
  mcp.tool('count', { description: 'Tells its progress slowly' }, async (_, ctx) => {
    for (let done = 1; done <= 20; done++) {
      ctx.progress(done)
      await sleep(25)
    }
    return 'counted'
  })
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const { action } = await ctx.elicit('Sure?', {
      type: 'object',
      properties: { yes: { type: 'boolean' } },
    })
    return action
  })
  return mcp
}

const count = (operations: readonly StoreOperation[], operation: string, name: string) =>
  operations.filter((one) => one.operation === operation && one.key[1].startsWith(name)).length

describe('a stream with 20 events, 25 ms apart,', () => {
  it.each([
    [0, 20, 22],
    [100, 4, 8],
    [1_000, 2, 2],
  ])('gathered for %i ms, costs %i to %i writes', async (streamGather, least, most) => {
    const store = polled()
    const client = await LegacyClient.open(
      fetchEndpoint(serverOf({ store, streamGather })),
      '2025-11-25',
    )
    const reply = await client.call('count', {}, { meta: { progressToken: 1 } })
    const messages = await reply.rest()
    expect(messages).toHaveLength(21)
    const writes = count(store.operations, 'append', 'stream/')
    expect(writes).toBeGreaterThanOrEqual(least)
    expect(writes).toBeLessThanOrEqual(most)
  })

  it('sends no event with an id that the store does not hold', async () => {
    const store = polled()
    const endpoint = fetchEndpoint(serverOf({ store, streamGather: 80 }))
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('count', {}, { meta: { progressToken: 1 } })
    let seen = 0
    await eventually(async () => {
      await reply.notification('notifications/progress')
      const [stream = '', seq = ''] = (reply.events.at(-1)?.id ?? '').split('.')
      const log = [`session/anyone/${client.sessionId}`, `stream/${stream}`] as const
      expect((await store.read(log, Number(seq) - 1, 1))[0]?.seq).toBe(Number(seq))
      expect(++seen).toBe(20)
    })
  })
})

describe('a call that waits for a person', () => {
  it('renews its lease a quarter as often as one that works', async () => {
    const capabilities = { elicitation: {} }
    const store = polled()
    const endpoint = fetchEndpoint(serverOf({ store, streamLease: 300 }))
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    await sleep(1_700)
    const whileWaiting = count(store.operations, 'put', 'lease/')
    // There were 16 with the lease of a call that works, one each 100 ms.
    expect(whileWaiting).toBeGreaterThanOrEqual(2)
    expect(whileWaiting).toBeLessThanOrEqual(5)
    await client.respond(question.id, { result: { action: 'decline' } })
    expect(await reply.result()).toMatchObject({ content: [{ text: 'decline' }] })
  }, 10_000)
})

describe('the poll of a call that waits for a person', () => {
  it('reads the answers each time, and the session each fourth time', async () => {
    const capabilities = { elicitation: {} }
    const store = polled()
    const endpoint = fetchEndpoint(serverOf({ store }))
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    store.operations.length = 0
    await eventually(async () => expect(count(store.operations, 'read', 'inbox/')).toBe(6), 10_000)
    // There were 6, one for each read of the answers.
    expect(count(store.operations, 'get', 'session')).toBeLessThanOrEqual(2)
    await client.respond(question.id, { result: { action: 'decline' } })
    expect(await reply.result()).toMatchObject({ content: [{ text: 'decline' }] })
  }, 20_000)

  it('notices a cancellation', async () => {
    const capabilities = { elicitation: {} }
    const endpoint = fetchEndpoint(serverOf({ store: polled() }))
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities })
    const reply = await client.request('tools/call', { name: 'ask' }, { id: 77 })
    await reply.find(({ method }) => method === 'elicitation/create')
    await client.notify('notifications/cancelled', { requestId: 77 })
    await reply.rest()
  }, 20_000)
})

describe('an instance with listeners', () => {
  it('does not read more often after each change', async () => {
    const store = polled()
    const mcp = serverOf({ store })
    const elsewhere = serverOf({ store })
    const stream = await new ModernClient(fetchEndpoint(mcp)).listen({ toolsListChanged: true })
    await sleep(1_700) // The pause has grown to 1.6 s.
    store.operations.length = 0
    await elsewhere.notify.toolsChanged()
    await stream.notification('notifications/tools/list_changed')
    const mark = store.operations.length
    await sleep(1_000)
    // There were 4 when the pause began again at 50 ms.
    expect(count(store.operations.slice(mark), 'get', 'changes')).toBeLessThanOrEqual(1)
    await stream.leave()
  }, 10_000)
})
