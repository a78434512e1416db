/** `ctx.session.update`: slow functions beside fast ones, in one process and on several instances. */
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/index.ts'
import { memoryStore, StoreConflict } from '../../src/index.ts'
import { sessionValues } from '../../src/state/session-values.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const open = (store: Store) =>
  sessionValues(store, async () => ({
    partition: 'session/anyone/1',
    expiresAt: Date.now() + 3600_000,
  }))

/** Returns the same store as another process would use it, so that locks within a process have no effect. */
const elsewhere = (store: Store): Store => ({ ...store })

describe.each([
  ['of its process', (store: Store) => store],
  ['of another instance', elsewhere],
])('an update with a slow function beside fast callers %s', (_title, other) => {
  it('succeeds after few runs, and no update is lost', { timeout: 20_000 }, async () => {
    const store = memoryStore()
    const slow = open(store)
    const fast = open(other(store))
    let runs = 0
    let done = false
    let count = 0
    const longest: number[] = []
    const hurry = async () => {
      while (!done) {
        const start = performance.now()
        await fast.update<number>('n', (n = 0) => n + 1)
        longest.push(performance.now() - start)
        count += 1
        await pause(5)
      }
    }
    const hurrying = Promise.all(Array.from({ length: 4 }, hurry))
    await pause(20)
    const ms = 1_200
    await slow.update<number>('n', async (n = 0) => {
      runs += 1
      // Without a limit on the runs, the test would not end.
      if (runs > 8) return n + 1
      await pause(ms)
      return n + 1
    })
    done = true
    await hurrying
    expect(runs).toBeLessThanOrEqual(4)
    expect(await fast.get('n')).toBe(count + 1)
    // A fast caller waits for the slow one, but not much longer.
    expect(Math.max(...longest)).toBeLessThan(3 * ms)
  })
})

it('an update does not wait for ever for another that never ends', async () => {
  const store = memoryStore()
  const [one, other] = [open(store), open(elsewhere(store))]
  let runs = 0
  const never = one.update<number>('n', async (n = 0) => {
    runs += 1
    if (runs <= 2) await other.set('n', runs)
    else await new Promise(() => {})
    return n
  })
  never.catch(() => {})
  while (runs < 3) await pause(5)
  expect(await other.get('n')).toBe(2)
  const start = performance.now()
  expect(await other.update<number>('n', (n = 0) => n + 10)).toBe(12)
  const waited = performance.now() - start
  expect(waited).toBeGreaterThan(500)
  expect(waited).toBeLessThan(4_000)
})

it('a claimed value reads as the value, and can be set and deleted', async () => {
  const store = memoryStore()
  const [one, other] = [open(store), open(elsewhere(store))]
  await one.set('n', { deep: 1 })
  let runs = 0
  const seen: unknown[] = []
  const updated = one.update<unknown>('n', async (n) => {
    runs += 1
    if (runs <= 2) await other.set('n', { deep: runs + 1 })
    if (runs === 3) seen.push(await other.get('n'))
    if (runs === 3) await other.delete('n')
    if (runs === 4) seen.push(await other.get('n'))
    return [n ?? 'none']
  })
  expect(await updated).toEqual(['none'])
  expect(seen).toEqual([{ deep: 3 }, undefined])
})

it('an update fails after two hundred conflicts', { timeout: 60_000 }, async () => {
  const store = memoryStore()
  const { put } = store
  let tries = 0
  store.put = (key, value, options) => {
    if (options.ifVersion !== undefined) tries += 1
    return put(
      key,
      value,
      options.ifVersion === undefined ? options : { ...options, ifVersion: 1e9 },
    )
  }
  const random = Math.random
  Math.random = () => 0
  try {
    await expect(open(store).update('n', () => 1)).rejects.toThrow(StoreConflict)
  } finally {
    Math.random = random
  }
  expect(tries).toBe(201)
})

it('the name of a claim is reserved', async () => {
  await expect(open(memoryStore()).set('n', { 'streamable-mcp/claim': 1 })).rejects.toThrow(
    TypeError,
  )
})

it('the values of a call open one conversation, at their first use', async () => {
  let opened = 0
  const values = sessionValues(memoryStore(), async () => {
    opened += 1
    return { partition: 'session/anyone/1', expiresAt: Date.now() + 3600_000 }
  })
  expect(opened).toBe(0)
  await values.set('a', 1)
  await values.update<number>('a', (n = 0) => n + 1)
  expect(await values.get('a')).toBe(2)
  await values.delete('a')
  expect(opened).toBe(1)
})

it.each([[undefined], [() => 1], [Symbol('a')]])('%s has no JSON and is refused', async (value) => {
  const values = open(memoryStore())
  await values.set('a', 1)
  await expect(values.set('a', value)).rejects.toThrow('use delete() to keep nothing')
  await expect(values.update('a', () => value)).rejects.toThrow('use delete() to keep nothing')
  expect(await values.get('a')).toBe(1)
})
