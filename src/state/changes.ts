/** News for every instance: what changed in the server's lists and resources, in one small shared record. */
import { Patience } from './patience.ts'
import type { Json, Key, Store } from './store.ts'
import { Conflict } from './store.ts'

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

const same = (a: Change, b: Change) =>
  a.kind === b.kind && (a.kind !== 'resource' || b.kind !== 'resource' || a.uri === b.uri)

export class Changes {
  readonly #store: Store
  readonly #clock: () => number
  #queue: Change[] = []
  #publishing: Promise<void> | undefined

  constructor(store: Store, clock: () => number) {
    this.#store = store
    this.#clock = clock
  }

  /** Resolves when the change is durable. Those of one turn go into one write. */
  async publish(change: Change): Promise<void> {
    if (!this.#queue.some((other) => same(other, change))) this.#queue.push(change)
    this.#publishing ??= this.#write()
    return this.#publishing
  }

  async #write(): Promise<void> {
    await null
    const changes = this.#queue
    this.#queue = []
    this.#publishing = undefined // what comes from here on goes into the next write
    for (let attempt = 0; ; attempt++) {
      const { board, version } = await this.#read()
      const recent = board.recent.filter(([, old]) => !changes.some((change) => same(old, change)))
      let { last } = board
      const next: Board = {
        recent: [...recent, ...changes.map((change) => [++last, change] as const)].slice(
          -REMEMBERED,
        ),
        last,
      }
      try {
        await this.#store.put(KEY, next as unknown as Json, {
          expiresAt: this.#clock() + MONTH,
          ifVersion: version,
        })
        return
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
      }
      const spread = Math.random() * Math.min(2 ** attempt * 5, 200)
      await new Promise((resolve) => setTimeout(resolve, spread))
    }
  }

  /** Where a listener starts: only what comes later is news to it. */
  async now(): Promise<number> {
    return (await this.#read()).board.last
  }

  /** News after a cursor, as they come, until the signal aborts; an empty one at least every `beat` ms. */
  async *since(cursor: number, beat: number, signal: AbortSignal): AsyncGenerator<News> {
    const patience = new Patience(this.#store)
    let beatAt = this.#clock() + beat
    while (!signal.aborted) {
      const { board, version } = await this.#read()
      // while nothing was ever published there is no board, and its number is the time
      if (version > 0 && board.last !== cursor) {
        const oldest = board.recent[0]?.[0] ?? board.last
        const missed =
          board.last < cursor || (board.recent.length === REMEMBERED && oldest > cursor + 1)
        const changes = board.recent.flatMap(([n, change]) => (n > cursor ? [change] : []))
        cursor = board.last
        patience.reset()
        yield { cursor, changes, missed }
      } else if (this.#clock() >= beatAt) {
        yield { cursor, changes: [], missed: false }
      }
      if (this.#clock() >= beatAt) beatAt = this.#clock() + beat
      await patience.pause([{ key: KEY, after: version }], signal, beatAt - this.#clock())
    }
  }

  async #read(): Promise<{ board: Board; version: number }> {
    const stored = await this.#store.get(KEY)
    if (stored) return { board: stored.value as unknown as Board, version: stored.version }
    // a number no earlier board can have reached, so that an old cursor never fits by chance
    return { board: { last: this.#clock(), recent: [] }, version: 0 }
  }
}
