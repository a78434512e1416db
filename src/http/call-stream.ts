/** The reply to a POST in the making: JSON, or a stream of server-sent events. */
import type { MessageStream } from '../client-requests/stream-requester.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Deliver, EventLogWriter } from '../state/event-log/writer.ts'
import type { JsonValue } from '../state/store.ts'
import type { Accepts } from './accept.ts'
import { wholeResponse } from './replies.ts'
import { accepted } from './responses.ts'
import { SSE_HEADERS, sseEvent, ssePriming } from './sse.ts'
import { SseConnection } from './sse-connection.ts'
import * as status from './status.ts'

/** What a call came to. `body` is undefined when the client has cancelled it: then there is no reply (B52). */
export interface Answer {
  readonly body: string | undefined
  readonly status: number
  /** The code of a JSON-RPC error, as text. */
  readonly error?: string
  /** Seconds after which the client should try again, for a status that says so. */
  readonly retryAfter?: number | undefined
  /** The run has ended without an answer, and another one goes on. */
  readonly suspended?: true
}

export interface CallStreamOptions {
  readonly accepts: Accepts
  /** Milliseconds between keep-alive comments; a call that is silent for as long becomes a stream. */
  readonly keepAlive: number
  /** Milliseconds after which a client that does not read is disconnected. */
  readonly drain: number
  /** Called with the id of a resumable stream and a function that ends this connection when a client resumes it. */
  readonly onOpen?: (id: string, end: () => void) => () => void
  /** Makes the stream resumable (2025). */
  readonly eventLog?: ((deliver: Deliver, lost: () => void) => EventLogWriter) | undefined
  /** Events that a client has missed of a stream that goes on: the response is a stream from the start. */
  readonly missed?: string
  /** Whether the client understands an event without data (2025-11-25, B17). */
  readonly priming?: boolean
  /** Whether the calls may outlive the connection: the client can resume, and the host lets them run. */
  readonly detaches?: boolean
  /** Called when the client has left while a call runs. */
  onGone(): void
  /** Called when another instance has ended the calls because it took this one for dead. */
  onLost(): void
}

/** The reply to one POST: one JSON body while the calls are silent, a stream from the first event on. */
export class CallStream implements MessageStream {
  readonly #options: CallStreamOptions
  #connection: SseConnection | undefined
  #writer: EventLogWriter | undefined
  #release: (() => void) | undefined
  #primed = false
  /** All calls are answered: what a handler still sends is dropped (B53, C35). */
  #over = false
  /** The streamed response, once there is one: a handler may send its first event before `respond` is called. */
  #stream: Response | undefined
  #onStream: ((stream: Response) => void) | undefined

  constructor(options: CallStreamOptions) {
    this.#options = options
  }

  /** Returns the response as soon as there is an event to send, or with the answers, whichever is first. */
  respond(run: readonly MaybePromise<Answer>[], batch: boolean): MaybePromise<Response> {
    if (this.#options.missed !== undefined) this.#open()
    if (!this.#stream && run.every(isSettled)) {
      this.#over = true
      return this.#whole(run, batch)
    }
    return new Promise((resolve, reject) => {
      this.#onStream = resolve
      if (this.#stream) resolve(this.#stream)
      this.#finish(run, batch).then(resolve, reject)
    })
  }

  /** Waits for the answers. When the response is a stream by then, they are its last messages. */
  async #finish(run: readonly MaybePromise<Answer>[], batch: boolean): Promise<Response> {
    // A silent call becomes a stream before a proxy takes its connection for dead.
    const quiet = setTimeout(() => this.#open(), this.#options.keepAlive)
    try {
      const answers = await Promise.all(run).finally(() => {
        clearTimeout(quiet)
        this.#over = true
      })
      if (!this.#stream) return this.#whole(answers, batch)
      await this.#end(answers)
      return this.#stream
    } catch (error) {
      this.#fail()
      throw error
    }
  }

  notify(message: string): void {
    if (!this.#over && this.#open()) this.#send(message)
  }

  async request(message: string): Promise<boolean> {
    if (this.#over || !this.#open()) return false
    if (this.#writer) this.#writer.push(message)
    else this.#connection?.write(sseEvent(message))
    await this.#writer?.flush()
    this.#connection?.flush()
    return true
  }

  /** Tells whether a call waits for its client. */
  set waiting(waiting: boolean) {
    if (this.#writer) this.#writer.waiting = waiting
  }

  /** Ends the connection but not the calls; a client that resumes gets the rest. Does nothing where that is not possible. */
  async disconnect(retryMs = 1_000): Promise<void> {
    if (this.#over || !this.#options.detaches || !this.#open()) return
    await this.#writer?.flush()
    this.#leave(retryMs)
  }

  /**
   * Ends the connection and this run of the call, and leaves what another run needs. Returns false where
   * that cannot be kept.
   */
  async suspend(left: JsonValue): Promise<boolean> {
    if (this.#over || !(await this.#writer?.suspend(left))) return false
    this.#over = true
    this.#leave(1_000)
    return true
  }

  #leave(retryMs: number): void {
    const id = this.#writer?.lastId
    if (id && this.#connection?.open) {
      this.#connection.write(ssePriming(id, retryMs))
      this.#connection.close()
    }
  }

  /** Turns the reply into a stream; false when the client takes none. */
  #open(): boolean {
    if (this.#connection) return true
    const { accepts, eventLog, missed = '', onGone, onLost, onOpen } = this.#options
    if (!accepts.stream) return false
    const connection = new SseConnection(this.#options, onGone)
    this.#connection = connection
    connection.write(missed)
    this.#writer = eventLog?.(
      (events) => {
        this.#prime()
        for (const { id, data } of events) this.#connection?.write(sseEvent(data, id))
      },
      () => {
        connection.close()
        onLost()
      },
    )
    if (this.#writer) this.#release = onOpen?.(this.#writer.id, () => connection.breakOff())
    void this.#writer?.flush()
    this.#stream = new Response(this.#connection.body, { headers: SSE_HEADERS })
    this.#onStream?.(this.#stream)
    return true
  }

  /** Sends the priming event: the id to resume from, once the log exists (B17). */
  #prime(): void {
    if (this.#primed || !this.#options.priming || !this.#writer) return
    this.#primed = true
    this.#connection?.write(ssePriming(this.#writer.firstId))
  }

  #send(message: string): void {
    if (this.#writer) {
      this.#writer.push(message)
      this.#writer.flushSoon()
    } else this.#connection?.write(sseEvent(message))
  }

  async #end(answers: Answer[]): Promise<void> {
    const bodies = answers.flatMap(({ body }) => body ?? [])
    if (this.#writer) await this.#writer.end(bodies)
    else for (const body of bodies) this.#connection?.write(sseEvent(body))
    this.#connection?.close()
    this.#release?.()
  }

  /** Ends the stream without an answer, and stops the renewal of its lease. */
  #fail(): void {
    this.#writer?.abandon()
    this.#connection?.close()
    this.#release?.()
  }

  #whole(answers: readonly Answer[], batch: boolean): Response {
    const { accepts } = this.#options
    const [first] = answers
    if (!batch) {
      return first?.body === undefined
        ? accepted()
        : wholeResponse(first.body, accepts, first.status, first.retryAfter)
    }
    const bodies = answers.flatMap(({ body }) => body ?? [])
    return bodies.length > 0
      ? wholeResponse(`[${bodies.join(',')}]`, accepts, status.OK)
      : accepted()
  }
}

const isSettled = <T>(value: MaybePromise<T>): value is T => !(value instanceof Promise)
