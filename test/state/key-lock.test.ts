/** The lock that a process has for each record. */
import { expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { withKeyLock } from '../../src/state/key-lock.ts'
import { heldBytes } from '../support/heap.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

it('callers for one key run one after the other, and callers for two keys at once', async () => {
  const store = memoryStore()
  const begun: string[] = []
  const act = (name: string) => async () => {
    begun.push(name)
    await pause(50)
    begun.push(`${name} is done`)
  }
  await Promise.all([
    withKeyLock(store, ['p', 'a'], act('first')),
    withKeyLock(store, ['p', 'a'], act('second')),
    withKeyLock(store, ['p', 'b'], act('other')),
  ])
  const at = (name: string) => begun.indexOf(name)
  expect(at('second')).toBeGreaterThan(at('first is done'))
  expect(at('other')).toBeLessThan(at('first is done'))
})

it('a caller that fails lets the next one run', async () => {
  const store = memoryStore()
  const fails = withKeyLock(store, ['p', 'a'], () => Promise.reject(new Error('fails')))
  const next = withKeyLock(store, ['p', 'a'], async () => 'runs')
  await expect(fails).rejects.toThrow('fails')
  expect(await next).toBe('runs')
})

it('nothing is kept for a key that is free again', async () => {
  const store = memoryStore()
  const lock = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await withKeyLock(store, ['p', `${i} ${'x'.repeat(200)}`], async () => {})
    }
    return heldBytes()
  }
  const before = await lock(1_000)
  expect((await lock(50_000)) - before).toBeLessThan(2_000_000)
})
