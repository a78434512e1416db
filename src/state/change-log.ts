/** Changes of the server's lists and resources, told to every instance through one small record. */

import { ChangeWaiter } from './polling.ts'
import { updateRecord } from './records.ts'
import type { Store, StoreKey, TypedStore } from './store.ts'

/** A list changed, for all callers or for one, or the contents of one resource. */
export type Change =
  | { kind: 'tools' | 'prompts' | 'resources'; subject?: string | undefined }
  | { kind: 'resource'; uri: string }

/**
 * Changes after a cursor. `gap` says that older ones are not known any more, so a reader must assume
 * that everything changed.
 */
export interface ChangeBatch {
  readonly cursor: number
  readonly changes: readonly Change[]
  readonly gap: boolean
}

/**
 * The record: the number of the last change, and the most recent changes. A change only tells a client
 * to read again, so a bounded record does and no log has to grow. An idle reader pays one read of one
 * small item, and a reader that fell too far behind learns that there is a gap.
 */
interface ChangeLog {
  readonly last: number
  readonly recent: readonly Numbered[]
  /** The number of the latest change that was dropped because the record was full. */
  readonly dropped?: number
}

type Numbered = readonly [number: number, change: Change]

/**
 * A copy of the record, of the version `of`. Where an engine cannot wake its waiters, all instances
 * poll, and one DynamoDB item bears 3,000 to 6,000 reads a second: copies spread them.
 */
interface ChangeLogCopy extends ChangeLog {
  readonly of: number
}

/** Options of {@link ChangeFeed}. */
export interface ChangeFeedOptions {
  /** The record. @default the changes of the server */
  key?: StoreKey
  /** Copies of the record that pollers read instead of it; 1 or less means the record itself. @default 1 */
  copies?: number
  /** Whether a new listener expects changes within the next second, and so shortens the pause of the poll. @default false */
  eager?: boolean
}

const SERVER_CHANGES: StoreKey = ['server', 'changes']
/** Changes that the record keeps, and the characters of them, so that a poll stays cheap. */
const REMEMBERED = 100
const REMEMBERED_LENGTH = 16_000
/**
 * Each 15th poll reads the record and not its copy: the publisher may have died before it wrote
 * the copy, or may write fewer copies than this process reads.
 */
const POLLS_PER_LOOK = 15
const MONTH = 30 * 24 * 3600_000

/** The record as it was read. At version 0 nothing was published, and `last` is the time. */
interface Snapshot {
  readonly log: ChangeLog
  readonly version: number
}

/** Equal for changes that tell a client the same. */
const nameOf = (change: Change) =>
  change.kind === 'resource'
    ? `resource ${change.uri}`
    : change.subject === undefined
      ? change.kind
      : `${change.kind} ${change.subject}`

export class ChangeFeed {
  readonly #store: TypedStore
  readonly #clock: () => number
  readonly #key: StoreKey
  readonly #eager: boolean
  readonly #copies: number
  /** The copy that this process polls. */
  readonly #copy: number
  #polls = 0
  #queue = new Map<string, Change>()
  #publishing: Promise<void> | undefined
  /** The newest record that this process has read or written. */
  #latest: Snapshot | undefined
  /** Called with each newer record, one for each listener of this process that waits. */
  readonly #waiting = new Set<() => void>()
  #lastBatch: { log: ChangeLog; after: number; batch: ChangeBatch } | undefined
  #listeners = 0
  #reading = false
  /** Ends the pause between two reads. */
  #wakeReader = () => {}

  constructor(store: Store, clock: () => number, options: ChangeFeedOptions = {}) {
    const { key = SERVER_CHANGES, copies = 1, eager = false } = options
    this.#store = store as TypedStore
    this.#clock = clock
    this.#key = key
    this.#eager = eager
    // An engine that wakes its waiters has no polls to spread.
    this.#copies = store.wait || copies <= 1 ? 0 : copies
    this.#copy = Math.floor(Math.random() * this.#copies)
  }

  /** Resolves when the change is durable. Changes of one turn of the event loop go into one write. */
  publish(change: Change): Promise<void> {
    this.#queue.set(nameOf(change), change)
    this.#publishing ??= this.#write()
    return this.#publishing
  }

  async #write(): Promise<void> {
    await null
    const changes = this.#queue
    this.#queue = new Map()
    this.#publishing = undefined // later changes go into the next write
    const written = await updateRecord<ChangeLog>(this.#store, this.#key, ({ value }) => {
      const { recent, last, dropped } = value ?? this.#empty()
      const kept = recent.filter(([, old]) => !changes.has(nameOf(old)))
      const added = Array.from(changes.values(), (change, i) => [last + 1 + i, change] as const)
      const log = trimmed([...kept, ...added], last + added.length, dropped)
      return { value: log, expiresAt: this.#clock() + MONTH }
    })
    if (!written) return
    this.#announce({ log: written.value, version: written.version })
    await Promise.all(
      Array.from({ length: this.#copies }, (_, i) => this.#writeCopy(i, written.value, written)),
    )
  }

  /** Writes a copy, unless a publisher with a newer version was first. */
  async #writeCopy(copy: number, log: ChangeLog, { version }: { version: number }): Promise<void> {
    await updateRecord<ChangeLogCopy>(this.#store, this.#copyKey(copy), ({ value }) => {
      if (value && value.of >= version) return undefined
      return { value: { ...log, of: version }, expiresAt: this.#clock() + MONTH }
    })
  }

