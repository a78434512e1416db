/** An instance that others have declared dead learns it, and readers declare an owner dead only after enough silence. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { Mcp, Store, StoredEntry } from '../../src/index.ts'
import { createMcp, memoryStore, StoreUnavailable } from '../../src/index.ts'
import { OwnerWatch } from '../../src/state/event-log/owner-watch.ts'
import { tail } from '../../src/state/event-log/reader.ts'
import { EventLogWriter } from '../../src/state/event-log/writer.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import { eventually, fetchEndpoint, LegacyClient } from '../support/wire.ts'

const LEASE = 600
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let dynalite: Dynalite
beforeAll(async () => {
  dynalite = await startDynalite()
})
afterAll(() => dynalite.close())

const opened: Mcp[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const mcp of opened.splice(0)) await mcp.close({ grace: 0 })
})

/** Returns a store whose operations fail while its instance is frozen. */
function freezable(shared: Store) {
  let frozen = false
  const check = () => {
    if (frozen) throw new StoreUnavailable('frozen')
  }
  const store: Store = {
    async get(key) {
      check()
      return shared.get(key)
    },
    async put(key, value, options) {
      check()
      return shared.put(key, value, options)
    },
    async delete(key) {
      check()
      return shared.delete(key)
    },
    async append(log, after, entries, options) {
      check()
      return shared.append(log, after, entries, options)
    },
    async read(log, after, limit) {
      check()
      return shared.read(log, after, limit)
    },
  }
  return {
    store,
    freeze: () => {
      frozen = true
    },
    wake: () => {
      frozen = false
    },
  }
}

describe.each([
  ['memory', () => memoryStore()],
  ['DynamoDB', () => dynamoStore({ table: dynalite.table, client: dynalite.client() })],
])('two instances on %s', (_, openStore) => {
  const capabilities = { elicitation: {} }

  function open() {
    const shared = openStore()
    const { store, freeze, wake } = freezable(shared)
    const effects: string[] = []
    const make = (on: Store) => {
      const mcp = createMcp({
        name: 'one of two',
        version: '1',
        store: on,
        streamLease: LEASE,
        log: () => {},
      })
      opened.push(mcp)
      mcp.tool('ask', { description: 'Asks' }, async (_args, ctx) => {
        ctx.signal.addEventListener('abort', () => effects.push('aborted'))
        await ctx.elicit('Deploy?', {
          type: 'object',
          properties: { yes: { type: 'boolean' } },
        })
        effects.push('deployed')
        return 'deployed'
      })
      mcp.tool('quiet', { description: 'Says one thing' }, async (_args, ctx) => {
        ctx.log.info('begun')
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
        effects.push('aborted')
        return 'aborted'
      })
      return fetchEndpoint(mcp)
    }
    return { owner: make(store), other: make(shared), freeze, wake, effects, shared }
  }

  it('a quiet call that was ended elsewhere is aborted when its instance wakes', async () => {
    const { owner, other, freeze, wake, effects } = open()
    const client = await LegacyClient.open(owner, '2025-11-25')
    const reply = await client.call('quiet')
    await reply.notification('notifications/message')
    freeze()
    const id = reply.events.at(-1)?.id ?? ''
    const headers = { ...client.headers, accept: 'text/event-stream', 'last-event-id': id }
    const resumed = await other.fetch(other.url, { headers })
    expect(await resumed.text()).toContain('The instance that ran this call has ended')
    expect(effects).toEqual([])
    wake()
    await eventually(async () => expect(effects).toEqual(['aborted']))
  })

  it.each(['before', 'after'])(
    'an answer that arrives %s the end of its call has no effect',
    async (when) => {
      const { owner, other, freeze, wake, effects } = open()
      const client = await LegacyClient.open(owner, '2025-11-25', { capabilities })
      const reply = await client.call('ask')
      const question = await reply.find(({ method }) => method === 'elicitation/create')
      freeze()
      const send = async () => {
        const result = { action: 'accept', content: { yes: true } }
        const body = JSON.stringify({ jsonrpc: '2.0', id: question.id, result })
        const headers = {
          ...client.headers,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        }
        return (await other.fetch(other.url, { method: 'POST', headers, body })).status
      }
      if (when === 'before') expect(await send()).toBe(202)
      const id = reply.events.at(-1)?.id ?? ''
      const headers = { ...client.headers, accept: 'text/event-stream', 'last-event-id': id }
      const resumed = await other.fetch(other.url, { headers })
      expect(await resumed.text()).toContain('The instance that ran this call has ended')
      if (when === 'after') expect(await send()).toBe(400)
      wake()
      await eventually(async () => expect(effects).toContain('aborted'))
      await sleep(100)
      expect(effects).toEqual(['aborted'])
    },
  )
})

