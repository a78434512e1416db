/** Progress of a call that waits for a task: a client that restarts its timeout at each one does not give up. */
import type { Context } from '../handlers/context.ts'
import type { TaskProgress } from './context.ts'

/** Milliseconds of silence. Most clients give up after 60 seconds. */
const LONGEST_SILENCE = 10_000

/** What a heartbeat adds to the last value: the protocol wants each value to be larger (B53). */
const STEP = 1e-4

export class Heartbeat {
  readonly #ctx: Pick<Context, 'progress'>
  readonly #timer: ReturnType<typeof setInterval> | undefined
  #last: TaskProgress = { done: -STEP, total: undefined, message: undefined }
  #isSilent = true

  /** `isWanted` tells whether the client gave a progress token. */
  constructor(ctx: Pick<Context, 'progress'>, isWanted: boolean) {
    this.#ctx = ctx
    if (isWanted) this.#timer = setInterval(() => this.#showLife(), LONGEST_SILENCE)
  }

  /** Progress of the handler. A run that repeats an earlier one tells nothing new, which is dropped. */
  set(progress: TaskProgress): void {
    if (!(progress.done > this.#last.done)) return
    this.#isSilent = false
    this.#send(progress)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #showLife(): void {
    if (this.#isSilent) this.#send({ ...this.#last, done: this.#last.done + STEP })
    this.#isSilent = true
  }

  #send(progress: TaskProgress): void {
    this.#last = progress
    this.#ctx.progress(progress.done, progress.total, progress.message)
  }
}
