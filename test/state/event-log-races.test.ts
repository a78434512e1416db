/** The watch over a stream's owner, and claims of slow updates, while another writer changes the same item. */
import { describe, expect, it } from 'vitest'
import { leaseKey, logKey } from '../../src/state/event-log/event-log.ts'
import { OwnerWatch } from '../../src/state/event-log/owner-watch.ts'
import { sessionValues } from '../../src/state/session-values.ts'
import { racingStore } from '../support/racing-store.ts'

const HOUR = 3600_000
const LEASE = 300
const PARTITION = 'session/ann/1'
const STREAM = 's'
const FAR = { expiresAt: Date.now() + HOUR }

const options = {
  retention: HOUR,
  lease: LEASE,
  gather: 0,
  maxEvents: 100,
  maxLength: 10_000,
  clock: Date.now,
}

/** Creates a stream with its first entry and one event, whose owner holds a lease. */
async function openStream() {
  const store = racingStore()
  const log = logKey(PARTITION, STREAM)
  await store.append(log, 0, [{ r: [1] }, { m: '{"jsonrpc":"2.0","method":"x"}' }], FAR)
  await store.put(leaseKey(PARTITION, STREAM), 'held', FAR)
  const watch = () => new OwnerWatch(store, PARTITION, STREAM, options)
  const ends = async () =>
    (await store.engine.read(log, 0)).filter(({ value }) => (value as { f?: true }).f).length
  const renew = () => store.engine.put(leaseKey(PARTITION, STREAM), 'held', FAR)
  const observation = async () =>
    (await store.engine.get([PARTITION, `watch/${STREAM}`]))?.value as { observed: number }
  return { store, log, watch, ends, renew, observation }
}

/** Waits for longer than the lease. */
async function watchToTheEnd(watch: OwnerWatch): Promise<void> {
  await watch.observe(2, LEASE)
  await watch.observe(2, LEASE + 1)
}

describe('a stream that has been silent for longer than the lease', () => {
  it('is closed once, with an error for each open request', async () => {
    const { watch, ends, store } = await openStream()
    await watchToTheEnd(watch())
    expect(await ends()).toBe(1)
    expect((await store.engine.get(leaseKey(PARTITION, STREAM)))?.value).toBe('ended')
  })

  it('stays open when its owner renews the lease just before it is ended', async () => {
    const { store, watch, ends, renew } = await openStream()
    store.before('put', 'lease/', renew)
    await watchToTheEnd(watch())
    expect(await ends()).toBe(0)
    expect((await store.engine.get(leaseKey(PARTITION, STREAM)))?.value).toBe('held')
  })

  it('ends with the answer when that comes just before the error', async () => {
    const { store, log, watch, ends } = await openStream()
    const answer = { m: '{"jsonrpc":"2.0","id":1,"result":{}}', f: true }
    store.before('append', 'stream/', () => store.engine.append(log, 2, [answer], FAR))
    await watchToTheEnd(watch())
    expect(await ends()).toBe(1)
    expect((await store.engine.read(log, 2))[0]?.value).toEqual(answer)
  })

  it('is closed by one of two readers who notice at once', async () => {
    const { store, watch, ends } = await openStream()
    const other = watch()
    await other.observe(2, LEASE)
    store.before('put', 'lease/', () => other.observe(2, LEASE + 1))
    await watchToTheEnd(watch())
    expect(await ends()).toBe(1)
  })
})

it('two readers who remember what they saw at once count the time once', async () => {
  const { store, watch, observation } = await openStream()
  const [one, other] = [watch(), watch()]
  for (const each of [one, other]) await each.observe(2, 100)
  await one.observe(2, 50)
  await other.observe(2, 60)
  store.before('put', 'watch/', () => other.remember(2))
  await one.remember(2)
  expect((await observation()).observed).toBe(60)
})

it('a value that is set just before an update claims it is not lost', async () => {
  const store = racingStore()
  const conversation = async () => ({ partition: PARTITION, expiresAt: FAR.expiresAt })
  const values = sessionValues(store, conversation)
  const others = sessionValues(store.engine, conversation)
  // The first two attempts lose, so the third one claims the value before it writes.
  for (const value of [10, 20, 30]) store.before('put', 'value/n', () => others.set('n', value))
  expect(await values.update<number>('n', (n = 0) => n + 1)).toBe(31)
})
