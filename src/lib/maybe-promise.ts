/**
 * Values that are here now or come later. Only the synchronous fast path of a call handles them
 * (`callTool` and `dispatch`); everything else is async.
 */

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>

/** What an author returned. A query builder has `then`, but is not a Promise before it is wrapped in one. */
export function toMaybePromise(value: unknown): MaybePromise<unknown> {
  const thenable = typeof value === 'object' && value !== null && 'then' in value
  return thenable && !(value instanceof Promise) && typeof value.then === 'function'
    ? Promise.resolve(value)
    : value
}
