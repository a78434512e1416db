/** The connection of a stream of events, which its client drains at its own pace. */

/** Maximum length of unread text; a client that is further behind is disconnected. */
const MOST_BEHIND = 8 * 1024 * 1024

/** Bytes handed over at once, so that a slow client is seen to make progress. */
const SLICE = 64 * 1024

const ENCODER = new TextEncoder()

export interface SseOptions {
  /** Milliseconds between comments that keep a quiet connection open. */
  readonly keepAlive: number
  /** Milliseconds after which a client that takes nothing of what waits for it is disconnected. */
  readonly drain: number
}

/**
 * The writing end of an SSE response. It hands over a slice only when the reader asks for it, so what
 * waits here is exactly what the client has not taken.
 */
export class SseConnection {
  readonly body: ReadableStream<Uint8Array>
  readonly #keepAlive: ReturnType<typeof setInterval>
  readonly #onGone: () => void
  readonly #drain: number
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Text of this turn of the event loop. */
  #gathered = ''
  /** Text of earlier turns that the reader has not asked for yet. */
  #queue = ''
  /** The rest of what was taken from the queue. */
  #bytes: Uint8Array | undefined
  /** The reader waits for data. */
  #wanted = false
  #closing = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #stalled: ReturnType<typeof setTimeout> | undefined
  readonly #onDrained = new Set<() => void>()

  /** `onGone` is called when the client has left, or was disconnected because it does not read. */
  constructor({ keepAlive, drain }: SseOptions, onGone: () => void) {
    this.#onGone = onGone
    this.#drain = drain
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#wanted = true
          this.#send()
        },
        cancel: () => this.#drop(),
      },
      { highWaterMark: 0 },
    )
    this.#keepAlive = setInterval(() => this.write(': keep-alive\n\n'), keepAlive)
  }

  get open(): boolean {
    return this.#controller !== undefined && !this.#closing
  }

  /** Goes out with everything else of this turn, as one chunk. */
  write(text: string): void {
    if (!this.open || text === '') return
    this.#gathered += text
    // A timer and not a microtask, because a handler's loop of awaits is one turn as well.
    this.#timer ??= setTimeout(() => this.flush(), 0)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#gathered) return
    // The limit is checked before the text is added, so one large burst is not held against the client.
    if (this.#queue.length + (this.#bytes?.length ?? 0) > MOST_BEHIND) {
      this.#controller?.error(new Error('The client reads too slowly'))
      this.#drop()
    } else {
      this.#queue += this.#gathered
      this.#gathered = ''
      this.#send()
    }
  }

  /** Resolves when the client has taken everything, when it is gone, or when the signal aborts. */
  drained(signal: AbortSignal): Promise<void> {
    this.flush()
    if (!this.open || !this.#waiting || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.#onDrained.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#onDrained.add(done)
      signal.addEventListener('abort', done)
    })
  }

  /** Ends the stream when the client has taken the rest, for which it has the same bounded time. */
  close(): void {
    if (!this.open) return
    this.flush()
    this.#closing = true
    clearInterval(this.#keepAlive)
    this.#finish()
  }

  /**
   * Ends the stream at once and drops what waits: another reader has replaced it, or its client does not
   * read. The body just ends without an error, and a client that resumes gets the rest.
   */
  breakOff(): void {
    this.#controller?.close()
    this.#drop()
  }

  get #waiting(): boolean {
    return this.#queue !== '' || this.#bytes !== undefined
  }

  #send(): void {
    if (!this.#controller) return
    if (this.#wanted && this.#waiting) {
      const bytes = this.#bytes ?? ENCODER.encode(this.#queue)
      if (!this.#bytes) this.#queue = ''
      this.#bytes = bytes.length > SLICE ? bytes.subarray(SLICE) : undefined
      this.#wanted = false
      this.#watch(true)
      this.#controller.enqueue(bytes.length > SLICE ? bytes.subarray(0, SLICE) : bytes)
      if (!this.#waiting) for (const done of [...this.#onDrained]) done()
      this.#finish()
    } else this.#watch(false)
  }

  /** Limits how long text waits for a reader; `progress` says that the reader has just taken some. */
  #watch(progress: boolean): void {
    if (progress) {
      clearTimeout(this.#stalled)
      this.#stalled = undefined
    }
    if (this.#waiting) this.#stalled ??= setTimeout(() => this.breakOff(), this.#drain)
  }

  #finish(): void {
    if (!this.#closing || this.#waiting) return
    this.#controller?.close()
    this.#release()
  }

  #drop(): void {
    if (!this.#controller) return
    const ended = this.#closing
    this.#release()
    if (!ended) this.#onGone()
  }

  #release(): void {
    this.#controller = undefined
    this.#gathered = ''
    this.#queue = ''
    this.#bytes = undefined
    clearTimeout(this.#timer)
    clearTimeout(this.#stalled)
    clearInterval(this.#keepAlive)
    for (const done of [...this.#onDrained]) done()
  }
}
