/** A reply: one JSON body while the call stays quiet, a stream from its first event on. Status codes are decided here. */

import { AuthError } from '../auth/auth.ts'
import type { MessageStream } from '../client-requests/stream-requester.ts'
import { Cancelled } from '../handlers/cancellation.ts'
import { HandlerFailure, logInternal } from '../handlers/run-handler.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { code, errorMessage, McpError } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import type { Era } from '../protocol/revisions.ts'
import type { Server } from '../server.ts'
import type { Deliver, EventLogWriter } from '../state/event-log/writer.ts'
import { StoreUnavailable } from '../state/store.ts'
import { SSE_HEADERS, SseConnection, sseEvent, ssePriming } from './sse.ts'

const JSON_HEADERS = { 'content-type': 'application/json' } as const
const BUSY_HEADERS = { ...JSON_HEADERS, 'retry-after': '1' } as const

export function jsonResponse(body: string, status = 200): Response {
  return new Response(body, { status, headers: status === 503 ? BUSY_HEADERS : JSON_HEADERS })
}

export function accepted(): Response {
  return new Response(null, { status: 202 })
}

/** A client that reads GET here opens a stream: it is named only where that is more than resuming one (B23). */
export function methodNotAllowed({ listening }: Server): Response {
  const allow = listening ? 'POST, GET, DELETE, OPTIONS' : 'POST, DELETE, OPTIONS'
  return new Response(null, { status: 405, headers: { allow } })
}

/** A refusal that no request's id belongs to, or that comes before any era is known. */
export function errorResponse(status: number, id: RequestId | null, error: McpError): Response {
  return jsonResponse(errorMessage(id, error), status)
}

/**
 * The HTTP status of an error that a method ended with. 2026 gives some errors a status (A.10); 2025
 * gives none, and a 404 there would mean that the session is gone (H12).
 */
function statusOf(era: Era, error: McpError): number {
  if (era === 'legacy') return 200
  if (error.code === code.methodNotFound) return 404
  return error.code === code.missingCapability ? 400 : 200
}

/** What a call came to. `body` is undefined when the client cancelled it: then there is no answer (B52). */
export interface Answer {
  readonly body: string | undefined
  readonly status: number
}

/** An exception of a method as its answer; a refused caller is thrown on, for the challenge is an HTTP matter. */
export function toAnswer(server: Server, era: Era, id: RequestId, error: unknown): Answer {
  if (error instanceof AuthError) throw error
  if (error instanceof Cancelled) return { body: undefined, status: 202 }
  if (error instanceof McpError) {
    return { body: errorMessage(id, error), status: statusOf(era, error) }
  }
  const internal = (message: string) => errorMessage(id, new McpError(code.internal, message))
  if (error instanceof HandlerFailure) return { body: internal(error.message), status: 200 }
  if (error instanceof StoreUnavailable) {
    return { body: internal('The server is busy: try again shortly'), status: 503 }
  }
  return { body: internal(logInternal(server, 'a method threw', error)), status: 500 }
}

/** What the client's Accept header allows. */
export interface Accepts {
  readonly json: boolean
  readonly stream: boolean
}

const BOTH: Accepts = { json: true, stream: true }

/** No header means anything (RFC 9110, section 12.5.1). */
export function parseAccept(header: string | null): Accepts {
  if (header === null || header === 'application/json, text/event-stream') return BOTH
  const types = header
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
    .map((part) => part.split(';')[0]?.trim())
  const any = types.includes('*/*')
  return {
    json: any || types.includes('application/json') || types.includes('application/*'),
    stream: any || types.includes('text/event-stream') || types.includes('text/*'),
  }
}

/** One message as a whole reply, in the form the client takes; only JSON can have a status that says more. */
function wholeResponse(body: string, accepts: Accepts, status = 200): Response {
  if (accepts.json || status !== 200) return jsonResponse(body, status)
  return new Response(sseEvent(body), { headers: SSE_HEADERS })
}

/** The same with the id of a new session; set on a finished response, a header costs as much as the handshake. */
export function sessionResponse(body: string, accepts: Accepts, session: string): Response {
  const own = { 'mcp-session-id': session }
  return accepts.json
    ? new Response(body, { headers: { 'content-type': 'application/json', ...own } })
    : new Response(sseEvent(body), { headers: { ...SSE_HEADERS, ...own } })
}

