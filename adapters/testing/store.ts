/** A store that shows a test what is in it, and what was asked of it. */

import type { JsonValue, Store, StoredEntry, StoreKey } from '../../src/index.ts'
import { memoryStore } from '../../src/index.ts'

/** One call of a method of the store. */
export interface StoreOperation {
  readonly operation: 'get' | 'put' | 'delete' | 'append' | 'read'
  readonly key: StoreKey
}

/** A record with its value, or a log with its entries. */
export type StoredItem =
  | {
      readonly key: StoreKey
      readonly value: JsonValue
      /** Epoch milliseconds. */
      readonly expiresAt: number
    }
  | { readonly key: StoreKey; readonly entries: readonly StoredEntry[] }

/** What {@link testStore} returns. */
export interface TestStore extends Store {
  /** Every operation since the start, or since a test emptied the list (`operations.length = 0`). */
  readonly operations: StoreOperation[]
  /** Reads every record and log that was written here, is still there and has not expired. */
  contents(): Promise<StoredItem[]>
}

/** Options of {@link testStore}. */
export interface TestStoreOptions {
  /** The engine that keeps the items. @default memoryStore({ clock }) */
  engine?: Store
  /** The clock of the default engine, in epoch milliseconds. @default Date.now */
  clock?: () => number
}

/**
 * Creates a store that writes down each operation and lists what it holds. Names and values belong to
 * the library and may change between versions; a test of your own is better off with how many there
 * are, with when they expire, and with the values that its tools wrote.
 *
 * @example
 * const store = testStore()
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', store })
 * await (await connect(mcp)).callTool({ name: 'get_weather', arguments: { city: 'Oslo' } })
 * expect(store.operations).toEqual([])
 */
export function testStore({ clock, engine }: TestStoreOptions = {}): TestStore {
  const store = engine ?? memoryStore(clock && { clock })
  const operations: StoreOperation[] = []
  const written = new Map<string, { key: StoreKey; isLog: boolean }>()
  const note = (operation: StoreOperation['operation'], key: StoreKey) => {
    operations.push({ operation, key })
    if (operation === 'put' || operation === 'append') {
      written.set(JSON.stringify(key), { key, isLog: operation === 'append' })
    }
  }
  return {
    ...(store.processLocal && { processLocal: true }),
    operations,
    async contents() {
      const items: StoredItem[] = []
      for (const { key, isLog } of written.values()) {
        if (isLog) {
          const entries = await store.read(key, 0)
          if (entries.length > 0) items.push({ key, entries })
        } else {
          const record = await store.get(key)
          if (record) items.push({ key, value: record.value, expiresAt: record.expiresAt })
        }
      }
      return items
    },
    get(key, options) {
      note('get', key)
      return store.get(key, options)
    },
    put(key, value, options) {
      note('put', key)
      return store.put(key, value, options)
    },
    delete(key) {
      note('delete', key)
      return store.delete(key)
    },
    append(log, after, entries, options) {
      note('append', log)
      return store.append(log, after, entries, options)
    },
    read(log, after, limit) {
      note('read', log)
      return store.read(log, after, limit)
    },
    ...(store.wait && { wait: store.wait.bind(store) }),
  }
}
