/** Calls and streams that have ended leave no timers, and waits poll less often the longer they last. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, Store } from '../../src/index.ts'
import { createMcp, memoryStore, StoreUnavailable } from '../../src/index.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { eventually, fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

let mcp: Mcp | undefined
afterEach(() => mcp?.close({ grace: 0 }))

/** Returns the number of timers of this process, including the test runner's. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('a call that is over', () => {
  const brisk = { keepAlive: 20, streamLease: 30, answerTimeout: 60_000, log: () => {} }

  it.each(['babble', 'hang', 'forget'])('%s leaves no timer in either era', async (tool) => {
    mcp = createBehaviourServer(brisk)
    const endpoint = fetchEndpoint(mcp)
    const capabilities = { elicitation: {} }
    const clients = [
      await LegacyClient.open(endpoint, '2025-11-25', { capabilities }),
      new ModernClient(endpoint, { capabilities, logLevel: 'debug' }),
    ]
    const before = timers()
    for (const client of clients) {
      await (await client.call(tool, {}, { meta: { progressToken: 1 } })).rest()
      await eventually(async () => expect(timers()).toBeLessThanOrEqual(before))
    }
  })
})

it('a signal that a handler uses after its return does not read the store again and again', async () => {
  const { wait: _, ...store } = memoryStore()
  const reads: string[] = []
  const { get } = store
  store.get = (key) => {
    reads.push(key[1])
    return get(key)
  }
  let after = () => {}
  mcp = createMcp({ name: 'late', version: '1', store, log: () => {} })
  mcp.tool('forget', { description: 'Returns first' }, (_args, ctx) => {
    after = () => ctx.signal.addEventListener('abort', () => {})
    return 'returned'
  })
  const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
  await (await client.call('forget')).result()
  reads.length = 0
  after()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(reads.length).toBeLessThanOrEqual(1)
})

describe('a client that listens', () => {
  /** Returns a store without `wait`, and the times at which changes were read from it. */
  function polledStore() {
    const memory = memoryStore()
    const reads: number[] = []
    const { wait: _, ...polled } = memory
    const faults = { down: false }
    const store: Store = {
      ...polled,
      async get(key) {
        if (key[0] === 'server') reads.push(performance.now())
        if (key[0] === 'server' && faults.down) throw new StoreUnavailable('down')
        return memory.get(key)
      },
    }
    return { store, reads, faults }
  }

  it('polls less and less often while nothing happens', async () => {
    const { store, reads } = polledStore()
    mcp = createBehaviourServer({ store })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const stream = await client.get()
    await eventually(async () => expect(reads.length).toBeGreaterThan(6))
    const [before = 0, last = 0] = reads.slice(-2)
    expect(last - before).toBeGreaterThan(150)
    await stream.leave()
  })

  it('shares its reads with the other listeners of its process', async () => {
    const { store, reads } = polledStore()
    mcp = createBehaviourServer({ store })
    const streams = await Promise.all(Array.from({ length: 50 }, () => listen()))
    // Each listener reads where it starts, and the changes since then.
    await eventually(async () => expect(reads.length).toBeGreaterThanOrEqual(100))
    const begun = reads.length
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(reads.length - begun).toBeLessThan(20)
    for (const stream of streams) await stream.leave()
    await eventually(async () => {
      const before = reads.length
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(reads.length).toBe(before)
    })
  })

  it('gets changes after its store was unavailable for a while', async () => {
    const { store, reads, faults } = polledStore()
    mcp = createBehaviourServer({ store })
    const elsewhere = createBehaviourServer({ store })
    const stream = await listen()
    faults.down = true
    const looked = reads.length
    await eventually(async () => expect(reads.length).toBeGreaterThan(looked + 1))
    faults.down = false
    await elsewhere.notify.toolsChanged()
    await stream.notification('notifications/tools/list_changed')
    await stream.leave()
  })

  it('is disconnected with its session, also when the clock was set back', async () => {
    let offset = 0
    mcp = createBehaviourServer({ keepAlive: 20, clock: () => Date.now() + offset })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const stream = await client.get()
    offset = -3600_000
    await client.delete()
    await stream.rest()
  }, 3_000)

  function listen() {
    if (!mcp) throw new Error('There is no server')
    const notifications = { toolsListChanged: true }
    return new ModernClient(fetchEndpoint(mcp)).request('subscriptions/listen', { notifications })
  }
})
