/** Two writers at once: each kind of state handles a write that comes between its own read and its own write. */
import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../src/index.ts'
import { updateRecord } from '../../src/state/records.ts'
import { createSeal } from '../../src/state/sealed-state.ts'
import type { LegacySession } from '../../src/state/sessions.ts'
import { Sessions, sessionKey } from '../../src/state/sessions.ts'
import { racingStore } from '../support/racing-store.ts'

const HOUR = 3600_000
const NEW: Omit<LegacySession, 'createdAt'> = {
  revision: '2025-11-25',
  client: {},
  capabilities: {},
}

async function openSession() {
  let now = Date.now()
  const store = racingStore()
  const options = { ttl: HOUR, maxAge: 10 * HOUR, clock: () => now }
  const sessions = new Sessions<LegacySession>(store, 'session', options)
  const others = new Sessions<LegacySession>(store.engine, 'session', options)
  const { id, partition } = await sessions.open('ann', (createdAt) => ({ ...NEW, createdAt }))
  const wait = (ms: number) => {
    now += ms
  }
  const clock = () => now
  return { store, sessions, others, id, key: sessionKey(partition), wait, clock }
}

describe('a session', () => {
  it('that is deleted during its renewal stays deleted', async () => {
    const { store, sessions, others, id, key, wait } = await openSession()
    wait(0.6 * HOUR)
    store.before('put', 'session', () => others.delete('ann', id))
    expect(await sessions.find('ann', id)).toBeUndefined()
    expect(await store.get(key)).toBeUndefined()
  })

  it('that is changed during its renewal is found with the change', async () => {
    const { store, sessions, others, id, wait } = await openSession()
    wait(0.6 * HOUR)
    store.before('put', 'session', () => others.update('ann', id, () => ({ logLevel: 'error' })))
    expect((await sessions.find('ann', id))?.data.logLevel).toBe('error')
  })

  it('keeps a log level and a subscription that are set at once', async () => {
    const { store, sessions, others, id } = await openSession()
    const subscriptions = ['test://text']
    store.before('put', 'session', () => others.update('ann', id, () => ({ subscriptions })))
    await sessions.update('ann', id, () => ({ logLevel: 'error' }))
    const found = await sessions.find('ann', id)
    expect(found?.data).toMatchObject({ logLevel: 'error', subscriptions })
  })

  it('is written only in the second half of its time', async () => {
    const { store, sessions, id, key, wait } = await openSession()
    const version = async () => (await store.engine.get(key))?.version
    const first = await version()
    wait(0.4 * HOUR)
    await sessions.find('ann', id)
    expect(await version()).toBe(first)
    wait(0.2 * HOUR)
    await sessions.find('ann', id)
    expect(await version()).toBeGreaterThan(first ?? 0)
  })

  it('in use ends at its maximum age', async () => {
    const { store, sessions, id, key, wait, clock } = await openSession()
    const start = clock()
    for (let i = 0; i < 15; i++) {
      wait(0.7 * HOUR)
      await sessions.find('ann', id)
    }
    expect((await store.engine.get(key))?.expiresAt ?? 0).toBeLessThanOrEqual(start + 10 * HOUR)
    expect(sessions.endOf({ createdAt: start })).toBe(start + 10 * HOUR)
  })

  it('is not found by another caller, or with any other text', async () => {
    const { store, sessions, id } = await openSession()
    expect(await sessions.find('bob', id)).toBeUndefined()
    store.before('get', 'session', () => {
      throw new Error('A foreign text became part of a key')
    })
    expect(await sessions.find('ann', `${id}/x`)).toBeUndefined()
  })
})

describe('a record', () => {
  it('is written once, also when other writers win five times', async () => {
    const store = racingStore()
    const key = ['p', 'record'] as const
    const expiresAt = Date.now() + HOUR
    const writeOther = async () => {
      const value = Number((await store.engine.get(key))?.value ?? 0)
      await store.engine.put(key, value + 1, { expiresAt })
    }
    for (let i = 0; i < 5; i++) store.before('put', 'record', writeOther)
    const change = ({ value }: { value: number | undefined }) => ({
      value: (value ?? 0) + 100,
      expiresAt,
    })
    expect((await updateRecord<number>(store, key, change))?.value).toBe(105)
  })
})

describe('the sealing key', () => {
  it('is the same when two instances create it at once', async () => {
    const store = racingStore()
    const [one, other] = [createSeal(store, Date.now), createSeal(store.engine, Date.now)]
    let first = ''
    store.before('put', 'state-key', async () => {
      first = await other.seal('first')
    })
    const second = await one.seal('second')
    expect(await one.open(first)).toBe('first')
    expect(await other.open(second)).toBe('second')
  })

  it('is read by an instance that starts later', async () => {
    const store = racingStore()
    const sealed = await createSeal(store, Date.now).seal('value')
    expect(await createSeal(store, Date.now).open(sealed)).toBe('value')
  })

  it('is read again after a read that failed', async () => {
    const store = racingStore()
    const seal = createSeal(store, Date.now)
    store.before('get', 'state-key', () => {
      throw new StoreUnavailable('busy')
    })
    await expect(seal.seal('value')).rejects.toThrow(StoreUnavailable)
    expect(await seal.open(await seal.seal('value'))).toBe('value')
  })
})