const options = {
  retention: 3600_000,
  lease: LEASE,
  gather: 0,
  maxEvents: 100,
  maxLength: 100_000,
  clock: Date.now,
}

describe('a reader of a silent stream', () => {
  const partition = 'session/anyone/1'

  async function silent(store: Store) {
    const writer = new EventLogWriter({
      ...options,
      store,
      partition,
      requests: [1],
      deliver: () => {},
      lost: () => {},
    })
    writer.push('{}')
    await writer.flush()
    return writer
  }

  /** Returns the messages that one connection of this length receives. */
  async function read(store: Store, stream: string, length: number): Promise<string[]> {
    const ended = new AbortController()
    const timer = setTimeout(() => ended.abort(), length)
    const found = { stream, seq: 2, entries: [], ended: false, suspended: undefined }
    const messages: string[] = []
    for await (const events of tail(store, partition, found, options, ended.signal)) {
      messages.push(...events.map(({ data }) => data))
    }
    clearTimeout(timer)
    return messages
  }

  it.each([
    ['wakes readers', () => memoryStore()],
    [
      'has to be polled',
      () => {
        const { wait: _, ...polled } = memoryStore()
        return polled
      },
    ],
  ])('ends it over several short connections, on a store that %s', async (_, openStore) => {
    const store = openStore()
    const writer = await silent(store)
    writer.abandon()
    let connections = 0
    let messages: string[] = []
    while (messages.length === 0 && connections < 12) {
      connections++
      messages = await read(store, writer.id, LEASE / 2)
    }
    expect(messages.join()).toContain('The instance that ran this call has ended')
    expect(connections).toBeGreaterThan(1)
  })

  it('never ends it while the owner renews its lease, with any number of connections', async () => {
    const store = memoryStore()
    const writer = await silent(store)
    for (let i = 0; i < 6; i++) expect(await read(store, writer.id, LEASE / 2)).toEqual([])
    writer.abandon()
  })

  it('does not end it while events come, although no lease is renewed', async () => {
    const store = memoryStore()
    const writer = await silent(store)
    writer.abandon()
    const reading = read(store, writer.id, LEASE * 2)
    const log = [partition, `stream/${writer.id}`] as const
    for (let seq = 2; seq < 5; seq++) {
      await sleep(LEASE * 0.6)
      await store.append(log, seq, [{ m: '{}' }], { expiresAt: Date.now() + 3600_000 })
    }
    expect(await reading).toEqual(['{}', '{}', '{}'])
  })

  it('gives the owner four times as long while its call waits for a person', async () => {
    const store = memoryStore()
    const writer = await silent(store)
    writer.waiting = true
    const lease = [partition, `lease/${writer.id}`] as const
    await eventually(async () => expect((await store.get(lease))?.value).toBe('waiting'))
    writer.abandon()
    expect(await read(store, writer.id, LEASE * 2.5)).toEqual([])
    const messages = await read(store, writer.id, LEASE * 4)
    expect(messages.join()).toContain('The instance that ran this call has ended')
  }, 10_000)

  it('does not count the time in which its whole host was suspended', async () => {
    const store = memoryStore()
    const writer = await silent(store)
    let jump = 0
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + jump)
    const reading = read(store, writer.id, LEASE)
    await sleep(LEASE / 2)
    jump = 3600_000
    expect(await reading).toEqual([])
    writer.abandon()
  })

  it('keeps durations between connections, and not points in time', async () => {
    const store = memoryStore()
    const writer = await silent(store)
    writer.abandon()
    await read(store, writer.id, LEASE / 2)
    const kept = await store.get([partition, `watch/${writer.id}`])
    expect(kept?.value).toEqual({ sign: 0, seq: 2, observed: expect.any(Number) })
    expect(JSON.stringify(kept?.value)).toMatch(/"observed":\d{1,3}(\.\d+)?\}$/)
  })
})

