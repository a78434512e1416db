/** Which process is responsible for a task, while processes seem dead that are only slow. */
import { afterEach, expect, it, vi } from 'vitest'
import type { Store } from '../../src/index.ts'
import { Membership } from '../../src/tasks/membership.ts'
import { racingStore } from '../support/racing-store.ts'

const FIRST = { owner: 'ann', id: 'first' }
const SECOND = { owner: 'ann', id: 'second' }

const members: Membership[] = []
afterEach(() => Promise.all(members.splice(0).map((member) => member.leave())))

function member(id: string, store: Store, lease: number, adopt = vi.fn()): Membership {
  const turn = async () => 'done' as const
  const engine = { store, clock: Date.now, log: () => {}, turn, runnerOf: async () => undefined }
  const created = new Membership({ id, engine, lease, adopt })
  members.push(created)
  return created
}

const listed = async (store: Store) => (await store.get(['tasks/registry', 'runners']))?.value
const silence = (store: Store, id: string) => store.delete([`tasks/registry/${id}`, 'heartbeat'])

it('a task that comes while another process takes over is taken over too', async () => {
  const store = racingStore()
  const slow = member('slow', store.engine, 60_000)
  await slow.add(FIRST)
  await silence(store.engine, 'slow')
  const adopt = vi.fn()
  // Between the reading of the shards and the removal of the slow process from the list.
  store.before('put', 'runners', () => slow.add(SECOND))
  await member('other', store, 30, adopt).watch()
  await expect.poll(() => adopt.mock.calls.flat()).toEqual([FIRST, SECOND])
})

it('a process that was removed from the list before its task was stored lists itself again', async () => {
  const store = racingStore()
  const slow = member('slow', store, 60_000)
  await slow.add(FIRST)
  await silence(store.engine, 'slow')
  const adopt = vi.fn()
  store.before('put', 'shard/0', async () => {
    await member('other', store.engine, 30, adopt).watch()
    await expect.poll(() => adopt.mock.calls.flat()).toEqual([FIRST])
    expect(await listed(store)).toEqual(['other'])
    // Its next look must not find the slow process before that has listed itself.
    for (const one of members.splice(1)) await one.leave()
  })
  await slow.add(SECOND)
  expect(await listed(store)).toEqual(['other', 'slow'])
})

it('a process whose tasks have ended shows life again at once with the next one', async () => {
  const store = racingStore()
  const heartbeat = () => store.engine.get(['tasks/registry/one', 'heartbeat'])
  const one = member('one', store.engine, 60)
  await one.watch()
  await one.add(FIRST)
  one.remove(FIRST)
  await expect.poll(heartbeat).toBeUndefined()
  await one.add(SECOND)
  expect(await heartbeat()).toBeDefined()
})
