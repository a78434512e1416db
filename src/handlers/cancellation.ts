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

  /** Calls the function with the reason, at once if the call has ended already. Earlier functions are called too. */
  set onAbort(tell: (reason: Error) => void) {
    const earlier = this.#onAbort
    this.#onAbort = (reason) => {
      earlier?.(reason)
      tell(reason)
    }
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
