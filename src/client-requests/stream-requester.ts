/** Requests to a client of 2025: they travel on the call's own stream, and the answer may reach any instance. */
import { failure } from '../handlers/content.ts'
import { isObject } from '../lib/is-object.ts'
import { notificationMessage, requestMessage } from '../protocol/jsonrpc.ts'
import type { Mailbox } from '../state/mailbox.ts'
import { randomId } from '../state/sessions.ts'
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
  /** Functions that end the waits for answers. */
  readonly #waits = new Set<() => void>()
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

  async ask<T>({ method, params, parse }: ClientRequest<T>): Promise<T> {
    const { id, answer } = await this.#mailbox.ask()
    if (!(await this.#stream.request(requestMessage(id, method, params)))) {
      this.#mailbox.drop(id)
      throw failure(`${method} needs a client that accepts text/event-stream`)
    }
    const response = await this.#within(id, answer)
    if (!isObject(response)) throw failure(`The client's answer to ${method} is malformed`)
    if (isObject(response.error)) {
      throw failure(`The client answered ${method} with error ${Number(response.error.code)}`)
    }
    const value = await parse(response.result)
    if (value === undefined) throw failure(`The client's answer does not fit ${method}`)
    return value
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
      const takeBack = (reason: string) =>
        this.#stream.notify(
          notificationMessage('notifications/cancelled', { requestId: id, reason }),
        )
      const timer = setTimeout(() => {
        takeBack('No answer in time')
        reject(failure(`No one answered within ${this.#timeout / 1000} seconds`))
      }, this.#timeout)
      const onAbort = () => {
        // A client that cancelled the call has dropped its questions and expects no more messages (B52).
        if (!isCancelled(signal.reason)) takeBack('The call has ended')
        reject(signal.reason)
      }
      this.#waits.add(onAbort)
      this.#stream.waiting = true
      if (signal.aborted) onAbort()
      stop = () => {
        clearTimeout(timer)
        this.#waits.delete(onAbort)
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
        for (const end of this.#waits) end()
      })
    }
    return signal
  }
}

/** Compares the name, because importing the class would make a cycle of modules. */
const isCancelled = (reason: unknown) => reason instanceof Error && reason.name === 'Cancelled'
