/** The tests that every engine of the store must pass. `describeStore(name, open)` registers them for one engine. */

import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonValue, Store, StoredEntry, StoreKey } from '../../src/index.ts'
import { StoreConflict } from '../../src/index.ts'

export interface Engine {
  store: Store
  /** A store of another instance with the same data; the same store if there can be only one instance. */
  peer: Store
  close?(): Promise<void>
}

/** Opens an engine that uses only `clock`. It is called once for the whole suite. */
export type OpenEngine = (clock: () => number) => Promise<Engine>

const MINUTE = 60_000

/** Texts that are difficult for storage engines. As keys, each must name a different item. */
const ODD_TEXTS = [
  '',
  ' ',
  '%',
  '#',
  '%0023',
  'a',
  'a#',
  'a#0000000000000001',
  'A',
  'é',
  'e\u0301',
  '日本語 🙂',
  'nul\u0000',
  'nul',
  'line\nbreak',
  '\ud800',
  '\udc00',
  '\ufffd',
  '__proto__',
  'constructor',
  '../..',
  '$.[0]',
  '"quoted" \\ {}',
  'l'.repeat(1000),
  'l'.repeat(5000),
  `${'l'.repeat(4999)}m`,
  '長'.repeat(1000),
]

const ODD_VALUES: JsonValue[] = [
  null,
  true,
  false,
  0,
  -1.5e-7,
  Number.MAX_SAFE_INTEGER,
  1e308,
  '',
  [],
  {},
  [[], {}, ''],
  { '': '', a: null, $ref: '#', 'a.b': 1, 'nul\u0000': '\u0000' },
  JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
  ...ODD_TEXTS,
  nested(200),
]

