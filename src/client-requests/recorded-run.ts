/** What earlier runs of a handler have recorded: answers and results of steps, which a later run gets again. */
import { randomId } from '../state/sessions.ts'
import type { JsonValue } from '../state/store.ts'
import type { StepOptions } from './client-request.ts'
import { StepInterrupted } from './client-request.ts'

/** The record that one run leaves to the next. */
export interface RunState {
  /** Fingerprints of all requests so far, by key. A short hash is enough, because no client writes this record. */
  readonly asked: { readonly [key: string]: number }
  readonly answers: { readonly [key: string]: JsonValue }
  readonly steps: { readonly [name: string]: JsonValue }
  /** Steps with `once` that have failed: they must not run again. */
  readonly interrupted?: readonly string[]
  /** The call's `callKey`, once a step has used it. */
  readonly callKey?: string
}

export const FIRST_RUN: RunState = { asked: {}, answers: {}, steps: {} }

export class RecordedRun {
  /** Answers by key: of earlier runs, and those that this run has noted. */
  readonly answers: Map<string, JsonValue>
  readonly #before: RunState
  readonly #steps: Map<string, Promise<unknown>>
  readonly #once = new Set<string>()
  #callKey: string | undefined
  #unnamed = 0

  constructor(before: RunState) {
    this.#before = before
    this.#callKey = before.callKey
    this.answers = new Map(Object.entries(before.answers))
    this.#steps = new Map(
      Object.entries(before.steps).map(([name, value]) => [name, Promise.resolve(value)]),
    )
  }

  get callKey(): string {
    this.#callKey ??= randomId()
    return this.#callKey
  }

  /** The key of a request: the author's, or its position. */
  keyOf(named: string | undefined): string {
    return named ?? `question-${++this.#unnamed}`
  }

  /**
   * Whether an answer under this key is one to this request. A key of the author guarantees that. A
   * position does not, so there the fingerprint must match too: a "yes" to deleting five files is not
   * a "yes" to deleting seven.
   */
  fits(named: string | undefined, key: string, print: number): boolean {
    return named !== undefined || this.#before.asked[key] === print
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

  /** Resolves when all steps that have begun are finished, also those that begin meanwhile. */
  async settled(): Promise<void> {
    for (let count = -1; count !== this.#steps.size; ) {
      count = this.#steps.size
      await Promise.allSettled(this.#steps.values())
    }
  }

  /** The record for the next run. A step that failed is not kept, so it runs again, unless it has `once`. */
  async state(asked: Iterable<readonly [key: string, print: number]>): Promise<RunState> {
    const steps: [string, JsonValue][] = []
    const interrupted: string[] = []
    for (const [name, result] of this.#steps) {
      await result.then(
        (value) => steps.push([name, (value ?? null) as JsonValue]),
        () => this.#once.has(name) && interrupted.push(name),
      )
    }
    return {
      asked: { ...this.#before.asked, ...Object.fromEntries(asked) },
      answers: Object.fromEntries(this.answers),
      steps: Object.fromEntries(steps),
      ...(interrupted.length > 0 && { interrupted }),
      ...(this.#callKey && { callKey: this.#callKey }),
    }
  }
}
