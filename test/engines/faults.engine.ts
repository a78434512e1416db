/** Stores on a real server that dies, stalls, loses answers or is full. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../../adapters/postgres/postgres-store.ts'
import { redisStore } from '../../adapters/redis/redis-store.ts'
import type { Store } from '../../src/index.ts'
import { StoreConflict, StoreUnavailable } from '../../src/index.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import type { EngineServer } from '../support/engines.ts'
import { NETWORK_ENGINES } from '../support/engines.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis-server.ts'

const later = () => ({ expiresAt: Date.now() + 60_000 })

/** Adds one to a counter until `times` writes are acknowledged, and returns how many were acknowledged. */
async function increment(store: Store, name: string, times: number): Promise<number> {
  let acknowledged = 0
  while (acknowledged < times) {
    try {
      const stored = await store.get(['counter', name])
      const count = Number(stored?.value ?? 0)
      await store.put(['counter', name], count + 1, {
        ...later(),
        ifVersion: stored?.version ?? 0,
      })
      acknowledged += 1
    } catch (error) {
      if (error instanceof StoreConflict) continue
      expect(error).toBeInstanceOf(StoreUnavailable)
      await sleep(20)
    }
  }
  return acknowledged
}

describe.each(NETWORK_ENGINES)('a store on $name', ({ name, start, open }) => {
  let server: EngineServer
  let store: ReturnType<typeof open>
  let peer: ReturnType<typeof open>

  beforeAll(async () => {
    server = await start()
    store = open(server.port)
    peer = open(server.port)
  }, 60_000)
  afterAll(async () => {
    await Promise.all([store?.close(), peer?.close()])
    await server?.[Symbol.asyncDispose]()
  })

  it('loses nothing that was acknowledged when the server is killed and comes back', {
    timeout: 60_000,
  }, async () => {
    const writers = Array.from({ length: 8 }, (_, i) =>
      increment(i % 2 ? store : peer, 'killed', 40),
    )
    await sleep(60)
    await server.kill()
    await sleep(150)
    await server.restart()
    const acknowledged = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0)
    const count = Number((await store.get(['counter', 'killed']))?.value)
    expect(acknowledged).toBe(320)
    // Writes whose answer was lost may have been carried out in addition.
    expect(count).toBeGreaterThanOrEqual(acknowledged)
    expect(count).toBeLessThanOrEqual(acknowledged + 8)
  })

  it('never answers "absent" while the server is away, and ends in time', async () => {
    await store.put(['away', 'record'], 1, later())
    await store.append(['away', 'log'], 0, [1], later())
    const impatient = open(server.port, { timeout: 1_500 })
    await server.kill()
    try {
      const started = performance.now()
      const attempts = await Promise.allSettled([
        impatient.get(['away', 'record']),
        impatient.read(['away', 'log'], 0),
        impatient.put(['away', 'record'], 2, later()),
        impatient.append(['away', 'log'], 1, [2], later()),
        impatient.delete(['away', 'record']),
      ])
      expect(performance.now() - started).toBeLessThan(4_000)
      for (const attempt of attempts) {
        expect(attempt).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
      }
    } finally {
      await server.restart()
      await impatient.close()
    }
    expect(await store.get(['away', 'record'])).toMatchObject({ value: 1 })
  })

  it('goes on after the server was frozen, with each append done once', {
    timeout: 30_000,
  }, async () => {
    const write = async () => {
      let last = 0
      for (let i = 0; i < 60; i++) last = await store.append(['frozen', 'log'], last, [i], later())
    }
    const writing = write()
    await sleep(40)
    server.pause()
    await sleep(1_500)
    server.resume()
    await writing
    const entries = await peer.read(['frozen', 'log'], 0)
    expect(entries).toEqual(Array.from({ length: 60 }, (_, i) => ({ seq: i + 1, value: i })))
  })

  it('knows its own writes again when their answers were lost', async () => {
    await using proxy = await startCuttingProxy(server.port)
    const through = open(proxy.port)
    try {
      const version = await through.put(['lost', 'a'], 1, { ...later(), ifVersion: 0 })
      proxy.loseAnswers(1)
      expect(await through.put(['lost', 'a'], 2, { ...later(), ifVersion: version })).toBe(
        version + 1,
      )
      await through.append(['lost', 'log'], 0, ['x'], later())
      proxy.loseAnswers(1)
      expect(await through.append(['lost', 'log'], 1, ['y', 'z'], later())).toBe(3)
      expect(proxy.lost).toBe(2)
      expect(await store.get(['lost', 'a'])).toMatchObject({ value: 2, version: version + 1 })
      expect((await store.read(['lost', 'log'], 0)).map(({ value }) => value)).toEqual([
        'x',
        'y',
        'z',
      ])
      await through.delete(['lost', 'nothing'])
      // It cannot be known any more whether the first attempt deleted it.
      proxy.loseAnswers(1)
      await expect(through.delete(['lost', 'a'])).rejects.toThrow(StoreUnavailable)
      expect(await store.get(['lost', 'a'])).toBeUndefined()
    } finally {
      await through.close()
    }
  })

  it('wakes a wait at a change by another process, also after the server came back', {
    timeout: 30_000,
  }, async () => {
    const never = new AbortController().signal
    const key = ['waited', 'record'] as const
    const log = ['waited', 'log'] as const
    for (const round of [1, 2]) {
      const after = (await store.get(key))?.version ?? 0
      const entries = (await store.read(log, 0)).length
      const times: number[] = []
      for (const change of [
        () => peer.put(key, round, later()),
        () => peer.append(log, entries, [round], later()),
      ]) {
        const known = await store.get(key)
        const woken = store.wait?.(
          [
            { key, after: known?.version ?? after },
            { key: log, after: entries },
          ],
          never,
        )
        // The wait has subscribed and has read the place, so now only the announcement can end it.
        await sleep(400)
        const started = performance.now()
        await change()
        await woken
        times.push(performance.now() - started)
      }
      for (const time of times) expect(time).toBeLessThan(3_000)
      if (round === 1) {
        await server.kill()
        await server.restart()
      }
    }
  })

  it('names what is wrong with its address, without the password', async () => {
    const nowhere = await freePort()
    const url =
      name === 'Redis'
        ? `redis://user:secret-word@127.0.0.1:${nowhere}`
        : `postgres://test:secret-word@127.0.0.1:${nowhere}/postgres`
    const lost = name === 'Redis' ? redisStore({ url }) : postgresStore({ url })
    try {
      const error: unknown = await lost.get(['a', 'b']).catch((reason) => reason)
      expect(error).toBeInstanceOf(StoreUnavailable)
      expect(String(error)).toContain(`${name} cannot be reached`)
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-word')
    } finally {
      await lost.close()
    }
  })
})