export function describeStore(name: string, open: OpenEngine): void {
  describe(`the store contract, ${name}`, () => {
    let now = Date.now()
    let engine: Engine
    let store: Store

    beforeAll(async () => {
      engine = await open(() => now)
      store = engine.store
    })
    afterAll(async () => {
      await engine?.close?.()
    })

    const aKey = (label = 'a'): StoreKey => [randomUUID(), label]
    const later = (ms = MINUTE) => ({ expiresAt: now + ms })
    const values = (entries: StoredEntry[]) => entries.map(({ value }) => value)

    describe('records', () => {
      it('are absent until they are put, and read back as they were put', async () => {
        const key = aKey()
        expect(await store.get(key)).toBeUndefined()
        const version = await store.put(key, { a: [1, 'two'] }, later())
        expect(await engine.peer.get(key)).toEqual({
          value: { a: [1, 'two'] },
          version,
          expiresAt: now + MINUTE,
        })
      })

      it('get a higher version with every write, conditional or not, also after deletion and expiry', async () => {
        const key = aKey()
        const versions = [await store.put(key, 1, { ...later(), ifVersion: 0 })]
        const write = async (ifVersion?: number) => {
          const options = { ...later(), ...(ifVersion !== undefined && { ifVersion }) }
          versions.push(await engine.peer.put(key, versions.length, options))
        }
        await write()
        await write(versions.at(-1))
        await write()
        await store.delete(key)
        now += 1
        await write()
        now += MINUTE
        await write(0)
        now += MINUTE
        await write()
        expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
        expect(versions.every((version) => Number.isSafeInteger(version) && version > 0)).toBe(true)
        expect((await store.get(key))?.version).toBe(versions.at(-1))
      })

      it('replace only the expected version', async () => {
        const key = aKey()
        await expect(store.put(key, 0, { ...later(), ifVersion: 1 })).rejects.toThrow(StoreConflict)
        const first = await store.put(key, 1, { ...later(), ifVersion: 0 })
        await expect(engine.peer.put(key, 2, { ...later(), ifVersion: 0 })).rejects.toThrow(
          StoreConflict,
        )
        const second = await store.put(key, 2, { ...later(), ifVersion: first })
        await expect(engine.peer.put(key, 3, { ...later(), ifVersion: first })).rejects.toThrow(
          StoreConflict,
        )
        await expect(store.put(key, 3, { ...later(), ifVersion: second + 1 })).rejects.toThrow(
          StoreConflict,
        )
        expect(await store.get(key)).toMatchObject({ value: 2, version: second })
      })

      it('are deleted once, and are absent afterwards', async () => {
        const key = aKey()
        expect(await store.delete(key)).toBe(false)
        const version = await store.put(key, 1, later())
        expect(await engine.peer.delete(key)).toBe(true)
        expect(await store.delete(key)).toBe(false)
        expect(await store.get(key)).toBeUndefined()
        await expect(store.put(key, 2, { ...later(), ifVersion: version })).rejects.toThrow(
          StoreConflict,
        )
        await store.put(key, 3, { ...later(), ifVersion: 0 })
        expect(await store.get(key)).toMatchObject({ value: 3 })
      })

      it('are absent to every method from the moment they expire', async () => {
        const key = aKey()
        const version = await store.put(key, 1, later(1000))
        now += 999
        expect(await store.get(key)).toMatchObject({ value: 1 })
        now += 1
        expect(await store.get(key)).toBeUndefined()
        expect(await store.delete(key)).toBe(false)
        await expect(store.put(key, 2, { ...later(), ifVersion: version })).rejects.toThrow(
          StoreConflict,
        )
        await store.put(key, 3, { ...later(1000), ifVersion: 0 })
        expect(await store.get(key)).toMatchObject({ value: 3, expiresAt: now + 1000 })
        now += 1000
        await store.put(key, 4, later())
        expect(await store.get(key)).toMatchObject({ value: 4 })
      })

      it('expire at the time of the last write, which may be earlier or later than before', async () => {
        const key = aKey()
        await store.put(key, 1, later(1000))
        await store.put(key, 2, later(3000))
        now += 2000
        expect(await store.get(key)).toMatchObject({ value: 2 })
        await store.put(key, 3, later(100))
        now += 100
        expect(await store.get(key)).toBeUndefined()
      })

      it('lose no update of 20 concurrent writers', async () => {
        const key = aKey()
        const increment = async (through: Store): Promise<void> => {
          const stored = await through.get(key)
          try {
            const count = Number(stored?.value ?? 0)
            await through.put(key, count + 1, { ...later(), ifVersion: stored?.version ?? 0 })
          } catch (error) {
            if (!(error instanceof StoreConflict)) throw error
            await increment(through)
          }
        }
        await Promise.all(twenty((i) => increment(i % 2 ? store : engine.peer)))
        expect(await store.get(key)).toMatchObject({ value: 20 })
      })

      it('get 20 different versions from 20 unconditional writers, and keep the highest', async () => {
        const key = aKey()
        const versions = await Promise.all(
          twenty((i) => (i % 2 ? store : engine.peer).put(key, i, later())),
        )
        expect(new Set(versions).size).toBe(20)
        const stored = await store.get(key)
        expect(stored?.version).toBe(Math.max(...versions))
        expect(stored?.value).toBe(versions.indexOf(Math.max(...versions)))
      })

      it('are created by exactly one of 20 writers, and deleted by exactly one', async () => {
        const key = aKey()
        const through = (i: number) => (i % 2 ? store : engine.peer)
        const puts = await Promise.allSettled(
          twenty((i) => through(i).put(key, i, { ...later(), ifVersion: 0 })),
        )
        expect(puts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        const deletions = await Promise.all(twenty((i) => through(i).delete(key)))
        expect(deletions.filter(Boolean)).toHaveLength(1)
      })
    })

    describe('logs', () => {
      it('number their entries from 1 without gaps, for batches of any size', async () => {
        const log = aKey()
        expect(await store.read(log, 0)).toEqual([])
        expect(await store.append(log, 0, ['a', 'b', 'c'], later())).toBe(3)
        expect(await engine.peer.append(log, 3, ['d'], later())).toBe(4)
        expect(await store.append(log, 4, ['e', 'f'], later())).toBe(6)
        const expected = [...'abcdef'].map((value, i) => ({ seq: i + 1, value }))
        expect(await engine.peer.read(log, 0)).toEqual(expected)
      })

      it('can be read from any entry, up to any limit', async () => {
        const log = aKey()
        const all = [...'abcdef']
        await store.append(log, 0, ['a', 'b', 'c'], later())
        await store.append(log, 3, ['d', 'e'], later())
        await store.append(log, 5, ['f'], later())
        for (const reader of [store, engine.peer]) {
          for (let after = 0; after <= 7; after += 1) {
            expect(values(await reader.read(log, after)), `after ${after}`).toEqual(
              all.slice(after),
            )
            for (const limit of [1, 2, 3, 4, 100, Number.MAX_SAFE_INTEGER]) {
              const entries = await reader.read(log, after, limit)
              expect(values(entries), `after ${after}, ${limit} of them`).toEqual(
                all.slice(after, after + limit),
              )
              expect(entries[0]?.seq ?? after + 1).toBe(after + 1)
            }
          }
        }
      })

      it('refuse a writer that does not know their last entry', async () => {
        const log = aKey()
        await store.append(log, 0, [1, 2, 3], later())
        await store.append(log, 3, [4, 5], later())
        for (const writer of [store, engine.peer]) {
          for (const after of [0, 1, 2, 3, 4, 6, 100]) {
            await expect(
              writer.append(log, after, ['late'], later()),
              `after ${after}`,
            ).rejects.toThrow(StoreConflict)
          }
        }
        expect(values(await store.read(log, 0))).toEqual([1, 2, 3, 4, 5])
        expect(await engine.peer.append(log, 5, [6], later())).toBe(6)
      })

      it('have no gap with 20 concurrent writers, and contain each entry once', async () => {
        const log = aKey()
        const write = async (writer: number): Promise<void> => {
          const through = writer % 2 ? store : engine.peer
          let last = 0
          for (let round = 0; round < 3; ) {
            try {
              const batch = Array.from({ length: 1 + (writer % 3) }, () => `${writer}:${round}`)
              last = await through.append(log, last, batch, later())
              round += 1
            } catch (error) {
              if (!(error instanceof StoreConflict)) throw error
              last = (await through.read(log, last)).at(-1)?.seq ?? last
            }
          }
        }
        await Promise.all(twenty(write))
        const entries = await store.read(log, 0)
        expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
        for (let writer = 0; writer < 20; writer += 1) {
          const own = entries.flatMap(({ value }) =>
            String(value).startsWith(`${writer}:`) ? [value] : [],
          )
          const expected = [0, 1, 2].flatMap((round) =>
            Array.from({ length: 1 + (writer % 3) }, () => `${writer}:${round}`),
          )
          expect(own).toEqual(expected)
        }
      })

      it('show no gap and the right order to a concurrent reader', async () => {
        const log = aKey()
        const total = 60
        const write = async () => {
          for (let last = 0; last < total; ) {
            last = await store.append(log, last, [last + 1, last + 2], later())
          }
        }
        const seen: StoredEntry[] = []
        const follow = async () => {
          while (seen.length < total) {
            seen.push(...(await engine.peer.read(log, seen.length, 7)))
            await new Promise(setImmediate)
          }
        }
        await Promise.all([write(), follow()])
        expect(seen).toEqual(
          Array.from({ length: total }, (_, i) => ({ seq: i + 1, value: i + 1 })),
        )
      })

      it('expire as a whole at their latest time, and begin again at 1', async () => {
        const log = aKey()
        await store.append(log, 0, ['old'], later(1000))
        await store.append(log, 1, ['older'], later(3000))
        await store.append(log, 2, ['oldest'], later(2000))
        now += 2999
        expect(values(await store.read(log, 1))).toEqual(['older', 'oldest'])
        await expect(engine.peer.append(log, 0, ['new'], later())).rejects.toThrow(StoreConflict)
        now += 1
        expect(await store.read(log, 0)).toEqual([])
        expect(await store.read(log, 2)).toEqual([])
        await expect(store.append(log, 3, ['late'], later())).rejects.toThrow(StoreConflict)
        expect(await engine.peer.append(log, 0, ['new', 'newer'], later())).toBe(2)
        expect(await store.read(log, 0)).toEqual([
          { seq: 1, value: 'new' },
          { seq: 2, value: 'newer' },
        ])
        expect(await store.append(log, 2, ['newest'], later())).toBe(3)
        expect(values(await engine.peer.read(log, 1))).toEqual(['newer', 'newest'])
      })

      it('continue while a writer appends, also after their first entries have expired', async () => {
        const log = aKey()
        let last = 0
        for (let round = 0; round < 5; round += 1) {
          last = await store.append(log, last, [round, round], later(1000))
          now += 600
        }
        expect(last).toBe(10)
        await expect(engine.peer.append(log, 0, ['stale'], later())).rejects.toThrow(StoreConflict)
        const entries = await engine.peer.read(log, 0)
        expect(entries.slice(-2)).toEqual([
          { seq: 9, value: 4 },
          { seq: 10, value: 4 },
        ])
        expect(await engine.peer.append(log, 10, ['next'], later())).toBe(11)
      })

      it('accept an append of no entries, which changes nothing', async () => {
        const log = aKey()
        expect(await store.append(log, 0, [], later())).toBe(0)
        expect(await store.append(log, 0, [1], later())).toBe(1)
        expect(await store.append(log, 1, [], later())).toBe(1)
        expect(values(await store.read(log, 0))).toEqual([1])
      })

      it('are not records, and are not deleted like records', async () => {
        const log = aKey()
        await store.append(log, 0, [1], later())
        const record: StoreKey = [log[0], 'record']
        await store.put(record, 1, later())
        expect(await store.delete(record)).toBe(true)
        expect(values(await store.read(log, 0))).toEqual([1])
      })
    })

    describe('keys and values', () => {
      it('distinguish all unusual names of records', async () => {
        const partition = randomUUID()
        await Promise.all(ODD_TEXTS.map((odd) => store.put([partition, odd], odd, later())))
        for (const odd of ODD_TEXTS) {
          expect((await engine.peer.get([partition, odd]))?.value, odd.slice(0, 30)).toBe(odd)
        }
      })

      it('distinguish all unusual names of logs', async () => {
        const partition = randomUUID()
        await Promise.all(
          ODD_TEXTS.map((odd) => store.append([partition, odd], 0, [odd, odd], later())),
        )
        for (const odd of ODD_TEXTS) {
          const entries = await engine.peer.read([partition, odd], 0)
          expect(values(entries), odd.slice(0, 30)).toEqual([odd, odd])
        }
      })

      it('distinguish all unusual partitions', async () => {
        const name = randomUUID()
        await Promise.all(ODD_TEXTS.map((odd) => store.put([odd, name], odd, later())))
        for (const odd of ODD_TEXTS) {
          expect((await engine.peer.get([odd, name]))?.value, odd.slice(0, 30)).toBe(odd)
        }
      })

      it('distinguish partition and name if both together are the same text', async () => {
        const id = randomUUID()
        const split: StoreKey[] = ['', '\u0000', '#', '|', ' '].flatMap((mark): StoreKey[] => [
          [`${id}${mark}`, 'x'],
          [id, `${mark}x`],
          [`${id}${mark}x`, ''],
        ])
        const texts = split.map((key) => JSON.stringify(key))
        await Promise.all(split.map((key, i) => store.put(key, texts[i] ?? '', later())))
        const unique = new Map(split.map((key, i) => [texts[i], key]))
        for (const [text, key] of unique) expect((await store.get(key))?.value).toBe(text)
      })

      it('return every JSON value unchanged, in records and in logs', async () => {
        const [record, log] = [aKey(), aKey()]
        for (const value of ODD_VALUES) {
          await store.put(record, value, later())
          expect((await engine.peer.get(record))?.value).toEqual(value)
        }
        await store.append(log, 0, ODD_VALUES, later())
        expect(values(await engine.peer.read(log, 0))).toEqual(ODD_VALUES)
        expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
      })

      it('do not change what is stored when the caller changes the value afterwards', async () => {
        const [record, log] = [aKey(), aKey()]
        const value = { list: [1] }
        await store.put(record, value, later())
        await store.append(log, 0, [value], later())
        value.list.push(2)
        const read = await store.get(record)
        expect(read?.value).toEqual({ list: [1] })
        expect(values(await store.read(log, 0))).toEqual([{ list: [1] }])
      })

      it('may be large: 300 KB at a time, a log of many', async () => {
        const [record, log] = [aKey(), aKey()]
        const large = 'x'.repeat(300 * 1024)
        await store.put(record, large, later())
        expect((await engine.peer.get(record))?.value).toBe(large)
        const count = 8
        for (let last = 0; last < count; ) last = await store.append(log, last, [large], later())
        const entries = await engine.peer.read(log, 0)
        expect(entries.map(({ seq, value }) => [seq, String(value).length])).toEqual(
          Array.from({ length: count }, (_, i) => [i + 1, large.length]),
        )
        expect(await engine.peer.read(log, 5, 2)).toHaveLength(2)
      })
    })

    describe('wait, if the engine has it,', () => {
      it('ends at a write or a deletion of a record, and at an append after the last known entry', async () => {
        if (!store.wait) return expect(Object.hasOwn(store, 'wait')).toBe(false)
        const [record, log] = [aKey(), aKey()]
        const never = new AbortController()
        const known = await store.put(record, 1, later())
        await store.append(log, 0, [1], later())
        const watches = [
          { key: record, after: known },
          { key: log, after: 1 },
        ]
        for (const change of [
          () => engine.peer.put(record, 2, later()),
          () => engine.peer.append(log, 1, [2], later()),
        ]) {
          const woken = await quietWait(() => store.wait?.(watches, never.signal))
          await change()
          await expectWoken(woken)
          await store.wait(watches, never.signal)
          watches[0] = { key: record, after: (await store.get(record))?.version ?? 0 }
        }
        watches[1] = { key: log, after: 2 }
        const woken = await quietWait(() => store.wait?.(watches, never.signal))
        await engine.peer.delete(record)
        await expectWoken(woken)
      })

      it('ends at an abort, before or during the wait, and never rejects', async () => {
        if (!store.wait) return expect(Object.hasOwn(store, 'wait')).toBe(false)
        const controller = new AbortController()
        const watches = [{ key: aKey(), after: 0 }]
        const waiting = store.wait(watches, controller.signal)
        await expectPending(waiting)
        controller.abort(new Error('enough'))
        await waiting
        await store.wait(watches, controller.signal)
      })
    })

    // fast-check reduces a failure before it reports it, which takes longer than the usual timeout.
    it('behaves like its model for any sequence of operations', { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(operation, { minLength: 10, maxLength: 60, size: 'max' }),
          async (operations) => {
            const model = new Model(randomUUID())
            for (const [i, step] of operations.entries()) {
              await model.check(step, i % 2 ? store : engine.peer, now)
              if (step.type === 'pass') now += step.ms
            }
          },
        ),
        { numRuns: 30 },
      )
    })
  })
}

