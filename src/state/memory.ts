/** The store of a single process: it is bounded, drops what has expired, and wakes waiters at once. */
import type { Item, Owner } from './memory-items.ts'
import { half, toPartition, whole } from './memory-items.ts'
import type { Store, StoreKey, StoreWatch } from './store.ts'
import { StoreConflict } from './store.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Records and logs held at most. Beyond it, the owners that hold most lose items that were not used for
   * long: of more than 256 items the least recently used of a sample. The owner is the second part of a partition name such as `session/owner/id`.
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

/** Up to this number of items all are compared to find the least recently used one; of more a sample of 16. */
const COMPARED = 256
const SAMPLE = 16
/** Samples without an item of a large owner, of which the last one is taken as it is. */
const MOST_SAMPLES = 32

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
  /** All items in no order, to be passed piece by piece and sampled: a pass over a large map takes long. */
  const slots: Item[] = []
  let swept = 0
  let uses = 0
  let held = 0
  /** Items of an owner from which on it loses some, and the number of evictions for which that holds. */
  let heavyItems = 0
  let evictionsToCount = 0
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
    const last = slots.pop()
    if (!last || last === item) return
    last.slot = item.slot
    slots[item.slot] = last
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
    const owner = old?.owner ?? ownerOf(key)
    const slot = old?.slot ?? slots.length
    const item = { name, value, version, expiresAt, length, owner, slot, used: ++uses }
    slots[slot] = item
    count(item, 1)
    if (old) count(old, -1)
    if (old && name !== newest) items.delete(name) // so that the map's order is that of use
    items.set(name, item)
    newest = name
    sweep()
    while (items.size > maxItems && evict(name));
    if (held > maxLength) makeRoom(name)
    wake(name)
    return version
  }

  /** Passes two items at each write, and drops those that have expired. */
  function sweep(): void {
    const now = clock()
    for (let i = 0; i < 2; i++) {
      if (swept >= slots.length) swept = 0
      const item = slots[swept]
      // Another item takes the place of a dropped one.
      if (item && item.expiresAt <= now) drop(item.name)
      else swept++
    }
  }

  /**
   * Drops one item of an owner that holds at least half as many as the largest one, so that one owner
   * cannot erase the others. Which of them was not used for longest is looked up in a sample, so the time
   * that it takes does not grow with the store. False where there is none to drop.
   */
  function evict(kept: string): boolean {
    let oldest: Item | undefined
    for (let tries = 0; !oldest && tries < MOST_SAMPLES; tries++) {
      if (tries > 0 || --evictionsToCount < 0) {
        heavyItems = half(Array.from(owners.values(), (owner) => owner.items))
        evictionsToCount = items.size <= COMPARED ? 0 : Math.ceil(items.size / 100)
      }
      // The largest owners may hold next to nothing of a large store: then it does not matter who loses.
      const heavy = tries < MOST_SAMPLES - 1 ? heavyItems : 0
      const all = slots.length <= COMPARED
      for (let i = all ? slots.length : SAMPLE; i-- > 0; ) {
        const item = slots[all ? i : Math.floor(Math.random() * slots.length)]
        if (!item || item.name === kept || item.owner.items < heavy) continue
        if (!oldest || item.used < oldest.used) oldest = item
      }
    }
    if (oldest) drop(oldest.name)
    return oldest !== undefined
  }

  /**
   * Drops the least recently used items of the sessions that hold most characters, of the owners that do.
   * A hundredth of the room is made at once, as each time all items may have to be passed.
   */
  function makeRoom(kept: string): void {
    const enough = Math.ceil(maxLength * 0.99)
    for (let before = -1; held > enough && before !== items.size; ) {
      before = items.size
      const heavy = half(Array.from(owners.values(), (owner) => owner.length))
      const sessions = new Map<string, number>()
      for (const [name, { owner, length }] of items) {
        const session = toPartition(name)
        if (owner.length >= heavy) sessions.set(session, (sessions.get(session) ?? 0) + length)
      }
      const heavySession = half(sessions.values())
      for (const [name, { owner, length }] of items) {
        if (held <= enough) return
        if (name === kept || owner.length < heavy) continue
        const session = toPartition(name)
        const inSession = sessions.get(session) ?? 0
        if (inSession < heavySession) continue
        sessions.set(session, inSession - length)
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
      item.used = ++uses
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
