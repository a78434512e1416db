/** The store of a single process: bounded, expiring, waking its waiters at once. */
import type {
  JsonValue,
  Store,
  StoredEntry,
  StoredRecord,
  StoreKey,
  StorePutOptions,
  StoreWatch,
} from './store.ts'
import { StoreConflict } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Records and logs held at most; beyond it the least recently used one goes. @default 100_000 */
  maxItems?: number
  /** Characters of keys and JSON held at most, all together; beyond it the same. @default 256 Mi */
  maxLength?: number
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number
}

interface Item {
  /** A record's JSON, or a log's entries: as text, so that nobody can change what is stored by reference. */
  value: string | string[]
  /** A record's version, or a log's last sequence number. */
  version: number
  expiresAt: number
  /** Characters of key and value. */
  length: number
}

/**
 * State for one process, the default. A process that ends takes it along, so several instances need
 * a shared engine such as `dynamoStore`.
 *
 * @example createMcp({ name: 'weather', version: '1.0.0', store: memoryStore({ maxItems: 10_000 }) })
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { maxItems = 100_000, maxLength = 256 * 1024 * 1024, clock = Date.now } = options
  const items = new Map<string, Item>()
  const waiters = new Map<string, Set<() => void>>()
  // no iterator over them is kept: one that rests keeps every table alive that the map has outgrown
  let held = 0
  let writesToSweep = 0
  /** The key used last: at the end of the map's order already. */
  let newest: string | undefined

  // with the length, as either text may hold any separator; joined, the key is one piece on every Node
  const flat = ([partition, name]: StoreKey) => [partition.length, partition + name].join(' ')

  const live = (item: Item | undefined) => (item && item.expiresAt > clock() ? item : undefined)

  function drop(key: string): void {
    held -= items.get(key)?.length ?? 0
    items.delete(key)
  }

  /** `old` is what stands under the key, alive or not. */
  function set(key: string, item: Item, old: Item | undefined): void {
    if (old && key !== newest) items.delete(key) // so that the map's order is that of use
    items.set(key, item)
    newest = key
    held += item.length - (old?.length ?? 0)
    if (--writesToSweep < 0) sweep()
    if (items.size > maxItems || held > maxLength) makeRoom(key)
    wake(key)
  }

  /** The expired are gone before the map has doubled, at two looks a write. */
  function sweep(): void {
    const now = clock()
    for (const [key, { expiresAt }] of items) if (expiresAt <= now) drop(key)
    writesToSweep = items.size
  }

  /** A hundredth at a time: on its way to the oldest item, each look steps over all that went before. */
  function makeRoom(newest: string): void {
    const mostItems = maxItems - Math.floor(maxItems / 100)
    const mostLength = maxLength - Math.floor(maxLength / 100)
    for (const oldest of items.keys()) {
      if (oldest === newest || (items.size <= mostItems && held <= mostLength)) break
      drop(oldest)
    }
  }

  function wake(key: string): void {
    for (const resolve of waiters.get(key) ?? []) resolve()
  }

  // versions grow across deletion and expiry too, so that a remembered one never fits by chance
  let lastVersion = 0

  return {
    processLocal: true,

    async get(key): Promise<StoredRecord | undefined> {
      const name = flat(key)
      const item = live(items.get(name))
      if (!item) return undefined
      if (name !== newest) {
        items.delete(name)
        items.set(name, item)
        newest = name
      }
      return {
        value: JSON.parse(item.value as string),
        version: item.version,
        expiresAt: item.expiresAt,
      }
    },

    async put(key, value, { expiresAt, ifVersion }: StorePutOptions): Promise<number> {
      const name = flat(key)
      const old = items.get(name)
      if (ifVersion !== undefined && (live(old)?.version ?? 0) !== ifVersion)
        throw new StoreConflict()
      const version = ++lastVersion
      const text = whole(JSON.stringify(value))
      set(name, { value: text, version, expiresAt, length: name.length + text.length }, old)
      return version
    },

    async delete(key): Promise<boolean> {
      const name = flat(key)
      const existed = live(items.get(name)) !== undefined
      drop(name)
      if (existed) wake(name)
      return existed
    },

    async append(log, after, entries, { expiresAt }): Promise<number> {
      const name = flat(log)
      const old = items.get(name)
      const item = live(old)
      if ((item?.version ?? 0) !== after) throw new StoreConflict()
      const texts = entries.map((entry) => whole(JSON.stringify(entry)))
      // a log is only ever added to: the array may be shared between its states
      const value = (item?.value as string[] | undefined) ?? []
      value.push(...texts)
      // a log lives as long as any of its entries was promised to
      const latest = Math.max(expiresAt, item?.expiresAt ?? 0)
      const length = texts.reduce((sum, text) => sum + text.length, item?.length ?? name.length)
      set(name, { value, version: value.length, expiresAt: latest, length }, old)
      return value.length
    },

    async read(log, after, limit = Number.POSITIVE_INFINITY): Promise<StoredEntry[]> {
      const texts = (live(items.get(flat(log)))?.value ?? []) as string[]
      return texts
        .slice(after, after + limit)
        .map((value, i) => ({ seq: after + i + 1, value: JSON.parse(value) as JsonValue }))
    },

    wait(watches: readonly StoreWatch[], signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const names = watches.map(({ key }) => flat(key))
        const done = () => {
          signal.removeEventListener('abort', done)
          for (const name of names) {
            const set = waiters.get(name)
            set?.delete(done)
            if (set?.size === 0) waiters.delete(name)
          }
          resolve()
        }
        if (
          signal.aborted ||
          watches.some(({ after }, i) => (live(items.get(names[i] ?? ''))?.version ?? 0) > after)
        ) {
          resolve()
          return
        }
        signal.addEventListener('abort', done)
        for (const name of names) {
          const set = waiters.get(name) ?? new Set()
          waiters.set(name, set.add(done))
        }
      })
    },
  }
}

/**
 * The same text in one piece: V8 keeps one that was put together as a tree of its parts, a third
 * larger and copied part by part by the collector, until somebody looks at a character of it.
 */
function whole(text: string): string {
  return Number.isNaN(text.charCodeAt(0)) ? '' : text
}