/** Operations with few names and small numbers, so that they often use the same item. */
const nameOf = fc.constantFrom('', 'a', 'a#')
const jsonOf = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }))
const lifetimeOf = fc.constantFrom(50, 200, 1000)
const knowledgeOf = fc.constantFrom('current', 'stale', 'none')

const operation = fc.oneof(
  fc.record({ type: fc.constant('get' as const), name: nameOf }),
  fc.record({
    type: fc.constant('put' as const),
    name: nameOf,
    value: jsonOf,
    lifetime: lifetimeOf,
    version: fc.constantFrom('any', 'current', 'stale', 'none'),
  }),
  fc.record({ type: fc.constant('delete' as const), name: nameOf }),
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      name: nameOf,
      values: fc.array(jsonOf, { minLength: 1, maxLength: 4 }),
      lifetime: lifetimeOf,
      after: knowledgeOf,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('read' as const),
      name: nameOf,
      after: fc.nat(8),
      limit: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
  },
  fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1, 49, 150, 1000) }),
)

type Operation = typeof operation extends fc.Arbitrary<infer Step> ? Step : never

/** The simplest possible store, and the answers that an engine may give in addition. */
class Model {
  readonly #partition: string
  #now = 0
  #records = new Map<string, { value: JsonValue; version: number; expiresAt: number }>()
  #versions = new Map<string, number[]>()
  #logs = new Map<string, { value: JsonValue; expiresAt: number }[]>()

