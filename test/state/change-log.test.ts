/** The record of published changes, and its readers. */
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/index.ts'
import { memoryStore } from '../../src/index.ts'
import type { ChangeBatch } from '../../src/state/change-log.ts'
import { ChangeFeed } from '../../src/state/change-log.ts'

/** Returns the first batch with changes or a gap after the cursor; undefined when none comes within 50 ms. */
async function nextBatch(feed: ChangeFeed, cursor: number): Promise<ChangeBatch | undefined> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), 50)
  try {
    for await (const batch of feed.since(cursor, 20, controller.signal)) {
      if (batch.changes.length > 0 || batch.gap) return batch
    }
    return undefined
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
}

const update = (i: number) => ({ kind: 'resource', uri: `test://${i}` }) as const

async function publishEach(store: Store, from: number, to: number): Promise<void> {
  const feed = new ChangeFeed(store, Date.now)
  for (let i = from; i < to; i++) await feed.publish(update(i))
}

it('a listener gets the changes after its cursor, and no gap', async () => {
  const store = memoryStore()
  await publishEach(store, 0, 3)
  const feed = new ChangeFeed(store, Date.now)
  const cursor = await feed.now()
  await publishEach(store, 3, 5)
  const batch = await nextBatch(feed, cursor)
  expect(batch).toMatchObject({ changes: [update(3), update(4)], gap: false })
})

it('the record keeps a hundred changes, and a listener further behind learns of the gap', async () => {
  const store = memoryStore()
  await publishEach(store, 0, 1)
  const feed = new ChangeFeed(store, Date.now)
  const cursor = await feed.now()
  await publishEach(store, 1, 150)
  const record = (await store.get(['server', 'changes']))?.value as { recent: unknown[] }
  expect(record.recent).toHaveLength(100)
  expect((await nextBatch(feed, cursor))?.gap).toBe(true)
  expect((await nextBatch(feed, cursor + 100))?.gap).toBe(false)
})

it('the record keeps 16,000 characters, and a listener further behind learns of the gap', async () => {
  const store = memoryStore()
  const long = (i: number) =>
    ({ kind: 'resource', uri: `test://${i}/${'x'.repeat(5_000)}` }) as const
  const publisher = new ChangeFeed(store, Date.now)
  await publisher.publish(long(0))
  const feed = new ChangeFeed(store, Date.now)
  const cursor = await feed.now()
  for (let i = 1; i < 5; i++) await publisher.publish(long(i))
  const record = (await store.get(['server', 'changes']))?.value as { recent: unknown[] }
  expect(record.recent).toHaveLength(3)
  expect((await nextBatch(feed, cursor))?.gap).toBe(true)
  expect((await nextBatch(feed, cursor + 1))?.gap).toBe(false)
})

describe('copies of the record', () => {
  /** Returns a store without `wait`, and the partitions that were read from it. */
  function polledStore() {
    const { wait: _, ...memory } = memoryStore()
    const reads: [partition: string, consistent: boolean | undefined][] = []
    const store: Store = {
      ...memory,
      async get(key, options) {
        reads.push([key[0], options?.consistent])
        return memory.get(key, options)
      },
    }
    return { store, reads }
  }

  async function listen(feed: ChangeFeed, ms: number): Promise<ChangeBatch[]> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), ms)
    const batches: ChangeBatch[] = []
    for await (const batch of feed.since(await feed.now(), 10_000, controller.signal)) {
      batches.push(batch)
    }
    clearTimeout(timer)
    return batches
  }

  it('are what a process polls, and a change reaches it', async () => {
    const { store, reads } = polledStore()
    const publisher = new ChangeFeed(store, Date.now, { copies: 4 })
    await publisher.publish(update(1))
    const listening = listen(new ChangeFeed(store, Date.now, { copies: 4 }), 700)
    await publisher.publish(update(2))
    const batches = await listening
    expect(batches.flatMap(({ changes }) => changes)).toEqual([update(2)])
    const polls = reads.filter(([, consistent]) => consistent === false)
    const copies = new Set(polls.map(([partition]) => partition))
    // The first poll reads the record, and the others read one copy.
    expect([...copies]).toEqual(['server', expect.stringMatching(/^server\/copy [0-3]$/)])
  })

  it('a change that an instance with fewer copies published is found in the record', async () => {
    const { store } = polledStore()
    await new ChangeFeed(store, Date.now, { copies: 4 }).publish(update(1))
    const feed = new ChangeFeed(store, Date.now, { copies: 4 })
    const listening = listen(feed, 200)
    await new ChangeFeed(store, Date.now).publish(update(2))
    expect((await listening).flatMap(({ changes }) => changes)).toEqual([update(2)])
  })

  it('never go back to an older version', async () => {
    const { store } = polledStore()
    const publishers = Array.from(
      { length: 5 },
      () => new ChangeFeed(store, Date.now, { copies: 2 }),
    )
    await Promise.all(publishers.map((publisher, i) => publisher.publish(update(i))))
    const record = await store.get(['server', 'changes'])
    for (const copy of [0, 1]) {
      const kept = await store.get([`server/copy ${copy}`, 'changes'])
      expect(kept?.value).toMatchObject({ of: record?.version, recent: { length: 5 } })
    }
  })
})

it('the same change is kept once', async () => {
  const store = memoryStore()
  for (let i = 0; i < 5; i++) await publishEach(store, 0, 1)
  const record = (await store.get(['server', 'changes']))?.value as { recent: unknown[] }
  expect(record.recent).toHaveLength(1)
})

it('reports no change where nothing was published', async () => {
  const feed = new ChangeFeed(memoryStore(), Date.now)
  expect(await nextBatch(feed, 0)).toBeUndefined()
})

it('a listener from before a lost record learns of the gap', async () => {
  let now = Date.now()
  const store = memoryStore()
  const feed = new ChangeFeed(store, () => now)
  await feed.publish(update(1))
  const cursor = await feed.now()
  await store.delete(['server', 'changes'])
  now -= 500
  await new ChangeFeed(store, () => now).publish(update(2))
  expect((await nextBatch(new ChangeFeed(store, () => now), cursor))?.gap).toBe(true)
})

it('numbers start at the current time, so that a cursor of an earlier record never matches', async () => {
  const clock = () => 1_000_000
  const feed = new ChangeFeed(memoryStore({ clock }), clock)
  await feed.publish(update(1))
  expect(await feed.now()).toBe(1_000_001)
})

it('a listener is told of no change while nothing was published, whatever its clock does', async () => {
  let now = 1_000
  const feed = new ChangeFeed(memoryStore(), () => now)
  const cursor = await feed.now()
  now = 500
  expect(await nextBatch(feed, cursor)).toBeUndefined()
})

it('the reader of a process stops with its last listener', async () => {
  const store = memoryStore()
  const signals: AbortSignal[] = []
  const { wait } = store
  store.wait = async (watches, signal) => {
    signals.push(signal)
    await wait?.(watches, signal)
  }
  await nextBatch(new ChangeFeed(store, Date.now), 0)
  await expect.poll(() => signals.every(({ aborted }) => aborted)).toBe(true)
  expect(signals).not.toEqual([])
})