describe('a store on a full Redis', () => {
  it('refuses writes as unavailable, and still reads', async () => {
    await using server = await startRedis({ maxmemory: '3mb' })
    const store = redisStore({ url: server.url })
    try {
      await store.put(['full', 'kept'], 'here', later())
      const fill = async () => {
        for (let i = 0; ; i++) await store.put(['full', `${i}`], 'x'.repeat(100_000), later())
      }
      await expect(fill()).rejects.toThrow(StoreUnavailable)
      expect(await store.get(['full', 'kept'])).toMatchObject({ value: 'here' })
    } finally {
      await store.close()
    }
  })

  it('refuses a URL of another kind', () => {
    expect(() => redisStore({ url: 'http://localhost' })).toThrow('redis://')
    expect(() => redisStore({})).toThrow('needs a url or a client')
    expect(() => redisStore({ url: 'redis://localhost', timeout: 0 })).toThrow('timeout')
  })
})

describe('what has expired in PostgreSQL', () => {
  it('is removed by the sweep, and nothing else is', { timeout: 30_000 }, async () => {
    const engine = NETWORK_ENGINES.find(({ name }) => name === 'PostgreSQL')
    if (!engine) throw new Error('There is no such engine')
    await using server = await engine.start()
    const url = `postgres://test@127.0.0.1:${server.port}/postgres`
    let now = Date.now()
    const store = postgresStore({ url, sweepEvery: 50, clock: () => now })
    const { default: pg } = await import('pg')
    const pool = new pg.Pool({ connectionString: url })
    pool.on('error', () => {})
    const rows = async () => {
      const { rows: found } = await pool.query<{ count: string }>(
        'SELECT (SELECT count(*) FROM mcp_records) + (SELECT count(*) FROM mcp_logs) + (SELECT count(*) FROM mcp_entries) AS count',
      )
      return Number(found[0]?.count)
    }
    try {
      await store.put(['swept', 'short'], 1, { expiresAt: now + 1_000 })
      await store.put(['swept', 'long'], 1, { expiresAt: now + 60_000 })
      await store.append(['swept', 'short'], 0, [1, 2], { expiresAt: now + 1_000 })
      await store.append(['swept', 'growing'], 0, [1], { expiresAt: now + 1_000 })
      await store.append(['swept', 'growing'], 1, [2], { expiresAt: now + 60_000 })
      expect(await rows()).toBe(2 + 2 + 3)
      now += 2_000
      await expect.poll(rows).toBe(1 + 1 + 2)
      expect(await store.get(['swept', 'long'])).toMatchObject({ value: 1 })
      expect(await store.read(['swept', 'growing'], 0)).toHaveLength(2)
    } finally {
      await store.close()
      await pool.end()
    }
  })
})
