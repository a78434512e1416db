/** The end of a call before its handler returns. */

/** The client wants no answer any more: it cancelled, or closed the connection of a modern call. */
export class Cancelled extends Error {
  override name = 'Cancelled'
}

/** The end of one call before its handler returns. A signal is made only when somebody looks at it. */
export class Cancellation {
  #onAbort: ((reason: Error) => void) | undefined
  #controller: AbortController | undefined
  #reason: Error | undefined
  readonly #watch: (abort: () => void) => void

  /** `watch` is called at the first look at the signal: looking out for cancellation costs something. */
  constructor(watch: (abort: () => void) => void) {
    this.#watch = watch
  }

  /** Told the reason, at once: whoever waits for the handler stops waiting. */
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
