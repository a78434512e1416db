/** A call that waits for its task: woken by the run of this process, by the store, or by polling. */
import type { Server } from '../server.ts'
import { ChangeWaiter } from '../state/polling.ts'
import type { TaskProgress } from './context.ts'
import type { Engine } from './engine.ts'
import type { Task } from './operations.ts'
import { readTask } from './record.ts'
import type { TaskRef } from './runner.ts'
import type { StoredTask } from './task.ts'
import { taskKeys } from './task.ts'

export class TaskFollower {
  readonly #server: Server
  readonly #engine: Engine
  readonly #ref: TaskRef
  readonly #unfollow: () => void
  #latest: StoredTask | undefined
  #wake: () => void = () => {}

  /** To be made before the task, so that it misses no change. `onProgress` is told by a run of this process only. */
  constructor(engine: Engine, ref: TaskRef, onProgress: (progress: TaskProgress) => void) {
    this.#server = engine.server
    this.#engine = engine
    this.#ref = ref
    this.#unfollow = engine.follow(ref, {
      onProgress,
      onChange: (stored) => {
        this.#latest = stored
        this.#wake()
      },
    })
  }

  close(): void {
    this.#unfollow()
  }

  /** The task as it is after a change, or unchanged after `atMost` milliseconds or an abort. */
  async next(task: Task, atMost: number, signal: AbortSignal): Promise<Task> {
    const end = performance.now() + atMost
    const waiter = new ChangeWaiter(this.#server.store)
    const isNewer = (stored: StoredTask | undefined) =>
      stored !== undefined && stored.version > task.version
    for (;;) {
      const left = end - performance.now()
      if (isNewer(this.#latest)) return { ...task, ...this.#latest }
      if (left <= 0 || signal.aborted) return task
      // A run of this process tells of every change, so the store need not be asked.
      if (this.#engine.isRunning(this.#ref)) {
        await this.#told(Math.min(left, LONGEST_RUN_WITHOUT_LOOK), signal)
        continue
      }
      const watch = { key: taskKeys(this.#ref).record, after: task.version }
      await this.#either(waiter, watch, left, signal)
      if (isNewer(this.#latest)) continue
      const stored = await readTask(this.#server.store, this.#ref)
      if (stored && stored.version > task.version) return { ...task, ...stored }
    }
  }

  /** Resolves at a change that this process makes. */
  #told(atMost: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = () => {}
        resolve()
      }
      const timer = setTimeout(done, atMost)
      signal.addEventListener('abort', done)
      this.#wake = done
    })
  }

  async #either(
    waiter: ChangeWaiter,
    watch: { key: ReturnType<typeof taskKeys>['record']; after: number },
    atMost: number,
    signal: AbortSignal,
  ): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    signal.addEventListener('abort', end)
    try {
      const told = this.#told(atMost, over.signal)
      await Promise.race([told, waiter.wait([watch], over.signal, atMost)])
    } finally {
      end()
      signal.removeEventListener('abort', end)
    }
  }
}

/** Milliseconds. A run may end without a change, as when another process takes over. */
const LONGEST_RUN_WITHOUT_LOOK = 1_000