  constructor(partition: string) {
    this.#partition = partition
  }

  async check(step: Operation, store: Store, now: number): Promise<void> {
    this.#now = now
    switch (step.type) {
      case 'get':
        return expect(await store.get(this.#record(step.name))).toEqual(this.#live(step.name))
      case 'put':
        return this.#put(step, store)
      case 'delete': {
        const existed = this.#live(step.name) !== undefined
        expect(await store.delete(this.#record(step.name))).toBe(existed)
        this.#records.delete(step.name)
        return
      }
      case 'append':
        return this.#append(step, store)
      case 'read':
        return this.#read(step, store)
    }
  }

  #record(name: string): StoreKey {
    return [this.#partition, `record ${name}`]
  }

  #log(name: string): StoreKey {
    return [this.#partition, `log ${name}`]
  }

  #live(name: string) {
    const record = this.#records.get(name)
    return record && record.expiresAt > this.#now ? record : undefined
  }

  async #put(step: Operation & { type: 'put' }, store: Store): Promise<void> {
    const { name, version: which } = step
    const value = plain(step.value)
    const expiresAt = this.#now + step.lifetime
    const current = this.#live(name)?.version ?? 0
    const seen = this.#versions.get(name) ?? []
    const ifVersion = {
      any: undefined,
      none: 0,
      current,
      stale: seen.findLast((version) => version !== current) ?? 7,
    }[which]
    const put = store.put(this.#record(name), value, {
      expiresAt,
      ...(ifVersion !== undefined && { ifVersion }),
    })
    if (ifVersion !== undefined && ifVersion !== current) {
      await expect(put).rejects.toThrow(StoreConflict)
      return
    }
    const version = await put
    if (current > 0) expect(version).toBeGreaterThan(current)
    this.#records.set(name, { value, version, expiresAt })
    this.#versions.set(name, [...seen, version])
  }

  /** Returns all entries of a live log, otherwise none. */
  #entries(name: string) {
    const log = this.#logs.get(name) ?? []
    return log.some(({ expiresAt }) => expiresAt > this.#now) ? log : []
  }

  async #append(step: Operation & { type: 'append' }, store: Store): Promise<void> {
    const { name, values } = step
    const entries = this.#entries(name)
    const last = entries.length
    const after = { current: last, none: 0, stale: Math.max(last - 1, 0) }[step.after]
    const expiresAt = this.#now + step.lifetime
    const append = store.append(this.#log(name), after, values.map(plain), { expiresAt })
    if (after !== last) {
      await expect(append).rejects.toThrow(StoreConflict)
      return
    }
    expect(await append).toBe(last + values.length)
    this.#logs.set(name, [
      ...entries,
      ...values.map((value) => ({ value: plain(value), expiresAt })),
    ])
  }

  /** Only entries that expired before the log may be missing, and only at its beginning. */
  async #read(step: Operation & { type: 'read' }, store: Store): Promise<void> {
    const { name, after, limit = Number.POSITIVE_INFINITY } = step
    const entries = this.#entries(name)
    const read = await (step.limit === undefined
      ? store.read(this.#log(name), after)
      : store.read(this.#log(name), after, limit))
    const owed = entries.findIndex(({ expiresAt }, i) => i >= after && expiresAt > this.#now)
    const from = read[0] ? read[0].seq - 1 : entries.length
    expect(from).toBeGreaterThanOrEqual(Math.min(after, entries.length))
    if (owed >= 0) expect(from).toBeLessThanOrEqual(owed)
    expect(read).toEqual(
      entries.slice(from, from + limit).map(({ value }, i) => ({ seq: from + i + 1, value })),
    )
  }
}

/** Returns the value as JSON writes it, without `-0`. */
function plain(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value))
}

