/** Multi-round-trip requests of 2026-07-28: the handler runs again with the answers of each round (A.5). */
import { failure } from '../handlers/failure.ts'
import { fingerprint } from '../lib/digest.ts'
import type { JsonValue } from '../state/store.ts'
import type { ClientRequest, ClientRequester, StepOptions } from './client-request.ts'
import { Suspended } from './client-request.ts'
import type { RunState } from './recorded-run.ts'
import { FIRST_RUN, RecordedRun } from './recorded-run.ts'

/** The state that the client returns with each round, sealed. */
export interface RoundState extends RunState {
  /** Rounds so far. */
  readonly round: number
  /** The session handle that the call has opened (C17). */
  readonly handle?: string
}

/** Rounds of one call at most. The official clients follow 10: below that, the server's error explains the end. */
const MOST_ROUNDS = 8

const START: RoundState = { round: 0, ...FIRST_RUN }

export class MultiRoundTrip implements ClientRequester {
  /** The session handle that an earlier round has opened. */
  readonly handle: string | undefined
  readonly #round: number
  readonly #run: RecordedRun
  readonly #responses: { readonly [key: string]: unknown }
  readonly #open = new Map<string, { method: string; params: object | undefined; print: number }>()
  #closing: Promise<void> | undefined
  #suspended = false

  constructor(responses: { readonly [key: string]: unknown }, state: RoundState = START) {
    this.#round = state.round
    this.#run = new RecordedRun(state)
    this.#responses = responses
    this.handle = state.handle
  }

  /** Whether a request has ended the run: a result or exception of the handler after that is ignored. */
  get suspended(): boolean {
    return this.#suspended
  }

  get callKey(): string {
    return this.#run.callKey
  }

  ask<T>(question: ClientRequest<T>): Promise<T> {
    const key = this.#run.keyOf(question.key)
    return this.#ask(question, key)
  }

  async #ask<T>(question: ClientRequest<T>, key: string): Promise<T> {
    const { answers } = this.#run
    const print = fingerprint(`${question.method} ${JSON.stringify(question.params)}`)
    const answer = this.#find(question, key, print)
    if (answer !== undefined) {
      const value = await question.parse(answer)
      if (value !== undefined) {
        answers.set(key, answer)
        return value
      }
    }
    // Drop the stale answer: this key now names a different request.
    answers.delete(key)
    if (this.#round >= MOST_ROUNDS) {
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

  step<T>(name: string, fn: () => T | Promise<T>, options?: StepOptions): Promise<T> {
    return this.#run.step(name, fn, options)
  }

  #find({ key: named }: ClientRequest<unknown>, key: string, print: number): JsonValue | undefined {
    if (!this.#run.fits(named, key, print)) return undefined
    return (
      this.#run.answers.get(key) ??
      (Object.hasOwn(this.#responses, key) ? (this.#responses[key] as JsonValue) : undefined)
    )
  }

  /** Ends the run when all requests of the same turn are known and all steps that have begun are finished. */
  async #close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0))
    await this.#run.settled()
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

  /** The state for the next round. */
  async state(handle: string | undefined): Promise<RoundState> {
    const asked = [...this.#open].map(([key, { print }]) => [key, print] as const)
    return {
      round: this.#round + 1,
      ...(await this.#run.state(asked)),
      ...(handle && { handle }),
    }
  }
}
