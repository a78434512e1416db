/** Cancellation of a 2025 call through any instance. The clocks of the instances may differ. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mcp, McpOptions, Store } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { addCancellations, isCancelled, lastCancellation } from '../../src/state/cancellations.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient } from '../support/wire.ts'

const MINUTE = 60_000

interface Instance {
  readonly mcp: Mcp
  readonly endpoint: TestEndpoint
  /** The outcomes of the calls that ended. */
  readonly outcomes: string[]
}

/** Returns an instance whose tool waits for its signal or for `finish`. */
function instance(
  store: Store,
  offset: number,
  more: Partial<McpOptions>,
): Instance & { finish: () => void } {
  const outcomes: string[] = []
  let finish = () => {}
  const clock = () => Date.now() + offset
  const mcp = createMcp({ name: 'one of two', version: '1', store, clock, log: () => {}, ...more })
  const wait = (signal: AbortSignal) =>
    new Promise<string>((resolve) => {
      const done = (how: string) => {
        outcomes.push(how)
        resolve(how)
      }
      finish = () => done('finished')
      signal.addEventListener('abort', () => done('aborted'))
      if (signal.aborted) done('aborted')
    })
  mcp.tool('wait', { description: 'Waits' }, (_, ctx) => {
    const { signal } = ctx
    ctx.log.info('started')
    return wait(signal)
  })
  mcp.tool('late', { description: 'Uses its signal late' }, async (_, ctx) => {
    ctx.log.info('started')
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return wait(ctx.signal)
  })
  return { mcp, endpoint: fetchEndpoint(mcp), outcomes, finish: () => finish() }
}

describe.each([
  ['with a store that wakes readers', () => memoryStore()],
  [
    'with a store that has to be polled',
    () => {
      const { wait: _, ...polled } = memoryStore()
      return polled
    },
  ],
])('two instances %s', (_title, openStore) => {
  let store: Store
  const opened: Mcp[] = []
  const open = (offset = 0, more: Partial<McpOptions> = {}) => {
    const made = instance(store, offset, more)
    opened.push(made.mcp)
    return made
  }
  beforeEach(() => {
    store = openStore()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((mcp) => mcp.close({ grace: 0 })))
  })

  /** Returns a client for the same session at another instance. */
  const through = (client: LegacyClient, { endpoint }: Instance) => ({
    cancel: async (requestId: string | number) => {
      const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }
      const headers = { ...client.headers, 'content-type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify(body) }
      expect((await endpoint.fetch(endpoint.url, init)).status).toBe(202)
    },
  })

  it.each([0, 90_000, -90_000])(
    'cancel a call when their clocks differ by %i ms',
    async (offset) => {
      const [runs, cancels] = [open(), open(offset)]
      const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
      const reply = await client.call('wait', {}, { id: 'one' })
      await reply.notification('notifications/message')
      await through(client, cancels).cancel('one')
      expect((await reply.rest()).map(({ method }) => method)).toEqual(['notifications/message'])
      expect(runs.outcomes).toEqual(['aborted'])
    },
  )

  it.each([0, 90_000, -90_000])(
    'leave a later call with the same id alone when their clocks differ by %i ms',
    async (offset) => {
      const [runs, cancels] = [open(), open(offset)]
      const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
      await through(client, cancels).cancel('again')
      const reply = await client.call('wait', {}, { id: 'again' })
      await reply.notification('notifications/message')
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(runs.outcomes).toEqual([])
      runs.finish()
      expect((await reply.result()).content[0].text).toBe('finished')
    },
  )

  it('cancel a call that uses its signal only after the cancellation', async () => {
    const [runs, cancels] = [open(), open(-MINUTE)]
    const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
    const reply = await client.call('late', {}, { id: 5 })
    await reply.notification('notifications/message')
    await through(client, cancels).cancel('5')
    await through(client, cancels).cancel(5)
    runs.finish()
    await reply.rest()
    expect(runs.outcomes).toEqual(['aborted'])
  })

  it('cancel the calls of a session that its client ends', async () => {
    const [runs, ends] = [open(), open()]
    const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
    const reply = await client.call('wait', {}, { id: 1 })
    await reply.notification('notifications/message')
    const { headers } = client
    const ended = await ends.endpoint.fetch(ends.endpoint.url, { method: 'DELETE', headers })
    expect(ended.status).toBe(204)
    await reply.rest()
    expect(runs.outcomes).toEqual(['aborted'])
  })

  it('cancel a call whose session ends right after its cancellation', async () => {
    const [runs, ends] = [open(), open()]
    const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
    const reply = await client.call('late', {}, { id: 1 })
    await reply.notification('notifications/message')
    const { headers } = client
    await through(client, ends).cancel(1)
    await ends.endpoint.fetch(ends.endpoint.url, { method: 'DELETE', headers })
    runs.finish()
    await reply.rest()
    expect(runs.outcomes).toEqual(['aborted'])
  })

  it('let a call go on whose session has only expired', async () => {
    const runs = open(0, { sessionTtl: 300 })
    const client = await LegacyClient.open(runs.endpoint, '2025-11-25')
    const reply = await client.call('wait', {}, { id: 1 })
    await reply.notification('notifications/message')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await client.call('wait')).status).toBe(404)
    expect(runs.outcomes).toEqual([])
    runs.finish()
    expect((await reply.result()).content[0].text).toBe('finished')
  })

  it('keep no record for cancellations of calls that never ran', async () => {
    const keys = new Set<string>()
    const put = store.put
    const append = store.append
    store.put = (key, ...more) => {
      keys.add(key.join(' '))
      return put(key, ...more)
    }
    store.append = (key, ...more) => {
      keys.add(key.join(' '))
      return append(key, ...more)
    }
    const client = await LegacyClient.open(open().endpoint, '2025-11-25')
    const cancel = through(client, open()).cancel
    for (let i = 0; i < 300; i++) await cancel(`${i}`.repeat(1_000))
    expect([...keys]).toEqual([`session/anyone/${client.sessionId} session`])
    const [key = ''] = keys
    const stored = await store.get([key.slice(0, -' session'.length), 'session'])
    expect(JSON.stringify(stored?.value).length).toBeLessThan(10_000)
  })
})

describe('the cancellations of a session', () => {
  it('are numbered, and the latest of an id counts', () => {
    const first = addCancellations(undefined, [1, '1', 1])
    expect(first.map(([number]) => number)).toEqual([1, 2])
    const second = addCancellations(first, ['1'])
    expect(isCancelled(second, 1, 0)).toBe(true)
    expect(isCancelled(second, 1, 1)).toBe(false)
    expect(isCancelled(second, '1', 2)).toBe(true)
    expect(lastCancellation(second)).toBe(3)
    expect(second.map(([number]) => number)).toEqual([1, 3])
    expect(isCancelled(undefined, 1, lastCancellation(undefined))).toBe(false)
  })

  it('are the latest hundred', () => {
    const many = addCancellations(
      undefined,
      Array.from({ length: 101 }, (_, i) => i),
    )
    expect(many).toHaveLength(100)
    expect([isCancelled(many, 0, 0), isCancelled(many, 1, 0)]).toEqual([false, true])
    expect(lastCancellation(addCancellations(many, ['more']))).toBe(102)
  })

  it('distinguish long ids, and store them in short form', () => {
    const [one, other] = [`${'x'.repeat(5_000)}1`, `${'x'.repeat(5_000)}2`]
    const known = addCancellations(undefined, [one])
    expect(JSON.stringify(known).length).toBeLessThan(100)
    expect([isCancelled(known, one, 0), isCancelled(known, other, 0)]).toEqual([true, false])
  })
})