  #copyKey(copy: number): StoreKey {
    const [partition, name] = this.#key
    return [`${partition}/copy ${copy}`, name]
  }

  /** The cursor of a new listener, which gets only what is published later. */
  async now(): Promise<number> {
    return (await this.#read()).log.last
  }

  /** Changes after a cursor until the signal aborts, and an empty batch after `heartbeat` ms without any. */
  async *since(
    cursor: number,
    heartbeat: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangeBatch> {
    let seen = await this.#read()
    this.#join()
    try {
      for (let waited = false; !signal.aborted; waited = true) {
        const { log, version } = seen
        // At version 0 nothing was published, and `last` is only the time.
        if (version > 0 && log.last !== cursor) {
          const batch = this.#batch(log, cursor)
          cursor = log.last
          yield batch
        } else if (waited) {
          yield { cursor, changes: [], gap: false }
        }
        seen = await this.#newer(seen, signal, heartbeat)
      }
    } finally {
      this.#leave()
    }
  }

  /** The changes after a cursor. Listeners of this process mostly have the same cursor, so one batch serves them all. */
  #batch(log: ChangeLog, cursor: number): ChangeBatch {
    const { last, recent, dropped = 0 } = log
    const known = this.#lastBatch
    if (known?.log === log && known.after === cursor) return known.batch
    const gap = last < cursor || dropped > cursor
    const changes = recent.flatMap(([n, change]) => (n > cursor ? [change] : []))
    const batch = { cursor: last, changes, gap }
    this.#lastBatch = { log, after: cursor, batch }
    return batch
  }

  /** Resolves with a newer record, or with `seen` after `atMost` ms or when the signal aborts. */
  #newer(seen: Snapshot, signal: AbortSignal, atMost: number): Promise<Snapshot> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.#latest && this.#latest.version > seen.version) done(this.#latest)
      }
      const done = (snapshot: Snapshot) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#waiting.delete(check)
        resolve(snapshot)
      }
      const stop = () => done(seen)
      const timer = setTimeout(stop, atMost)
      signal.addEventListener('abort', stop)
      this.#waiting.add(check)
      if (signal.aborted) stop()
      else check()
    })
  }

  #announce(snapshot: Snapshot): void {
    if (snapshot.version <= (this.#latest?.version ?? 0)) return
    this.#latest = snapshot
    for (const check of [...this.#waiting]) check()
  }

  #join(): void {
    this.#listeners++
    if (this.#eager) this.#wakeReader()
    if (!this.#reading) void this.#follow()
  }

  #leave(): void {
    this.#listeners--
    if (this.#listeners === 0) this.#wakeReader()
  }

  /**
   * Reads the record for all listeners of this process, so that not each of them has to. A change does
   * not shorten the pause: every instance would read the one record many times after each change.
   */
  async #follow(): Promise<void> {
    this.#reading = true
    const waiter = new ChangeWaiter(this.#store)
    while (this.#listeners > 0) {
      const pause = new AbortController()
      this.#wakeReader = () => {
        waiter.reset()
        pause.abort()
      }
      try {
        this.#announce(await this.#poll())
      } catch {
        // The store is busy. The next read may succeed.
      }
      const after = this.#latest?.version ?? 0
      await waiter.wait([{ key: this.#key, after }], pause.signal)
    }
    this.#reading = false
  }

  /** The read of a poll may miss the latest change, which the next one finds. A waker's must not, as it may be the last. */
  async #poll(): Promise<Snapshot> {
    if (this.#store.wait) return this.#read()
    if (this.#copies === 0 || this.#polls++ % POLLS_PER_LOOK === 0) return this.#read(false)
    const key = this.#copyKey(this.#copy)
    const stored = await this.#store.get<ChangeLogCopy>(key, { consistent: false })
    return stored
      ? { log: stored.value, version: stored.value.of }
      : { log: this.#empty(), version: 0 }
  }

  async #read(consistent = true): Promise<Snapshot> {
    const stored = await this.#store.get<ChangeLog>(this.#key, { consistent })
    return stored
      ? { log: stored.value, version: stored.version }
      : { log: this.#empty(), version: 0 }
  }

  /** The time is a number that no earlier record has reached, so an old cursor does not fit by chance. */
  #empty(): ChangeLog {
    return { last: this.#clock(), recent: [] }
  }
}

/** The log without its oldest changes, where it is too long. The newest change stays, however long it is. */
function trimmed(all: readonly Numbered[], last: number, dropped = 0): ChangeLog {
  let length = 0
  let from = all.length
  while (from > 0 && all.length - from < REMEMBERED) {
    length += JSON.stringify(all[from - 1]).length
    if (length > REMEMBERED_LENGTH && from < all.length) break
    from--
  }
  const latest = all[from - 1]?.[0] ?? dropped
  return { last, recent: all.slice(from), ...(latest > 0 && { dropped: latest }) }
}
