/** News for every instance: what changed in the server's lists and resources, in one small shared record. */

import { backoff } from './key-lock.ts'
import { ChangeWaiter } from './polling.ts'
import type { JsonValue, Store, StoreKey } from './store.ts'
import { StoreConflict } from './store.ts'

/** A list changed, or the contents of one resource. */
export type Change = { kind: 'tools' | 'prompts' | 'resources' } | { kind: 'resource'; uri: string }

/** Changes beyond a cursor. `missed` says that there were more than are still known: assume everything changed. */
export interface ChangeBatch {
  readonly cursor: number
  readonly changes: readonly Change[]
  readonly gap: boolean
}

/**
 * The record: the number of the last change, and the most recent ones. Change is idempotent news
 * ("look again"), so a bounded record serves where a log would grow: an idle reader pays one read of
 * one small item, and one that fell too far behind is told so instead of missing something.
 */
interface ChangeLog {
  readonly last: number
  readonly recent: readonly (readonly [number: number, change: Change])[]
}

const KEY: StoreKey = ['server', 'changes']
const REMEMBERED = 100
const MONTH = 30 * 24 * 3600_000

/** The record as it was read; version 0 where there is none. */
interface Snapshot {
  readonly log: ChangeLog
  readonly version: number
}

/** The same for changes that are the same news. */
const nameOf = (change: Change) =>
  change.kind === 'resource' ? `resource ${change.uri}` : change.kind

export class ChangeFeed {
  readonly #store: Store
  readonly #clock: () => number
  #queue = new Map<string, Change>()
  #publishing: Promise<void> | undefined
  /** The newest that anybody in this process has read or written. */
  #latest: Snapshot | undefined
  /** Those who listen here, and wait for something newer. */
  readonly #waiting = new Set<() => void>()
  #listeners = 0
  #reading = false
  /** Ends the pause between two reads. */
  #wakeReader = () => {}

  constructor(store: Store, clock: () => number) {
    this.#store = store
    this.#clock = clock
  }

  /** Resolves when the change is durable. Those of one turn go into one write. */
  publish(change: Change): Promise<void> {
    this.#queue.set(nameOf(change), change)
    this.#publishing ??= this.#write()
    return this.#publishing
  }

  async #write(): Promise<void> {
    await null
    const changes = this.#queue
    this.#queue = new Map()
    this.#publishing = undefined // what comes from here on goes into the next write
    for (let attempt = 0; ; attempt++) {
      const { log, version } = await this.#read()
      const recent = log.recent.filter(([, old]) => !changes.has(nameOf(old)))
      let { last } = log
      const next: ChangeLog = {
        recent: [
          ...recent,
          ...Array.from(changes.values(), (change) => [++last, change] as const),
        ].slice(-REMEMBERED),
        last,
      }
      try {
        const written = await this.#store.put(KEY, next as unknown as JsonValue, {
          expiresAt: this.#clock() + MONTH,
          ifVersion: version,
        })
        this.#announce({ log: next, version: written })
        return
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
      }
      await backoff(attempt)
    }
  }

  /** Where a listener starts: only what comes later is news to it. */
  async now(): Promise<number> {
    return (await this.#read()).log.last
  }

  /** News after a cursor, as they come, until the signal aborts; an empty one at least every `beat` ms. */
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
        // while nothing was ever published there is no board, and its number is the time
        if (version > 0 && log.last !== cursor) {
          const oldest = log.recent[0]?.[0] ?? log.last
          const gap = log.last < cursor || (log.recent.length === REMEMBERED && oldest > cursor + 1)
          const changes = log.recent.flatMap(([n, change]) => (n > cursor ? [change] : []))
          cursor = log.last
          yield { cursor, changes, gap }
        } else if (waited) {
          yield { cursor, changes: [], gap: false }
        }
        seen = await this.#newer(seen, signal, heartbeat)
      }
    } finally {
      this.#leave()
    }
  }

  /** What is newer than what was seen, or that again when the time is up or the signal aborts. */
  #newer(seen: Snapshot, signal: AbortSignal, atMost: number): Promise<Snapshot> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#latest && this.#latest.version > seen.version) done(this.#latest)
      }
      const done = (reading: Snapshot) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#waiting.delete(look)
        resolve(reading)
      }
      const stop = () => done(seen)
      const timer = setTimeout(stop, atMost)
      signal.addEventListener('abort', stop)
      this.#waiting.add(look)
      if (signal.aborted) stop()
      else look()
    })
  }

  #announce(reading: Snapshot): void {
    if (reading.version <= (this.#latest?.version ?? 0)) return
    this.#latest = reading
    for (const look of [...this.#waiting]) look()
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

  /** Reads for all who listen in this process: each by itself would read the same record over and over. */
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
        // the store is busy: there is no news, and the next read may have some
      }
      const after = this.#latest?.version ?? 0
      await waiter.wait([{ key: KEY, after }], pause.signal)
    }
    this.#reading = false
  }

  async #read(): Promise<Snapshot> {
    const stored = await this.#store.get(KEY)
    if (stored) return { log: stored.value as unknown as ChangeLog, version: stored.version }
    // a number no earlier board can have reached, so that an old cursor never fits by chance
    return { log: { last: this.#clock(), recent: [] }, version: 0 }
  }
}
