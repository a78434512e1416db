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
  ask<T>(question: ClientRequest<T>): Promise<T>
  /** Runs `fn` once for each call, and returns its first result also in later runs of the handler. */
  step<T>(name: string, fn: () => T | Promise<T>): Promise<T>
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
