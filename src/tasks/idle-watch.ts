/** Finds the moment at which a run of a handler can do nothing more before someone answers or time passes. */
import { macrotask } from '../lib/macrotask.ts'

/**
 * Milliseconds that a run gets for code between two operations, such as a `fetch`, while a question or a
 * sleep is open beside it: such code cannot be told from a branch that has ended.
 */
const LONGEST_PAUSE = 1_000

export class IdleWatch {
  readonly #isBusy: () => boolean
  readonly #onIdle: () => void
  #running = 0
  #blocked = 0
  #activity = 0
  #checking = false
  #ended = false
  /** Whether the handler got an outcome and has asked for nothing since. */
  #owes = true
  #pause: ReturnType<typeof setTimeout> | undefined

  /** `isBusy` tells whether an outcome is about to be delivered; `onIdle` is called once. */
  constructor(isBusy: () => boolean, onIdle: () => void) {
    this.#isBusy = isBusy
    this.#onIdle = onIdle
  }

  /** Runs something that the handler's run waits for. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#running += 1
    try {
      return await run()
    } finally {
      this.#running -= 1
      this.#touch()
    }
  }

  /** The handler has asked for something. */
  asked(): void {
    this.#owes = false
    this.#touch()
  }

  /** The handler gets an outcome. */
  delivered(): void {
    this.#owes = true
    this.#touch()
  }

  /** An operation waits for an answer or a time. */
  blocked(): void {
    this.#blocked += 1
    this.#touch()
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#pause)
  }

  #touch(): void {
    this.#activity += 1
    if (!this.#checking) void this.#check()
  }

  async #check(): Promise<void> {
    this.#checking = true
    clearTimeout(this.#pause)
    let seen: number
    do {
      seen = this.#activity
      await macrotask()
    } while (seen !== this.#activity)
    this.#checking = false
    if (!this.#isIdle()) return
    if (!this.#owes) return this.#tell()
    this.#pause = setTimeout(() => {
      if (seen === this.#activity && this.#isIdle()) this.#tell()
    }, LONGEST_PAUSE)
  }

  #isIdle(): boolean {
    return !this.#ended && this.#running === 0 && this.#blocked > 0 && !this.#isBusy()
  }

  #tell(): void {
    this.end()
    this.#onIdle()
  }
}
