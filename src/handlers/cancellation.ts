/** Cancellation: a call ends before its handler returns. */

/** The client has cancelled the call, or has closed the connection of a 2026 call. */
export class Cancelled extends Error {
  override name = 'Cancelled'
}

/** Ends one call before its handler returns. The signal is created at its first use, because most handlers use none. */
export class Cancellation {
  #onAbort: ((reason: Error) => void) | undefined
  #controller: AbortController | undefined
  #reason: Error | undefined
  readonly #watch: (abort: () => void) => void

  /** `watch` is called at the first use of the signal, because watching for a cancellation reads the store. */
  constructor(watch: (abort: () => void) => void) {
    this.#watch = watch
  }

  /** Called with the reason at once, also if the call has ended already. */
  set onAbort(tell: (reason: Error) => void) {
    this.#onAbort = tell
    if (this.#reason) tell(this.#reason)
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason) this.#controller.abort(this.#reason)
      else this.#watch(() => this.abort(new Cancelled('The client cancelled the call')))
    }
    return this.#controller.signal
  }

  abort(reason: Error): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#onAbort?.(reason)
  }
}
