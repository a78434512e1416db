/**
 * Values that are here now or come later. Most calls can be answered in the turn that brought them;
 * an async function on their way would make a promise, and a trip through the queue, of each step.
 */

export type MaybePromise<T> = T | Promise<T>

/** Goes on with a value: at once where it is here. */
export function chain<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Catches what `run` throws, whether now or later. */
export function attempt<T, R>(
  run: () => MaybePromise<T>,
  recover: (error: unknown) => MaybePromise<R>,
): MaybePromise<T | R> {
  try {
    const value = run()
    return value instanceof Promise ? value.catch(recover) : value
  } catch (error) {
    return recover(error)
  }
}

/** What an author returned. A query builder has `then`, and is no Promise until it is made one. */
export function toMaybePromise(value: unknown): MaybePromise<unknown> {
  const thenable = typeof value === 'object' && value !== null && 'then' in value
  return thenable && !(value instanceof Promise) && typeof value.then === 'function'
    ? Promise.resolve(value)
    : value
}
