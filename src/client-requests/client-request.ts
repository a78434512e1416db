/** A question to the client, whatever way it travels: live on a stream (2025) or in rounds (2026). */

export interface ClientRequest<T> {
  /** Under which the answer is found again; without one, the order of asking decides. */
  readonly key?: string | undefined
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: object | undefined
  /** What the handler gets for an answer, or undefined when the answer does not fit the question. */
  parse(answer: unknown): T | undefined | Promise<T | undefined>
}

export interface ClientRequester {
  ask<T>(question: ClientRequest<T>): Promise<T>
  /** Runs `fn` once a call, and returns what it returned then, also in a later run. */
  step<T>(name: string, fn: () => T | Promise<T>): Promise<T>
}

/**
 * Thrown into a handler whose question has to travel to the client first: the run ends here, and the
 * handler runs again from the top with the answer. Let it pass; `finally` blocks run as ever.
 */
export class Suspended extends Error {
  override name = 'Suspended'

  constructor() {
    super('The call waits for the client: this run of the handler is over')
  }
}
