/** Runs tasks in this process, and takes over those of processes that died. */

import { randomId } from '../state/sessions.ts'
import { StoreUnavailable } from '../state/store.ts'
import { Membership } from './membership.ts'
import type { Runner, TaskEngine, TaskRef, Turn } from './runner.ts'

/** Timers hold 31 bits; a longer sleep is looked at again in between. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Milliseconds until a turn is tried again that failed because the store was away. */
const FIRST_RETRY = 500
const LONGEST_RETRY = 30_000

/** Milliseconds, in leases, between two looks at a task that waits: its wake-up may have been lost. */
const LEASES_BETWEEN_LOOKS = 4
const LONGEST_LOOK = 2 * 60_000

/** A task that this process is responsible for. */
interface Kept {
  readonly ref: TaskRef
  timer: ReturnType<typeof setTimeout> | undefined
  running: boolean
  /** It was woken while its turn ran. */
  again: boolean
  /** Failures or looks in a row without a change. */
  quiet: number
}

export class InProcessRunner implements Runner {
  readonly id = randomId()
  readonly #engine: TaskEngine
  readonly #lease: number
  readonly #tasks = new Map<string, Kept>()
  readonly #membership: Membership | undefined
  #closed = false

  /** `lease` in milliseconds: a process that is silent for longer loses its tasks. */
  constructor(engine: TaskEngine, lease: number) {
    this.#engine = engine
    this.#lease = lease
    // No other process sees such a store, so there is nothing to take over.
    if (engine.store.processLocal) return
    this.#membership = new Membership({
      id: this.id,
      engine,
      lease,
      adopt: (ref) => this.#adopt(ref),
    })
  }

  async start(task: TaskRef): Promise<void> {
    const kept = this.#keep(task)
    try {
      await this.#membership?.add(kept.ref)
    } catch (error) {
      this.#tasks.delete(task.id)
      throw error
    }
    this.#run(kept)
  }

  async wake(ref: TaskRef): Promise<void> {
    this.#run(this.#keep(ref))
  }

  async resume(): Promise<void> {
    await this.#membership?.watch()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { timer } of this.#tasks.values()) clearTimeout(timer)
    await this.#membership?.leave()
  }

  #adopt(ref: TaskRef): void {
    if (!this.#tasks.has(ref.id)) this.#run(this.#keep(ref))
  }

  #keep({ owner, id }: TaskRef): Kept {
    const ref = { owner, id }
    const known = this.#tasks.get(id)
    const kept = known ?? { ref, timer: undefined, running: false, again: false, quiet: 0 }
    this.#tasks.set(id, kept)
    return kept
  }

  #run(kept: Kept): void {
    if (this.#closed) return
    clearTimeout(kept.timer)
    kept.again = true
    // A turn that runs here looks at the record once more, and goes on with what it finds.
    if (!kept.running) void this.#loop(kept)
    else void this.#look(kept.ref)
  }

  async #look(ref: TaskRef): Promise<void> {
    try {
      await this.#turn(ref)
    } catch {
      // The store is away: the turn that runs finds out by itself.
    }
  }

  #turn(ref: TaskRef): Promise<Turn> {
    return this.#engine.turn(ref, {
      runner: this.id,
      isAlive: (runner) => this.#membership?.isAlive(runner) ?? true,
    })
  }

  async #loop(kept: Kept): Promise<void> {
    kept.running = true
    while (kept.again && !this.#closed) {
      kept.again = false
      try {
        this.#after(kept, await this.#turn(kept.ref))
      } catch (error) {
        this.#afterFailure(kept, error)
      }
    }
    kept.running = false
  }

  #after(kept: Kept, turn: Turn): void {
    if (turn === 'done' || turn === 'gone') this.#forget(kept)
    else if (turn === 'again') {
      kept.again = true
      kept.quiet = 0
    } else this.#schedule(kept, this.#pauseAfter(kept, turn))
  }

  #pauseAfter(kept: Kept, turn: Exclude<Turn, 'done' | 'gone' | 'again'>): number {
    // Another runner has it: when that one dies, this one may be the next.
    if (turn === 'busy' || turn === 'lost') return this.#lease
    if (turn !== 'asks') return Math.max(0, turn.sleepsUntil - this.#engine.clock())
    const look = this.#lease * LEASES_BETWEEN_LOOKS * 2 ** kept.quiet
    kept.quiet += 1
    return Math.min(look, LONGEST_LOOK)
  }

  #afterFailure(kept: Kept, error: unknown): void {
    if (!(error instanceof StoreUnavailable)) {
      const { id } = kept.ref
      this.#engine.log({
        level: 'error',
        message: 'A turn of a task failed',
        task: id,
        error: String(error),
      })
    }
    this.#schedule(kept, Math.min(FIRST_RETRY * 2 ** kept.quiet, LONGEST_RETRY))
    kept.quiet += 1
  }

  #schedule(kept: Kept, ms: number): void {
    clearTimeout(kept.timer)
    kept.timer = setTimeout(() => this.#run(kept), Math.min(ms, LONGEST_TIMER))
    // A process that has nothing else to do need not live for a task that sleeps: another one wakes it.
    unref(kept.timer)
  }

  #forget({ ref, timer }: Kept): void {
    clearTimeout(timer)
    this.#tasks.delete(ref.id)
    this.#membership?.remove(ref)
  }
}

/** Some hosts keep a process alive for a timer. */
export function unref(timer: unknown): void {
  ;(timer as { unref?: () => void }).unref?.()
}