export interface CallStreamOptions {
  readonly accepts: Accepts
  /** Milliseconds between keep-alive comments; also how long a call may be quiet before it becomes a stream. */
  readonly keepAlive: number
  /** Makes the stream resumable (2025). */
  readonly journal?: ((deliver: Deliver, lost: () => void) => EventLogWriter) | undefined
  /** Whether the client knows an event without data (2025-11-25). */
  readonly priming?: boolean
  /** Whether the call may outlive the connection: its client comes back, and the host lets it run. */
  readonly detaches?: boolean
  /** The client left while the call ran. */
  onGone(): void
}

/** One POST's reply in the making. */
export class CallStream implements MessageStream {
  readonly #options: CallStreamOptions
  #connection: SseConnection | undefined
  #writer: EventLogWriter | undefined
  #primed = false
  /** The answers are there: what a handler says from now on has nowhere to go (B53, C35). */
  #over = false
  /** The stream, once there is one: a handler may send its first event before anybody waits for a response. */
  #stream: Response | undefined
  #onStream: ((stream: Response) => void) | undefined

  constructor(options: CallStreamOptions) {
    this.#options = options
  }

  /** The response: as soon as there is an event to send, or with the answers, whichever is first. */
  respond(run: readonly MaybePromise<Answer>[], batch: boolean): MaybePromise<Response> {
    if (!this.#stream && run.every(isSettled)) {
      this.#over = true
      return this.#whole(run, batch)
    }
    return new Promise((resolve, reject) => {
      this.#onStream = resolve
      if (this.#stream) resolve(this.#stream)
      // a quiet call turns into a stream before some proxy on the way takes it for dead
      const quiet = setTimeout(() => this.#open(), this.#options.keepAlive)
      Promise.all(run)
        .finally(() => {
          clearTimeout(quiet)
          this.#over = true
        })
        .then((answers) =>
          this.#stream ? this.#end(answers) : resolve(this.#whole(answers, batch)),
        )
        .catch((error) => {
          this.#fail()
          reject(error)
        })
    })
  }

  notify(message: string): void {
    if (!this.#over && this.#open()) this.#send(message)
  }

  async request(message: string): Promise<boolean> {
    if (this.#over || !this.#open()) return false
    this.#send(message)
    await this.#writer?.flush()
    this.#connection?.flush()
    return true
  }

  /** Lets go of the connection; the rest is there for whoever resumes. Only where that is possible. */
  async disconnect(retryMs = 1_000): Promise<void> {
    if (this.#over || !this.#options.detaches || !this.#open()) return
    await this.#writer?.flush()
    const id = this.#writer?.lastId
    if (id && this.#connection?.open) {
      this.#connection.write(ssePriming(id, retryMs))
      this.#connection.close()
    }
  }

  /** Turns the reply into a stream; false when the client takes none. */
  #open(): boolean {
    if (this.#connection) return true
    const { accepts, keepAlive, journal, onGone } = this.#options
    if (!accepts.stream) return false
    this.#connection = new SseConnection(keepAlive, onGone)
    this.#writer = journal?.(
      (events) => {
        this.#prime()
        for (const { id, data } of events) this.#connection?.write(sseEvent(data, id))
      },
      () => this.#connection?.close(),
    )
    void this.#writer?.flush()
    this.#stream = new Response(this.#connection.body, { headers: SSE_HEADERS })
    this.#onStream?.(this.#stream)
    return true
  }

  /** The first thing on a resumable stream: an id to come back with, once there is something to come back to. */
  #prime(): void {
    if (this.#primed || !this.#options.priming || !this.#writer) return
    this.#primed = true
    this.#connection?.write(ssePriming(this.#writer.firstId))
  }

  #send(message: string): void {
    if (this.#writer) {
      this.#writer.push(message)
      void this.#writer.flush()
    } else this.#connection?.write(sseEvent(message))
  }

  async #end(answers: Answer[]): Promise<void> {
    const bodies = answers.flatMap(({ body }) => body ?? [])
    if (this.#writer) await this.#writer.end(bodies)
    else for (const body of bodies) this.#connection?.write(sseEvent(body))
    this.#connection?.close()
  }

  /** Nothing fit to send is left: the stream ends, and with it the claim that somebody works on it. */
  #fail(): void {
    this.#writer?.abandon()
    this.#connection?.close()
  }

  #whole(answers: readonly Answer[], batch: boolean): Response {
    const { accepts } = this.#options
    const [first] = answers
    if (!batch) {
      return first?.body === undefined
        ? accepted()
        : wholeResponse(first.body, accepts, first.status)
    }
    const bodies = answers.flatMap(({ body }) => body ?? [])
    return bodies.length > 0 ? wholeResponse(`[${bodies.join(',')}]`, accepts) : accepted()
  }
}

const isSettled = <T>(value: MaybePromise<T>): value is T => !(value instanceof Promise)
