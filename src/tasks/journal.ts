/** The journal of a task: what has happened in it, in order. Appending to it is also the fence between two runners. */
import { macrotask } from '../lib/macrotask.ts'
import { backoff } from '../state/key-lock.ts'
import type { JsonValue, Store, StoreKey, TypedStore } from '../state/store.ts'
import { StoreConflict, StoreUnavailable, ValueTooLarge } from '../state/store.ts'
import type { StoredError } from './stored-error.ts'
import type { TaskAnswer } from './task.ts'

/** Of a step, a sleep or a question, by the name that the handler gave it. */
export type JournalEntry =
  /** A step has returned. Without `value` it returned undefined. */
  | { readonly e: 'done'; readonly name: string; readonly value?: JsonValue }
  /** A step has thrown. */
  | { readonly e: 'failed'; readonly name: string; readonly error: StoredError }
  /** A step with `once` is about to begin. */
  | { readonly e: 'begun'; readonly name: string }
  /** A sleep has begun, and ends at this time (epoch milliseconds). */
  | { readonly e: 'sleep'; readonly name: string; readonly until: number }
  /** A sleep is over. */
  | { readonly e: 'woke'; readonly name: string }
  /** A question was asked, the `n`th time if an answer did not fit. `print` is its fingerprint. */
  | { readonly e: 'ask'; readonly name: string; readonly n: number; readonly print: number }
  /** A run of the handler has got the answer. */
  | { readonly e: 'answer'; readonly name: string; readonly n: number; readonly answer: TaskAnswer }
  /** A runner took over a turn that another one had begun: what that one still appends conflicts. */
  | { readonly e: 'claim'; readonly runner: string }

/** Another runner has appended to the journal: this one must write nothing more. */
export class LostTask extends Error {
  override name = 'LostTask'

  constructor() {
    super('Another runner has taken over the task')
  }
}

interface Waiting {
  entry: JournalEntry
  /** Written in its place when the entry is too large for the store. */
  readonly instead: JournalEntry | undefined
  readonly length: number
  resolve(written: JournalEntry): void
  reject(reason: unknown): void
}

/** Characters gathered into one append, well below what an engine takes as one item. */
const BATCH_LENGTH = 100_000

/** Tries of an append while the store is away; then the turn fails, and its runner tries again. */
const MOST_TRIES = 5

export class Journal {
  /** The entries of earlier runs. */
  readonly recorded: readonly JournalEntry[]
  readonly #store: TypedStore
  readonly #key: StoreKey
  readonly #expiresAt: number
  /** The last entry that is durable. */
  #last: number
  /** The last entry that has a number. */
  #next: number
  readonly #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #broken: unknown

  constructor(
    store: Store,
    key: StoreKey,
    expiresAt: number,
    recorded: readonly JournalEntry[] = [],
  ) {
    this.#store = store as TypedStore
    this.#key = key
    this.#expiresAt = expiresAt
    this.recorded = recorded
    this.#last = recorded.length
    this.#next = recorded.length
  }

  static async read(store: Store, key: StoreKey, expiresAt: number): Promise<Journal> {
    const entries = await (store as TypedStore).read<JournalEntry>(key, 0)
    return new Journal(
      store,
      key,
      expiresAt,
      entries.map(({ value }) => value),
    )
  }

  /** Takeovers since anything else happened. */
  get trailingClaims(): number {
    const other = this.recorded.findLastIndex(({ e }) => e !== 'claim')
    return this.recorded.length - 1 - other
  }

  /**
   * Queues an entry; entries of one tick share an append. `seq` is its number, and `written` resolves
   * when it is durable, with what was written. Rejects with {@link LostTask} when another runner took over.
   */
  add(
    entry: JournalEntry,
    instead?: JournalEntry,
  ): { readonly seq: number; readonly written: Promise<JournalEntry> } {
    const written = new Promise<JournalEntry>((resolve, reject) => {
      if (this.#broken) return reject(this.#broken)
      const { length } = JSON.stringify(entry)
      this.#queue.push({ entry, instead, length, resolve, reject })
      this.#writing ??= this.#write()
    })
    // Many callers wait for a later entry only.
    written.catch(() => {})
    this.#next += 1
    return { seq: this.#next, written }
  }

  /** Resolves when everything queued is durable. */
  async settled(): Promise<void> {
    await this.#writing
    if (this.#broken) throw this.#broken
  }

  async #write(): Promise<void> {
    await macrotask()
    let most = BATCH_LENGTH
    while (this.#queue.length > 0) {
      const batch = this.#take(most)
      try {
        await this.#append(batch.map(({ entry }) => entry))
        for (const { entry, resolve } of batch) resolve(entry)
        most = BATCH_LENGTH
      } catch (error) {
        this.#queue.unshift(...batch)
        const [first] = batch
        if (error instanceof ValueTooLarge && batch.length > 1) most = 0
        else if (error instanceof ValueTooLarge && first?.instead) first.entry = first.instead
        else this.#break(error instanceof StoreConflict ? new LostTask() : error)
      }
    }
    this.#writing = undefined
  }

  #take(most: number): Waiting[] {
    let length = 0
    const end = this.#queue.findIndex((one, i) => {
      length += one.length
      return i > 0 && length > most
    })
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end)
  }

  async #append(entries: readonly JournalEntry[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const options = { expiresAt: this.#expiresAt }
        this.#last = await this.#store.append(this.#key, this.#last, entries, options)
        return
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || attempt >= MOST_TRIES) throw error
      }
      // A try that has written after all makes the next one conflict: then the turn begins anew.
      await backoff(attempt)
    }
  }

  /** Nothing is written after a failure: an entry without those before it would change the order. */
  #break(reason: unknown): void {
    this.#broken = reason
    for (const { reject } of this.#queue.splice(0)) reject(reason)
  }
}
