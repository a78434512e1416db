/** Changes of the server's lists and resources, told to every instance through one small record. */

import { ChangeWaiter } from './polling.ts'
import { updateRecord } from './records.ts'
import type { Store, StoreKey, TypedStore } from './store.ts'

/** A list changed, or the contents of one resource. */
export type Change = { kind: 'tools' | 'prompts' | 'resources' } | { kind: 'resource'; uri: string }

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
  readonly recent: readonly (readonly [number: number, change: Change])[]
}

const KEY: StoreKey = ['server', 'changes']
/** Changes that the record keeps. */
const REMEMBERED = 100
const MONTH = 30 * 24 * 3600_000

/** The record as it was read. At version 0 nothing was published, and `last` is the time. */
interface Snapshot {
  readonly log: ChangeLog
  readonly version: number
}

/** Equal for changes that tell a client the same. */
const nameOf = (change: Change) =>
  change.kind === 'resource' ? `resource ${change.uri}` : change.kind

export class ChangeFeed {
  readonly #store: TypedStore
  readonly #clock: () => number
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

  constructor(store: Store, clock: () => number) {
    this.#store = store as TypedStore
    this.#clock = clock
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
    const written = await updateRecord<ChangeLog>(this.#store, KEY, ({ value }) => {
      const { recent, last } = value ?? this.#empty()
      const kept = recent.filter(([, old]) => !changes.has(nameOf(old)))
      const added = Array.from(changes.values(), (change, i) => [last + 1 + i, change] as const)
      const log = { recent: [...kept, ...added].slice(-REMEMBERED), last: last + added.length }
      return { value: log, expiresAt: this.#clock() + MONTH }
    })
    if (written) this.#announce({ log: written.value, version: written.version })
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
    const { last, recent } = log
    const known = this.#lastBatch
    if (known?.log === log && known.after === cursor) return known.batch
    const oldest = recent[0]?.[0] ?? last
    const gap = last < cursor || (recent.length === REMEMBERED && oldest > cursor + 1)
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
    this.#wakeReader()
    if (!this.#reading) void this.#follow()
  }

  #leave(): void {
    this.#listeners--
    if (this.#listeners === 0) this.#wakeReader()
  }

  /** Reads the record for all listeners of this process, so that not each of them has to. */
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
        const before = this.#latest
        this.#announce(await this.#read())
        if (this.#latest !== before) waiter.reset()
      } catch {
        // The store is busy. The next read may succeed.
      }
      const after = this.#latest?.version ?? 0
      await waiter.wait([{ key: KEY, after }], pause.signal)
    }
    this.#reading = false
  }

  async #read(): Promise<Snapshot> {
    const stored = await this.#store.get<ChangeLog>(KEY)
    return stored
      ? { log: stored.value, version: stored.version }
      : { log: this.#empty(), version: 0 }
  }

  /** The time is a number that no earlier record has reached, so an old cursor does not fit by chance. */
  #empty(): ChangeLog {
    return { last: this.#clock(), recent: [] }
  }
}