function nested(depth: number): JsonValue {
  let value: JsonValue = 'bottom'
  for (let i = 0; i < depth; i += 1) value = i % 2 ? [value] : { down: value }
  return value
}

function twenty<T>(make: (index: number) => T): T[] {
  return Array.from({ length: 20 }, (_, i) => make(i))
}

async function expectPending(promise: Promise<unknown>): Promise<void> {
  const pending = Symbol('pending')
  const turn = new Promise((resolve) => setImmediate(() => resolve(pending)))
  expect(await Promise.race([promise, turn])).toBe(pending)
}

/**
 * Returns a wait that has lasted half a second, so that over a network too it has subscribed and has read
 * the places once. A change before that would be found by this read, and the test would pass on an engine
 * that wakes no one. A wait may end early, when the announcement of an earlier change comes late.
 */
async function quietWait(
  wait: () => Promise<void> | undefined,
): Promise<{ ended: Promise<unknown> }> {
  for (let tries = 0; tries < 3; tries++) {
    const ended = Promise.resolve(wait())
    const quiet = new Promise((resolve) => setTimeout(() => resolve('quiet'), 500))
    if ((await Promise.race([ended, quiet])) === 'quiet') return { ended }
  }
  throw new Error('Each wait ended without a change')
}

/** A wait that nothing wakes ends after 15 seconds, because a wake-up may be lost. */
async function expectWoken({ ended }: { ended: Promise<unknown> }): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('not woken'), 5_000)
  })
  expect(await Promise.race([ended.then(() => 'woken'), late])).toBe('woken')
  clearTimeout(timer)
}
