/** A request to the client, in either era: on the call's stream (2025) or as a multi-round-trip request (2026). */

export interface ClientRequest<T> {
  /** Names the request, so that a later run of the handler finds its answer; the default is its position. */
  readonly key?: string | undefined
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: object | undefined
  /** Converts an answer to the value for the handler; undefined when the answer is not valid for the request. */
  parse(answer: unknown): T | undefined | Promise<T | undefined>
}

export interface ClientRequester {
  /** Names the call for services that it calls: random, and the same in every run of the handler. */
  readonly callKey: string
  ask<T>(question: ClientRequest<T>): Promise<T>
  /** Runs `fn` once for each call, and returns its first result also in later runs of the handler. */
  step<T>(name: string, fn: () => T | Promise<T>, options?: StepOptions): Promise<T>
}

/** Options of `ctx.step`. */
export interface StepOptions {
  /**
   * Runs the function at most once. When its outcome is not known, because the process died or the
   * function failed, a later run throws {@link StepInterrupted} instead of running it again. @default false
   */
  once?: boolean
}

/** What the function of a step gets. */
export interface StepContext {
  /**
   * Names this step of this call: the same each time the step runs. A service that takes an idempotency
   * key carries out the effect once, however often the step runs.
   */
  readonly key: string
  /** Aborts when the call ends before the step does. */
  readonly signal: AbortSignal
}

/** A step with `once: true` has begun in an earlier run, and its outcome is not known. */
export class StepInterrupted extends Error {
  override name = 'StepInterrupted'
  /** The name of the step. */
  readonly step: string

  constructor(step: string) {
    super(`Step "${step}" was interrupted: whether it has had its effect is not known`)
    this.step = step
  }
}

/**
 * Thrown into a handler that waits for the client in 2026: this run ends, and the handler runs again from
 * the beginning with the answer. Do not catch it; `finally` blocks run as usual.
 */
export class Suspended extends Error {
  override name = 'Suspended'

  constructor() {
    super('The call waits for the client: this run of the handler is over')
  }
}
