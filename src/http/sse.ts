/** Server-sent events: one event as text, and a connection that gathers what one turn writes. */

/**
 * One event (WHATWG HTML, section 9.2.6). JSON text has no raw line breaks, so one `data` line holds it.
 */
export function sseEvent(data: string, id?: string): string {
  return id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`
}

/** An event that carries nothing but an id to resume from, and how long to wait before coming back (B17, B18). */
export function ssePriming(id: string, retryMs?: number): string {
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
  return `id: ${id}\n${retry}data: \n\n`
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/** Bytes that may wait for a client: one that has not taken them when more comes is given up. */
const MOST_BEHIND = 8 * 1024 * 1024

const encoder = new TextEncoder()

/** The writing end of an SSE response. */
export class SseConnection {
  readonly body: ReadableStream<Uint8Array>
  readonly #keepAlive: ReturnType<typeof setInterval>
  readonly #onGone: () => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #gathered = ''
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `onGone` is called when the client has left, or is so far behind that it counts as gone. */
  constructor(keepAliveMs: number, onGone: () => void) {
    this.#onGone = onGone
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        cancel: () => this.#drop(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
    )
    this.#keepAlive = setInterval(() => this.write(': keep-alive\n\n'), keepAliveMs)
  }

  get open(): boolean {
    return this.#controller !== undefined
  }

  /** Goes out with everything else of this turn, as one chunk. */
  write(text: string): void {
    if (!this.#controller) return
    this.#gathered += text
    // a timer, not a microtask: a handler's loop of awaits is one turn, too
    this.#timer ??= setTimeout(() => this.flush(), 0)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#controller || !this.#gathered) return
    // what comes at once is no delay of the client's, however much it is
    if ((this.#controller.desiredSize ?? 0) < -MOST_BEHIND) {
      this.#controller.error(new Error('The client reads too slowly'))
      this.#drop()
    } else this.#enqueue()
  }

  #enqueue(): void {
    this.#controller?.enqueue(encoder.encode(this.#gathered))
    this.#gathered = ''
  }

  close(): void {
    if (this.#gathered) this.#enqueue()
    this.#controller?.close()
    this.#release()
  }

  #drop(): void {
    if (!this.#controller) return
    this.#release()
    this.#onGone()
  }

  #release(): void {
    this.#controller = undefined
    this.#gathered = ''
    clearTimeout(this.#timer)
    clearInterval(this.#keepAlive)
  }
}
