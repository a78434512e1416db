/** What is over leaves nothing running, and waiting costs less the longer nothing comes. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, Store } from '../src/index.ts'
import { memoryStore } from '../src/index.ts'
import { createBehaviourServer } from './behaviour-server.ts'
import { eventually, fetchDoor, LegacyClient, ModernClient } from './wire.ts'

let mcp: Mcp | undefined
afterEach(() => mcp?.close({ grace: 0 }))

/** Timers of this process, the test runner's among them. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('a call that is over', () => {
  const brisk = { keepAlive: 20, streamLease: 30, answerTimeout: 60_000, log: () => {} }

  it.each(['babble', 'hang', 'forget'])('%s leaves no timer in either era', async (tool) => {
    mcp = createBehaviourServer(brisk)
    const door = fetchDoor(mcp)
    const capabilities = { elicitation: {} }
    const clients = [
      await LegacyClient.open(door, '2025-11-25', { capabilities }),
      new ModernClient(door, { capabilities, logLevel: 'debug' }),
    ]
    const before = timers()
    for (const client of clients) {
      await (await client.call(tool, {}, { meta: { progressToken: 1 } })).rest()
      await eventually(async () => expect(timers()).toBeLessThanOrEqual(before))
    }
  })
})

describe('a client that listens', () => {
  it('is looked after less and less often while nothing comes', async () => {
    const memory = memoryStore()
    const reads: number[] = []
    const { wait: _, ...polled } = memory
    const store: Store = {
      ...polled,
      get(key) {
        if (key[0] === 'server') reads.push(performance.now())
        return memory.get(key)
      },
    }
    mcp = createBehaviourServer({ store })
    const client = await LegacyClient.open(fetchDoor(mcp), '2025-11-25')
    const stream = await client.get()
    await eventually(async () => expect(reads.length).toBeGreaterThan(6))
    const [before = 0, last = 0] = reads.slice(-2)
    expect(last - before).toBeGreaterThan(150)
    await stream.leave()
  })
})
