/** Waiting for a change in the store: woken where the engine can, by polling with back-off elsewhere. */
import type { Store, StoreWatch } from './store.ts'

/** Milliseconds between two reads of an idle wait: from the first to the longest. */
const FIRST_DELAY = 50
const LONGEST_DELAY = 2_000

/** The part of a pause by which it varies, so that instances that started together do not read together. */
const JITTER = 0.25

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/**
 * One wait after another in the same loop. Without a waking engine the pause doubles from 50 ms to
 * 2 s while nothing comes, so an idle wait costs 30 reads a minute; `reset` when something came and
 * more is likely to follow soon.
 */
export class ChangeWaiter {
  readonly #store: Store
  #delay = FIRST_DELAY

  constructor(store: Store) {
    this.#store = store
  }

  /** Ends at a change, at the latest after `atMost` milliseconds, or when the signal aborts. */
  async wait(
    watches: readonly StoreWatch[],
    signal: AbortSignal,
    atMost: number = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    if (!this.#store.wait) {
      const pause = this.#delay * (1 + JITTER * (2 * Math.random() - 1))
      await sleep(Math.min(pause, atMost), signal)
      this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY)
      return
    }
    const limit = new AbortController()
    const stop = () => limit.abort()
    const timer = Number.isFinite(atMost) ? setTimeout(stop, atMost) : undefined
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    await this.#store.wait(watches, limit.signal)
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }

  reset(): void {
    this.#delay = FIRST_DELAY
  }
}
