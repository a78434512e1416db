/** The DynamoDB engine while a fifth of its requests fail: every answer is right, or an error says that it is unknown. */

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { Store, StoreKey } from '../../src/index.ts'
import { StoreConflict, StoreUnavailable } from '../../src/index.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { Faults } from '../support/dynamo-faults.ts'
import { PASSING_FAULTS, startFaults } from '../support/dynamo-faults.ts'

let dynalite: Dynalite
let faults: Faults
/** Two instances behind the faults. */
let stores: [Store, Store]
/** An instance without faults. */
let calm: Store

beforeAll(async () => {
  dynalite = await startDynalite()
  faults = await startFaults(dynalite.endpoint, { seed: 42 })
  const { table } = dynalite
  const client = dynalite.client({ endpoint: faults.endpoint, maxAttempts: 3 })
  // One uses the SDK and one signs its own requests. Each must read what the other wrote.
  stores = [
    dynamoStore({ table, client }),
    dynamoStore({ table, ...dynalite.direct(faults.endpoint) }),
  ]
  calm = dynamoStore({ table, client: dynalite.client() })
  faults.rate = 0.2
  // Both kinds of throttling are tested below. Their pauses are long, so one of them is enough here.
  faults.kinds = PASSING_FAULTS.filter((fault) => fault !== 'limit')
})
afterAll(async () => {
  await faults.close()
  await dynalite.close()
})

const later = () => ({ expiresAt: Date.now() + 600_000 })
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Returns `unknown` when the store throws `StoreUnavailable`. Any other error fails the test. */
async function attempt<T>(call: Promise<T>): Promise<T | 'unknown'> {
  try {
    return await call
  } catch (error) {
    if (error instanceof StoreUnavailable) return 'unknown'
    throw error
  }
}

describe('with a fifth of all requests failing', () => {
  it('existing records are never reported absent, nor deleted ones present', async () => {
    const known: string[] = []
    let unknown = 0
    faults.reset()
    await Promise.all(
      range(40).map(async (i) => {
        const key: StoreKey = [randomUUID(), 'session']
        const [one, two] = i % 2 ? stores : [stores[1], stores[0]]
        const put = await attempt(one.put(key, i, { ...later(), ifVersion: 0 }))
        if (put === 'unknown') unknown += 1
        else {
          const found = await attempt(two.get(key))
          if (found === 'unknown') unknown += 1
          else known.push(`${i} is ${found?.value}`)
          expect(found === 'unknown' || found?.value === i).toBe(true)

          const deleted = await attempt(two.delete(key))
          expect(deleted).not.toBe(false)
          const gone = await attempt(one.get(key))
          if (deleted === true) expect(['unknown', undefined]).toContain(gone)
        }
      }),
    )
    expect(faults.failed).toBeGreaterThan(15)
    // The retries handle nearly all faults. Without them every fourth record would have no answer.
    expect(known.length).toBeGreaterThan(32)
    expect(unknown).toBeLessThan(10)
  })

  it('every counted update counts once', async () => {
    const key: StoreKey = [randomUUID(), 'counter']
    let [counted, unknown] = [0, 0]
    const increment = async (store: Store): Promise<void> => {
      const stored = await attempt(store.get(key))
      if (stored === 'unknown') return increment(store)
      const value = Number(stored?.value ?? 0) + 1
      try {
        const put = store.put(key, value, { ...later(), ifVersion: stored?.version ?? 0 })
        if ((await attempt(put)) === 'unknown') unknown += 1
        else counted += 1
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
        await increment(store)
      }
    }
    await Promise.all(
      range(6).map(async (i) => {
        for (const _ of range(6)) await increment(stores[i % 2 ? 0 : 1])
      }),
    )
    expect(counted + unknown).toBe(36)
    const value = Number((await calm.get(key))?.value)
    expect(value).toBeGreaterThanOrEqual(counted)
    expect(value).toBeLessThanOrEqual(counted + unknown)
    expect(counted).toBeGreaterThan(25)
  })

  it('logs have no gaps and contain every confirmed entry once', async () => {
    const log: StoreKey = [randomUUID(), 'stream']
    const confirmed: string[] = []
    const doubtful: string[] = []
    const write = async (writer: number) => {
      const store = stores[writer % 2 ? 0 : 1]
      let last = 0
      for (let round = 0; round < 5; ) {
        const names = range(1 + (round % 3)).map((i) => `${writer}.${round}.${i}`)
        try {
          const appended = await attempt(store.append(log, last, names, later()))
          if (appended === 'unknown') doubtful.push(...names)
          else {
            confirmed.push(...names)
            last = appended
          }
          round += 1
        } catch (error) {
          if (!(error instanceof StoreConflict)) throw error
          const entries = await attempt(store.read(log, last))
          if (entries !== 'unknown') last = entries.at(-1)?.seq ?? last
        }
      }
    }
    await Promise.all(range(6).map(write))
    const entries = await calm.read(log, 0)
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    const found = entries.map(({ value }) => String(value))
    expect(new Set(found).size).toBe(found.length)
    expect(found).toEqual(expect.arrayContaining(confirmed))
    const allowed = new Set([...confirmed, ...doubtful])
    expect(found.filter((name) => !allowed.has(name))).toEqual([])
    expect(confirmed.length).toBeGreaterThan(40)
  })
})

it('waits for slow answers', async () => {
  const key: StoreKey = [randomUUID(), 'slow']
  faults.rate = 0
  faults.latency = 100
  try {
    const started = performance.now()
    await stores[0].put(key, 'here', later())
    expect((await stores[1].get(key))?.value).toBe('here')
    expect(performance.now() - started).toBeGreaterThan(190)
  } finally {
    faults.latency = 0
  }
})

it.each([...PASSING_FAULTS])('a single %s is hidden from the caller', async (fault) => {
  const key: StoreKey = [randomUUID(), fault]
  faults.rate = 0
  faults.script = [fault]
  await stores[0].put(key, 'here', later())
  faults.script = [fault]
  expect((await stores[1].get(key))?.value).toBe('here')
  faults.script = [fault]
  expect(await stores[0].read([key[0], 'log'], 0)).toEqual([])
  expect(faults.script).toEqual([])
})
