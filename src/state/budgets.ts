/** Budgets that all instances share: token buckets and daily counts, one record each. */
import { backoff } from './key-lock.ts'
import type { Store, StoreKey, TypedStore } from './store.ts'
import { StoreConflict, StoreUnavailable } from './store.ts'

/** What a budget allows: a bucket that fills by the minute, a number for each day of UTC, or both. */
export interface BudgetLimit {
  readonly perMinute?: number
  /** What the bucket holds. @default perMinute, at least 1 */
  readonly burst?: number
  readonly perDay?: number
}

/** What became of one request to a budget. */
export interface Taken {
  readonly granted: boolean
  /** What is left for others. */
  readonly remaining: number
  /** Seconds until a request may be granted. 0 when this one was. */
  readonly retryAfter: number
}

interface BudgetRecord {
  /** What was in the bucket at the time `at`. */
  readonly tokens?: number | undefined
  /** Epoch milliseconds. */
  readonly at: number
  /** Days since 1970, and what was taken on that day. */
  readonly day: number
  readonly used: number
}

/** A record as this process has read or written it last. */
interface Known {
  readonly value: BudgetRecord | undefined
  readonly version: number
  readonly expiresAt: number
}

interface Waiting {
  resolve(taken: Taken): void
  reject(error: unknown): void
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Records that a process remembers. Without one, the next request reads it. */
const MOST_KNOWN = 10_000

/** Conflicts in a row after which requests fail. Each of them means that another instance has succeeded. */
const MOST_TRIES = 60

/** What rounding may take from a whole token. */
const ROUNDING = 1e-9

/**
 * Takes from budgets. A request costs one conditional write, and a read before it where this process does
 * not know the record. Requests that come while a write is under way share the next one, so an instance
 * has one write for each budget at a time, however many calls wait.
 *
 * Nothing is given back, so a record that this process knows never shows less than what is left: a request
 * that it refuses is refused without the store.
 */
export class Budgets {
  readonly #store: TypedStore
  readonly #clock: () => number
  readonly #known = new Map<string, Known>()
  readonly #queues = new Map<string, Waiting[]>()

  constructor(store: Store, clock: () => number) {
    this.#store = store as TypedStore
    this.#clock = clock
  }

  /** Whether this process knows that the budget is used up, and for how many seconds. Asks nothing of the store. */
  refusal(key: StoreKey, limit: BudgetLimit): Taken | undefined {
    const known = this.#fresh(JSON.stringify(key))
    if (!known) return undefined
    const state = stateAt(known.value, limit, this.#clock())
    return state.left < 1 ? refused(state, limit, this.#clock()) : undefined
  }

  /** Takes one. Throws {@link StoreUnavailable} when the store cannot tell, so that nothing exceeds the limit. */
  take(key: StoreKey, limit: BudgetLimit): Promise<Taken> {
    const name = JSON.stringify(key)
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name)
      if (queue) {
        queue.push({ resolve, reject })
        return
      }
      this.#queues.set(name, [{ resolve, reject }])
      void this.#serve(name, key, limit)
    })
  }

  async #serve(name: string, key: StoreKey, limit: BudgetLimit): Promise<void> {
    for (;;) {
      const waiting = this.#queues.get(name)?.splice(0) ?? []
      if (waiting.length === 0) break
      try {
        const all = await this.#takeMany(name, key, limit, waiting.length)
        for (const [i, taken] of all.entries()) waiting[i]?.resolve(taken)
      } catch (error) {
        this.#known.delete(name)
        for (const { reject } of waiting) reject(error)
      }
    }
    this.#queues.delete(name)
  }

  async #takeMany(
    name: string,
    key: StoreKey,
    limit: BudgetLimit,
    count: number,
  ): Promise<Taken[]> {
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const known = this.#fresh(name) ?? (await this.#read(name, key))
      const now = this.#clock()
      const state = stateAt(known.value, limit, now)
      const granted = Math.min(count, state.left)
      if (granted > 0) {
        const value = spend(state, granted)
        const expiresAt = endOf(value, limit) + HOUR
        try {
          const version = await this.#store.put(key, value, { expiresAt, ifVersion: known.version })
          this.#remember(name, { value, version, expiresAt })
        } catch (error) {
          if (!(error instanceof StoreConflict)) throw error
          this.#known.delete(name)
          await backoff(attempt)
          continue
        }
      }
      const none = refused(state, limit, now)
      return Array.from({ length: count }, (_, i) =>
        i < granted ? { granted: true, remaining: state.left - i - 1, retryAfter: 0 } : none,
      )
    }
    throw new StoreUnavailable('A budget is written by too many instances at once')
  }

  async #read(name: string, key: StoreKey): Promise<Known> {
    const stored = await this.#store.get<BudgetRecord>(key)
    const known = stored ?? { value: undefined, version: 0, expiresAt: this.#clock() + HOUR }
    this.#remember(name, known)
    return known
  }

  /** A record near its expiry counts as unknown, because another instance may have begun a new one. */
  #fresh(name: string): Known | undefined {
    const known = this.#known.get(name)
    return known && this.#clock() < known.expiresAt - HOUR / 2 ? known : undefined
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name)
    this.#known.set(name, known)
    if (this.#known.size <= MOST_KNOWN) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      break
    }
  }
}

interface BudgetState extends BudgetRecord {
  /** Whole requests that can be granted now. */
  readonly left: number
}

const burstOf = ({ perMinute = 0, burst = Math.max(1, perMinute) }: BudgetLimit) => burst

/**
 * The record at a later time. Clocks of instances differ: time that a faster clock has counted is not
 * counted again, and no day comes back.
 */
function stateAt(record: BudgetRecord | undefined, limit: BudgetLimit, now: number): BudgetState {
  const { perMinute, perDay = Number.POSITIVE_INFINITY } = limit
  const today = Math.floor(now / DAY)
  const before = record ?? { at: now, day: today, used: 0 }
  const day = Math.max(before.day, today)
  const used = day === before.day ? before.used : 0
  const at = Math.max(before.at, now)
  const full = burstOf(limit)
  const tokens =
    perMinute === undefined
      ? undefined
      : Math.min(full, (before.tokens ?? full) + ((at - before.at) * perMinute) / MINUTE)
  const left = Math.min(tokens ?? Number.POSITIVE_INFINITY, perDay - used)
  return { tokens, at, day, used, left: Math.max(0, Math.floor(left + ROUNDING)) }
}

function spend({ tokens, at, day, used }: BudgetState, count: number): BudgetRecord {
  return {
    ...(tokens !== undefined && { tokens: Math.max(0, tokens - count) }),
    at,
    day,
    used: used + count,
  }
}

function refused(
  { tokens = 1, day, used }: BudgetState,
  { perMinute = 1, perDay = Number.POSITIVE_INFINITY }: BudgetLimit,
  now: number,
): Taken {
  const untilToken = ((1 - tokens) * MINUTE) / perMinute
  const untilMidnight = used >= perDay ? (day + 1) * DAY - now : 0
  const seconds = Math.ceil(Math.max(untilToken, untilMidnight) / 1000 - ROUNDING)
  return { granted: false, remaining: 0, retryAfter: Math.max(1, seconds) }
}

/** When the budget is whole again, so that its record is not needed any more. */
function endOf({ tokens, at, day }: BudgetRecord, limit: BudgetLimit): number {
  const { perMinute = 1 } = limit
  const untilFull = tokens === undefined ? 0 : ((burstOf(limit) - tokens) * MINUTE) / perMinute
  return Math.max(at + untilFull, limit.perDay === undefined ? 0 : (day + 1) * DAY)
}
