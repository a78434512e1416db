/**
 * The latest cancellations of a session, kept in its record. They are numbered, so that a call compares
 * numbers and no clocks: a cancellation counts for it when it came after the session was read for it.
 */
import { fingerprint } from '../lib/digest.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'

/** In the order of their numbers, which start at 1. */
export type Cancellations = readonly (readonly [number: number, request: string])[]

/** Cancellations that a session keeps. A client cancels few calls in the time in which a call notices. */
const REMEMBERED = 100

/** Characters of a request id that are kept. */
const LONGEST_ID = 40

/** Request ids differ by type too: `1` and `"1"` are two ids. A long one is shortened. */
function nameOf(request: RequestId): string {
  const text = JSON.stringify(request)
  return text.length <= LONGEST_ID ? text : `${text.slice(0, LONGEST_ID)} ${fingerprint(text)}`
}

/** The list after the requests were cancelled. */
export function addCancellations(
  known: Cancellations = [],
  requests: readonly RequestId[],
): Cancellations {
  const last = lastCancellation(known)
  const names = [...new Set(requests.map(nameOf))]
  const added = names.map((name, i) => [last + 1 + i, name] as const)
  return [...known.filter(([, name]) => !names.includes(name)), ...added].slice(-REMEMBERED)
}

/** The number of the latest cancellation, 0 when there was none. */
export function lastCancellation(known: Cancellations = []): number {
  return known.at(-1)?.[0] ?? 0
}

/** Whether the request was cancelled after the cancellation with this number. */
export function isCancelled(known: Cancellations = [], request: RequestId, after: number): boolean {
  const name = nameOf(request)
  return known.some(([number, cancelled]) => number > after && cancelled === name)
}
