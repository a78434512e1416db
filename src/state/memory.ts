/** The store of a single process: it is bounded, drops what has expired, and wakes waiters at once. */
import type { Store, StoreKey, StoreWatch } from './store.ts'
import { StoreConflict } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Records and logs held at most. Beyond it, the owners that hold most lose their least recently used
   * ones. The owner is the second part of a partition name such as `session/owner/id`.
   * @default 100_000
   */
  maxItems?: number
  /**
   * Characters of keys and JSON held at most, all together. Beyond it the same, and of the sessions of
   * these owners those lose items that hold most.
   * @default 256 Mi
   */
  maxLength?: number
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number
}

interface Item {
  /** JSON of a record, or of each entry of a log. As text, a caller cannot change it by reference. */
  value: string | string[]
  /** A record's version, or a log's last sequence number. */
  version: number
  expiresAt: number
  /** Characters of key and value. */
  length: number
  owner: Owner
}

/** What the items of one owner add up to. */
interface Owner {
  readonly name: string
  items: number
  length: number
}

/**
 * The default store, for a single process. It is lost when the program ends, so several instances need
 * a shared engine such as `dynamoStore`.
 *
 * @example createMcp({ name: 'weather', version: '1.0.0', store: memoryStore({ maxItems: 10_000 }) })
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { maxItems = 100_000, maxLength = 256 * 1024 * 1024, clock = Date.now } = options
  // Never keep an iterator over it between calls: that retains every table the map has outgrown.
  const items = new Map<string, Item>()
  const owners = new Map<string, Owner>()
  const waiters = new Map<string, Set<() => void>>()
  let held = 0
  let writesToSweep = 0
  /** The key used last, which is at the end of the map's order already. */
  let newest: string | undefined

  // With the length of the partition, as both texts may hold any separator. `join` makes one flat string.
  const toName = ([partition, name]: StoreKey) => [partition.length, partition + name].join(' ')

  const live = (item: Item | undefined) => (item && item.expiresAt > clock() ? item : undefined)

  function ownerOf([partition]: StoreKey): Owner {
    const name = /\/(.*)\//s.exec(partition)?.[1] ?? ''
    const owner = owners.get(name) ?? { name, items: 0, length: 0 }
    owners.set(name, owner)
    return owner
  }

  function drop(name: string): void {
    const item = items.get(name)
    if (!item) return
    items.delete(name)
    count(item, -1)
  }

  function count({ owner, length }: Item, sign: 1 | -1): void {
    held += sign * length
    owner.length += sign * length
    owner.items += sign
    if (owner.items === 0) owners.delete(owner.name)
  }

  /** `old` is the item under the name before, also when it has expired. Returns the version. */
  function set(
    key: StoreKey,
    name: string,
    old: Item | undefined,
    value: string | string[],
    version: number,
    expiresAt: number,
    length: number,
  ): number {
    const item = { value, version, expiresAt, length, owner: old?.owner ?? ownerOf(key) }
    count(item, 1)
    if (old) count(old, -1)
    if (old && name !== newest) items.delete(name) // so that the map's order is that of use
    items.set(name, item)
    newest = name
    if (--writesToSweep < 0) sweep()
    if (isOver(1)) makeRoom(name)
    wake(name)
    return version
  }

  /** Runs when there were as many writes as items, so it costs each write two steps. */
  function sweep(): void {
    const now = clock()
    for (const [name, { expiresAt }] of items) if (expiresAt <= now) drop(name)
    writesToSweep = items.size
  }

  const isOver = (part: number) =>
    items.size > Math.ceil(maxItems * part) || held > Math.ceil(maxLength * part)

  /**
   * Drops the least recently used items of the owners that hold at least half of what the largest one
   * holds, so that one owner cannot erase the others. For characters, the same among their sessions.
   * A hundredth of the room is made at once, as each time all items may have to be passed.
   */
  function makeRoom(kept: string): void {
    for (let before = -1; isOver(0.99) && before !== items.size; ) {
      before = items.size
      const measure = held > maxLength * 0.99 ? 'length' : 'items'
      const heavy = half(Array.from(owners.values(), (owner) => owner[measure]))
      // Only characters are compared among sessions, too.
      const sessions = measure === 'length' ? new Map<string, number>() : undefined
      for (const [name, { owner, length }] of items) {
        if (!sessions) break
        const session = toPartition(name)
        if (owner.length >= heavy) sessions.set(session, (sessions.get(session) ?? 0) + length)
      }
      const heavySession = half(sessions?.values() ?? [])
      for (const [name, { owner, length }] of items) {
        if (!isOver(0.99)) return
        if (name === kept || owner[measure] < heavy) continue
        if (sessions) {
          const session = toPartition(name)
          const inSession = sessions.get(session) ?? 0
          if (inSession < heavySession) continue
          sessions.set(session, inSession - length)
        }
        drop(name)
      }
    }
  }

  function wake(name: string): void {
    for (const resolve of waiters.get(name) ?? []) resolve()
  }

  // Versions grow across deletion and expiry, so that an old one never fits by chance.
  let lastVersion = 0

  return {
    processLocal: true,

    async get(key) {
      const name = toName(key)
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

    async put(key, value, { expiresAt, ifVersion }) {
      const name = toName(key)
      const old = items.get(name)
      if (ifVersion !== undefined && (live(old)?.version ?? 0) !== ifVersion)
        throw new StoreConflict()
      const text = whole(JSON.stringify(value))
      return set(key, name, old, text, ++lastVersion, expiresAt, name.length + text.length)
    },

    async delete(key): Promise<boolean> {
      const name = toName(key)
      const existed = live(items.get(name)) !== undefined
      drop(name)
      if (existed) wake(name)
      return existed
    },

    async append(log, after, entries, { expiresAt }): Promise<number> {
      const name = toName(log)
      const old = items.get(name)
      const item = live(old)
      if ((item?.version ?? 0) !== after) throw new StoreConflict()
      const texts = entries.map((entry) => whole(JSON.stringify(entry)))
      // Entries are only ever added, so the array may be shared with the item before.
      const value = (item?.value as string[] | undefined) ?? []
      value.push(...texts)
      // A log lives as long as the longest-lived of its entries.
      const latest = Math.max(expiresAt, item?.expiresAt ?? 0)
      const length = texts.reduce((sum, text) => sum + text.length, item?.length ?? name.length)
      return set(log, name, old, value, value.length, latest, length)
    },

    async read(log, after, limit = Number.POSITIVE_INFINITY) {
      const texts = (live(items.get(toName(log)))?.value ?? []) as string[]
      return texts
        .slice(after, after + limit)
        .map((value, i) => ({ seq: after + i + 1, value: JSON.parse(value) }))
    },

    wait(watches: readonly StoreWatch[], signal: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const names = watches.map(({ key }) => toName(key))
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

/** Half of the largest of the numbers. */
function half(numbers: Iterable<number>): number {
  let most = 0
  for (const number of numbers) most = Math.max(most, number)
  return most / 2
}

/** The partition in a name that `toName` made. */
function toPartition(name: string): string {
  const start = name.indexOf(' ') + 1
  return name.slice(start, start + Number.parseInt(name, 10))
}

/**
 * The same text in one piece. V8 keeps a text that was put together as a tree of its parts, which is a
 * third larger and slow to collect, until a character of it is read.
 */
function whole(text: string): string {
  return Number.isNaN(text.charCodeAt(0)) ? '' : text
}
