/** Writes the progress of a task as its `statusMessage`, which clients read when they ask for it. */
import { clip } from '../protocol/errors.ts'
import type { TaskProgress } from './context.ts'
import type { TaskState } from './record.ts'

/** Milliseconds from the first progress of a turn to the first write, and between two writes. */
const FIRST_WRITE = 1_000
const LATER_WRITES = 5_000

export class StatusWriter {
  readonly #state: TaskState
  #message: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #pause = FIRST_WRITE
  #closed = false

  constructor(state: TaskState) {
    this.#state = state
  }

  /** The latest message, for the write that ends the turn. */
  get message(): string | undefined {
    return this.#message
  }

  set({ done, total, message }: TaskProgress): void {
    this.#message = clip(message ?? (total === undefined ? `${done}` : `${done} of ${total}`))
    if (this.#timer === undefined && !this.#closed) this.#schedule()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#write(), this.#pause)
    this.#pause = LATER_WRITES
  }

  async #write(): Promise<void> {
    const message = this.#message ?? ''
    try {
      await this.#state.setStatusMessage(message)
    } catch {
      // A status is a courtesy: the turn itself finds out when the store is away.
    }
    this.#timer = undefined
    if (!this.#closed && this.#message !== message) this.#schedule()
  }
}
