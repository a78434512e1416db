/** Multi-round-trip requests of 2026-07-28: the handler runs again with the answers of each round (A.5). */
import { failure } from '../handlers/content.ts'
import { fingerprint } from '../lib/digest.ts'
import { randomId } from '../state/sessions.ts'
import type { JsonValue } from '../state/store.ts'
import type { ClientRequest, ClientRequester, StepOptions } from './client-request.ts'
import { StepInterrupted, Suspended } from './client-request.ts'

/** The state that the client returns with each round, sealed. */
export interface RoundState {
  /** Rounds so far. */
  readonly round: number
  /** Fingerprints of all requests so far, by key. The seal protects them, so a short hash is enough. */
  readonly asked: { readonly [key: string]: number }
  readonly answers: { readonly [key: string]: JsonValue }
  readonly steps: { readonly [name: string]: JsonValue }
  /** Steps with `once` that have failed: they must not run again. */
  readonly interrupted?: readonly string[]
  /** The call's `callKey`, once a step has used it. */
  readonly callKey?: string
  /** The session handle that the call has opened (C17). */
  readonly handle?: string
}

/** Rounds of one call at most. The official clients follow 10: below that, the server's error explains the end. */
const MOST_ROUNDS = 8

const START: RoundState = { round: 0, asked: {}, answers: {}, steps: {} }

export class MultiRoundTrip implements ClientRequester {
  readonly #before: RoundState
  readonly #responses: { readonly [key: string]: unknown }
  readonly #answers: Map<string, JsonValue>
  readonly #steps: Map<string, Promise<unknown>>
  readonly #once = new Set<string>()
  #callKey: string | undefined
  readonly #open = new Map<string, { method: string; params: object | undefined; print: number }>()
  /** The session handle that an earlier round has opened. */
  readonly handle: string | undefined
  #unnamed = 0
  #closing: Promise<void> | undefined
  #suspended = false

  constructor(responses: { readonly [key: string]: unknown }, state: RoundState = START) {
    this.#before = state
    this.#responses = responses
    this.handle = state.handle
    this.#callKey = state.callKey
    this.#answers = new Map(Object.entries(state.answers))
    this.#steps = new Map(
      Object.entries(state.steps).map(([name, value]) => [name, Promise.resolve(value)]),
    )
  }

  /** Whether a request has ended the run: a result or exception of the handler after that is ignored. */
  get suspended(): boolean {
    return this.#suspended
  }

  ask<T>(question: ClientRequest<T>): Promise<T> {
    const key = question.key ?? `question-${++this.#unnamed}`
    return this.#ask(question, key)
  }

  async #ask<T>(question: ClientRequest<T>, key: string): Promise<T> {
    const print = fingerprint(`${question.method} ${JSON.stringify(question.params)}`)
    const answer = this.#find(question, key, print)
    if (answer !== undefined) {
      const value = await question.parse(answer)
      if (value !== undefined) {
        this.#answers.set(key, answer)
        return value
      }
    }
    // Drop the stale answer: this key now names a different request.
    this.#answers.delete(key)
    if (this.#before.round >= MOST_ROUNDS) {
      throw failure(`The call asked in more than ${MOST_ROUNDS} rounds`)
    }
    const other = this.#open.get(key)
    if (other && other.print !== print) {
      throw new TypeError(`Two different questions of one round have the key "${key}"`)
    }
    this.#open.set(key, { method: question.method, params: question.params, print })
    this.#closing ??= this.#close()
    await this.#closing
    throw new Suspended()
  }

  get callKey(): string {
    this.#callKey ??= randomId()
    return this.#callKey
  }

  step<T>(name: string, fn: () => T | Promise<T>, { once = false }: StepOptions = {}): Promise<T> {
    const run = async () => {
      if (this.#before.interrupted?.includes(name)) throw new StepInterrupted(name)
      return fn()
    }
    const known = this.#steps.get(name) ?? run()
    this.#steps.set(name, known)
    if (once) this.#once.add(name)
    return known as Promise<T>
  }

  /**
   * An answer is valid only for the request that was sent. A key of the author guarantees that. A
   * position does not, so there the fingerprint must match too: a "yes" to deleting five files is not
   * a "yes" to deleting seven.
   */
  #find({ key: named }: ClientRequest<unknown>, key: string, print: number): JsonValue | undefined {
    const sealed = this.#answers.get(key)
    const fits = named !== undefined || this.#before.asked[key] === print
    if (!fits) return undefined
    return (
      sealed ??
      (Object.hasOwn(this.#responses, key) ? (this.#responses[key] as JsonValue) : undefined)
    )
  }

  /** Ends the run when all requests of the same turn are known and all steps that have begun are finished. */
  async #close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0))
    await Promise.allSettled(this.#steps.values())
    this.#suspended = true
  }

  /** The requests of this round, for the client. */
  inputRequests(): Record<string, object> {
    return Object.fromEntries(
      [...this.#open].map(([key, { method, params }]) => [
        key,
        { method, ...(params && { params }) },
      ]),
    )
  }

  /** The state for the next round. A step that failed is not kept, so it runs again, unless it has `once`. */
  async state(handle: string | undefined): Promise<RoundState> {
    const steps: [string, JsonValue][] = []
    const interrupted: string[] = []
    for (const [name, result] of this.#steps) {
      await result.then(
        (value) => steps.push([name, (value ?? null) as JsonValue]),
        () => this.#once.has(name) && interrupted.push(name),
      )
    }
    return {
      round: this.#before.round + 1,
      asked: {
        ...this.#before.asked,
        ...Object.fromEntries([...this.#open].map(([key, { print }]) => [key, print])),
      },
      answers: Object.fromEntries(this.#answers),
      steps: Object.fromEntries(steps),
      ...(interrupted.length > 0 && { interrupted }),
      ...(this.#callKey && { callKey: this.#callKey }),
      ...(handle && { handle }),
    }
  }
}
