/** Failures of a handler whose message the model or the client may read. */

/**
 * A failure the model should read and can act on: return or throw it.
 *
 * @example if (!city) return failure('No such city: try the name in English')
 */
export function failure(why: string): Failure {
  return new Failure(why)
}

/** Made by {@link failure}. */
export class Failure extends Error {
  override name = 'Failure'
}

/** A failure of a handler, with a message that the model or the client may read. */
export class HandlerFailure extends Error {
  override name = 'HandlerFailure'
}
