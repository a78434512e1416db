/** News for every instance: what changed in the server's lists and resources, in one small shared record. */
import { Patience } from './patience.ts'
import type { Json, Key, Store } from './store.ts'
import { Conflict } from './store.ts'
import { standBack } from './turns.ts'

/** A list changed, or the contents of one resource. */
export type Change = { kind: 'tools' | 'prompts' | 'resources' } | { kind: 'resource'; uri: string }

/** Changes beyond a cursor. `missed` says that there were more than are still known: assume everything changed. */
export interface News {
  readonly cursor: number
  readonly changes: readonly Change[]
  readonly missed: boolean
}

/**
 * The record: the number of the last change, and the most recent ones. Change is idempotent news
 * ("look again"), so a bounded record serves where a log would grow: an idle reader pays one read of
 * one small item, and one that fell too far behind is told so instead of missing something.
 */
interface Board {
  readonly last: number
  readonly recent: readonly (readonly [number: number, change: Change])[]
}

const KEY: Key = ['server', 'changes']
const REMEMBERED = 100
const MONTH = 30 * 24 * 3600_000

/** The record as it was read; version 0 where there is none. */
interface Reading {
  readonly board: Board
  readonly version: number
}

/** The same for changes that are the same news. */
const nameOf = (change: Change) =>
  change.kind === 'resource' ? `resource ${change.uri}` : change.kind

export class Changes {
  readonly #store: Store
  readonly #clock: () => number
  #queue = new Map<string, Change>()
  #publishing: Promise<void> | undefined
  /** The newest that anybody in this process has read or written. */
  #latest: Reading | undefined
  /** Those who listen here, and wait for something newer. */
  readonly #waiting = new Set<() => void>()
  #listeners = 0
  #reading = false
  /** Ends the pause between two reads. */
  #hurry = () => {}

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
      const { board, version } = await this.#read()
      const recent = board.recent.filter(([, old]) => !changes.has(nameOf(old)))
      let { last } = board
      const next: Board = {
        recent: [
          ...recent,
          ...Array.from(changes.values(), (change) => [++last, change] as const),
        ].slice(-REMEMBERED),
        last,
      }
      try {
        const written = await this.#store.put(KEY, next as unknown as Json, {
          expiresAt: this.#clock() + MONTH,
          ifVersion: version,
        })
        this.#tell({ board: next, version: written })
        return
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
      }
      await standBack(attempt)
    }
  }

  /** Where a listener starts: only what comes later is news to it. */
  async now(): Promise<number> {
    return (await this.#read()).board.last
  }

  /** News after a cursor, as they come, until the signal aborts; an empty one at least every `beat` ms. */
  async *since(cursor: number, beat: number, signal: AbortSignal): AsyncGenerator<News> {
    let seen = await this.#read()
    this.#join()
    try {
      for (let waited = false; !signal.aborted; waited = true) {
        const { board, version } = seen
        // while nothing was ever published there is no board, and its number is the time
        if (version > 0 && board.last !== cursor) {
          const oldest = board.recent[0]?.[0] ?? board.last
          const missed =
            board.last < cursor || (board.recent.length === REMEMBERED && oldest > cursor + 1)
          const changes = board.recent.flatMap(([n, change]) => (n > cursor ? [change] : []))
          cursor = board.last
          yield { cursor, changes, missed }
        } else if (waited) {
          yield { cursor, changes: [], missed: false }
        }
        seen = await this.#newer(seen, signal, beat)
      }
    } finally {
      this.#leave()
    }
  }

  /** What is newer than what was seen, or that again when the time is up or the signal aborts. */
  #newer(seen: Reading, signal: AbortSignal, atMost: number): Promise<Reading> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#latest && this.#latest.version > seen.version) done(this.#latest)
      }
      const done = (reading: Reading) => {
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

  #tell(reading: Reading): void {
    if (reading.version <= (this.#latest?.version ?? 0)) return
    this.#latest = reading
    for (const look of [...this.#waiting]) look()
  }

  #join(): void {
    this.#listeners++
    this.#hurry()
    if (!this.#reading) void this.#follow()
  }

  #leave(): void {
    this.#listeners--
    if (this.#listeners === 0) this.#hurry()
  }

  /** Reads for all who listen in this process: each by itself would read the same record over and over. */
  async #follow(): Promise<void> {
    this.#reading = true
    const patience = new Patience(this.#store)
    while (this.#listeners > 0) {
      const pause = new AbortController()
      this.#hurry = () => {
        patience.reset()
        pause.abort()
      }
      try {
        const before = this.#latest
        this.#tell(await this.#read())
        if (this.#latest !== before) patience.reset()
      } catch {
        // the store is busy: there is no news, and the next read may have some
      }
      const after = this.#latest?.version ?? 0
      await patience.pause([{ key: KEY, after }], pause.signal)
    }
    this.#reading = false
  }

  async #read(): Promise<Reading> {
    const stored = await this.#store.get(KEY)
    if (stored) return { board: stored.value as unknown as Board, version: stored.version }
    // a number no earlier board can have reached, so that an old cursor never fits by chance
    return { board: { last: this.#clock(), recent: [] }, version: 0 }
  }
}
