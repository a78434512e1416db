/** Resumable streams keep a call's events in a log and write them before they are sent. This is what both ends share. */

import { code, errorMessage, McpError } from '../../protocol/errors.ts'
import type { RequestId } from '../../protocol/jsonrpc.ts'
import type { JsonValue, StoreKey } from '../store.ts'

/** One event as it goes out: `id` is undefined where it could not be kept, and so cannot be resumed from. */
export interface StreamEvent {
  readonly id: string | undefined
  /** A JSON-RPC message as text. */
  readonly data: string
}

export interface StreamOptions {
  /** Milliseconds that events can be asked for again. */
  retention: number
  /** Milliseconds without a sign of life after which the owner of a stream counts as dead. */
  lease: number
  /**
   * Milliseconds from one write of events to the next: what comes in between goes into one write. What
   * the client must get at once, such as a question or the result, does not wait for it. 0 writes at once.
   */
  gather: number
  /** Events kept of one stream; later ones but the last are sent live only. */
  maxEvents: number
  /** Characters of events kept of one stream; as above. */
  maxLength: number
  clock: () => number
}

/**
 * A log entry: a message; the last message (`f`); the opening, with the ids of the requests to answer; or
 * what a call has left that was suspended (`s`). A suspended call goes on with the entry after it.
 */
export type LoggedEvent = {
  readonly m?: string
  readonly f?: true
  readonly r?: readonly RequestId[]
  readonly s?: JsonValue
}

/**
 * The owner renews its lease while the call runs; a reader that takes the owner for dead ends it.
 * `waiting` is the lease of a call that waits for a person: it is longer, and renewed less often.
 */
export type Lease = 'held' | 'waiting' | 'ended'

/** How many times as long a lease is while its call waits for a person. */
export const WAITING_FACTOR = 4

export const logKey = (partition: string, stream: string): StoreKey => [
  partition,
  `stream/${stream}`,
]
export const leaseKey = (partition: string, stream: string): StoreKey => [
  partition,
  `lease/${stream}`,
]

export function eventId(stream: string, seq: number): string {
  return `${stream}.${seq}`
}

export function parseEventId(id: string): { stream: string; seq: number } | undefined {
  const found = /^([\w-]{1,64})\.(\d{1,15})$/.exec(id)
  return found?.[1] ? { stream: found[1], seq: Number(found[2]) } : undefined
}

/** Errors that answer the requests which nothing else will answer; the last of them ends the stream. */
export function terminalErrors(requests: readonly RequestId[], message: string): LoggedEvent[] {
  return requests.map((id, i) => ({
    m: errorMessage(id, new McpError(code.internal, message)),
    ...(i === requests.length - 1 && { f: true as const }),
  }))
}