describe('the watch over the owner of a stream', () => {
  const partition = 'session/anyone/1'
  const lease = [partition, 'lease/s'] as const
  const kept = [partition, 'watch/s'] as const
  const expiresAt = Date.now() + 3600_000

  async function watching() {
    const store = memoryStore()
    await store.put(lease, 'held', { expiresAt })
    await store.append([partition, 'stream/s'], 0, [{ r: [1] }], { expiresAt })
    const watch = new OwnerWatch(store, partition, 's', options)
    return {
      store,
      watch,
      renew: () => store.put(lease, 'held', { expiresAt }),
      state: async () => (await store.get(lease))?.value,
    }
  }

  it('ends the call after a silence that is longer than the lease', async () => {
    const { watch, state } = await watching()
    await watch.observe(1, LEASE / 3)
    expect(await state()).toBe('held')
    await watch.observe(1, LEASE * 1.1)
    expect(await state()).toBe('ended')
  })

  it('does not end it when the owner has renewed its lease meanwhile', async () => {
    const { watch, state, renew } = await watching()
    await watch.observe(1, LEASE / 3)
    await renew()
    await watch.observe(1, LEASE * 2)
    expect(await state()).toBe('held')
  })

  it('counts from the last renewal on', async () => {
    const { watch, state, renew } = await watching()
    await watch.observe(1, LEASE / 3)
    await watch.observe(1, LEASE * 0.8)
    await renew()
    await watch.observe(1, LEASE * 0.4)
    await watch.observe(1, LEASE * 0.5)
    expect(await state()).toBe('held')
    await watch.observe(1, LEASE * 0.6)
    expect(await state()).toBe('ended')
  })

  it('counts from the last event on', async () => {
    const { watch, state } = await watching()
    await watch.observe(1, LEASE / 3)
    await watch.observe(1, LEASE * 0.8)
    watch.reset()
    await watch.observe(2, LEASE / 3)
    await watch.observe(2, LEASE * 0.8)
    expect(await state()).toBe('held')
  })

  it.each([
    ['under the same lease, behind the same event', 0, 1, 'ended'],
    ['under an earlier lease', -1, 1, 'held'],
    ['behind an earlier event', 0, 0, 'held'],
  ])('goes on from what was observed %s', async (_, offset, seq, expected) => {
    const { store, watch, state } = await watching()
    const sign = ((await store.get(lease))?.version ?? 0) + offset
    await store.put(kept, { sign, seq, observed: LEASE * 0.9 }, { expiresAt })
    await watch.observe(1, LEASE / 3)
    await watch.observe(1, LEASE * 0.4)
    expect(await state()).toBe(expected)
  })

  it('gives an error to those requests of a batch that have no answer', async () => {
    const { store, watch } = await watching()
    const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })
    await store.append([partition, 'stream/s'], 1, [{ r: [1, 2] }, { m: answer }], { expiresAt })
    await watch.observe(3, LEASE / 3)
    await watch.observe(3, LEASE * 1.1)
    const entries = (await store.read([partition, 'stream/s'], 3)) as StoredEntry<{ m?: string }>[]
    expect(entries.map(({ value }) => JSON.parse(value.m ?? '{}').id)).toEqual([2])
  })
})

it('a stream that has ended has nothing to follow', async () => {
  const found = { stream: 's', seq: 1, entries: [], ended: true, suspended: undefined }
  const { signal } = new AbortController()
  const messages: unknown[] = []
  for await (const events of tail(memoryStore(), 'session/anyone/1', found, options, signal)) {
    messages.push(...events)
  }
  expect(messages).toEqual([])
})
