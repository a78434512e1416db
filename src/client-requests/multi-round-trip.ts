/** Questions of 2026-07-28: multi-round-trip requests, the handler run again with each round's answers (A.5). */
import { failure } from '../handlers/content.ts'
import { fingerprint } from '../lib/digest.ts'
import type { JsonValue } from '../state/store.ts'
import type { ClientRequest, ClientRequester } from './client-request.ts'
import { Suspended } from './client-request.ts'

/** What the client carries from round to round, sealed. */
export interface RoundState {
  /** Rounds so far. */
  readonly round: number
  /** Fingerprints of the questions of the last round, by key: what protects them is the seal. */
  readonly asked: { readonly [key: string]: number }
  readonly answers: { readonly [key: string]: JsonValue }
  readonly steps: { readonly [name: string]: JsonValue }
  /** Handle of the conversation that the call has opened (C17). */
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
  readonly #open = new Map<string, { method: string; params: object | undefined; print: number }>()
  /** Handle that an earlier round opened. */
  readonly handle: string | undefined
  #unnamed = 0
  #closing: Promise<void> | undefined
  #suspended = false

  constructor(responses: { readonly [key: string]: unknown }, state: RoundState = START) {
    this.#before = state
    this.#responses = responses
    this.handle = state.handle
    this.#answers = new Map(Object.entries(state.answers))
    this.#steps = new Map(
      Object.entries(state.steps).map(([name, value]) => [name, Promise.resolve(value)]),
    )
  }

  /** Whether a question ended the run: whatever the handler returned or threw after it does not count. */
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
    // an answer to what was asked under this key before would go for one to what is asked now
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

  step<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    const known = this.#steps.get(name) ?? (async () => fn())()
    this.#steps.set(name, known)
    return known as Promise<T>
  }

  /**
   * An answer counts for the very question that was asked. A key of the author's promises that; the
   * order of asking does not, so there the fingerprint must fit too: a "yes" to deleting five files
   * is none to deleting seven.
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

  /** Ends the run once everything asked in the same turn is known, and every step begun has its result. */
  async #close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0))
    await Promise.allSettled(this.#steps.values())
    this.#suspended = true
  }

  /** The questions of this round, for the client. */
  inputRequests(): Record<string, object> {
    return Object.fromEntries(
      [...this.#open].map(([key, { method, params }]) => [
        key,
        { method, ...(params && { params }) },
      ]),
    )
  }

  /** What the next round has to know. A step that failed is not kept: it runs again. */
  async state(handle: string | undefined): Promise<RoundState> {
    const steps: [string, JsonValue][] = []
    for (const [name, result] of this.#steps) {
      await result.then(
        (value) => steps.push([name, (value ?? null) as JsonValue]),
        () => {},
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
      ...(handle && { handle }),
    }
  }
}
