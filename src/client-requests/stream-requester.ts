/** Requests to a client of 2025: they travel on the call's own stream, and the answer may reach any instance. */
import { failure } from '../handlers/failure.ts'
import { isObject } from '../lib/is-object.ts'
import { notificationMessage, requestMessage } from '../protocol/jsonrpc.ts'
import type { Mailbox } from '../state/mailbox.ts'
import { randomId } from '../state/sessions.ts'
import type { JsonValue } from '../state/store.ts'
import type { ClientRequest, ClientRequester } from './client-request.ts'

/** The call's stream to the client. */
export interface MessageStream {
  /** Queues a notification; returns at once. */
  notify(message: string): void
  /** Sends a request; resolves when it is durable and on its way. False when the client takes no streams. */
  request(message: string): Promise<boolean>
  /** Whether the call waits for an answer, which may take a person minutes. */
  waiting: boolean
}

export class StreamRequester implements ClientRequester {
  #callKey: string | undefined
  readonly #mailbox: Mailbox
  readonly #stream: MessageStream
  readonly #signal: () => AbortSignal
  readonly #timeout: number
  readonly #steps = new Map<string, Promise<unknown>>()
  /** Functions that end the waits for answers. The client is told why, unless there is no need. */
  readonly #waits = new Set<(reason: unknown, why?: string) => void>()
  #watched = false

  /** `timeout` in milliseconds: how long a person may take. */
  constructor(mailbox: Mailbox, stream: MessageStream, signal: () => AbortSignal, timeout: number) {
    this.#mailbox = mailbox
    this.#stream = stream
    this.#signal = signal
    this.#timeout = timeout
  }

  get callKey(): string {
    this.#callKey ??= randomId()
    return this.#callKey
  }

  async ask<T>(question: ClientRequest<T>): Promise<T> {
    return readResponse(question, await this.send(question))
  }

  /** Sends a request and returns the response to it. `onId` gets the request's id before it is sent. */
  protected async send(
    { method, params }: Pick<ClientRequest<unknown>, 'method' | 'params'>,
    onId: (id: string) => void = () => {},
  ): Promise<JsonValue> {
    const { id, answer } = await this.#mailbox.ask()
    onId(id)
    if (!(await this.#stream.request(requestMessage(id, method, params)))) {
      this.#mailbox.drop(id)
      throw failure(`${method} needs a client that accepts text/event-stream`)
    }
    return this.#within(id, answer)
  }

  /** Ends the waits for all answers, of which the client is not told. */
  protected endWaits(reason: Error): void {
    for (const end of this.#waits) end(reason)
  }

  step<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    const known = this.#steps.get(name) ?? (async () => fn())()
    this.#steps.set(name, known)
    return known as Promise<T>
  }

  /** The answer, unless the call ends first or no answer comes in time. */
  async #within<T>(id: string, answer: Promise<T>): Promise<T> {
    const signal = this.#watch()
    let stop = () => {}
    const ended = new Promise<never>((_, reject) => {
      const end = (error: unknown, reason?: string) => {
        if (reason !== undefined) this.#stream.notify(withdrawalMessage(id, reason))
        reject(error)
      }
      const timer = setTimeout(() => end(failure(notAnswered(this.#timeout)), LATE), this.#timeout)
      this.#waits.add(end)
      this.#stream.waiting = true
      if (signal.aborted) endWait(end, signal.reason)
      stop = () => {
        clearTimeout(timer)
        this.#waits.delete(end)
        this.#stream.waiting = this.#waits.size > 0
      }
    })
    try {
      return await Promise.race([answer, ended])
    } finally {
      stop()
      this.#mailbox.drop(id)
    }
  }

  /** All waits share one listener, because Node 20 warns of a leak at the 11th listener of a signal. */
  #watch(): AbortSignal {
    const signal = this.#signal()
    if (!this.#watched) {
      this.#watched = true
      signal.addEventListener('abort', () => {
        for (const end of this.#waits) endWait(end, signal.reason)
      })
    }
    return signal
  }
}

/** Why a request without an answer is withdrawn. */
export const LATE = 'No answer in time'

/** Tells the client that the server no longer waits for the answer to a request. */
export function withdrawalMessage(requestId: string, reason: string): string {
  return notificationMessage('notifications/cancelled', { requestId, reason })
}

/** The failure of a request without an answer after `timeout` milliseconds. */
export function notAnswered(timeout: number): string {
  return `No one answered within ${timeout / 1000} seconds`
}

/** The value for the handler in a client's response. Throws a failure for an error or a response that does not fit. */
export async function readResponse<T>(
  { method, parse }: Pick<ClientRequest<T>, 'method' | 'parse'>,
  response: unknown,
): Promise<T> {
  if (!isObject(response)) throw failure(`The client's answer to ${method} is malformed`)
  if (isObject(response.error)) {
    throw failure(`The client answered ${method} with error ${Number(response.error.code)}`)
  }
  const value = await parse(response.result)
  if (value === undefined) throw failure(`The client's answer does not fit ${method}`)
  return value
}

/** A client that cancelled the call has dropped its questions and expects no more messages (B52). */
function endWait(end: (error: unknown, reason?: string) => void, reason: unknown): void {
  end(reason, isCancelled(reason) ? undefined : 'The call has ended')
}

/** Compares the name, because importing the class would make a cycle of modules. */
const isCancelled = (reason: unknown) => reason instanceof Error && reason.name === 'Cancelled'
