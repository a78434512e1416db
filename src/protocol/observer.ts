/** What a server tells of its work, so that metrics and traces can be made of it. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Era, Revision } from './revisions.ts'

/** A call of one method, before it runs. No member is longer or has more values than the server allows. */
export interface ObservedCall {
  readonly era: Era
  /** Undefined for `initialize`, which settles it. */
  readonly revision: Revision | undefined
  /** A method of the protocol; `_OTHER` for any other name. */
  readonly method: string
  /** The name of a registered tool that the call runs. A name that only the client knows is left out. */
  readonly tool: string | undefined
  /** The name of a registered prompt that the call gets. */
  readonly prompt: string | undefined
  /** The JSON-RPC id as text. */
  readonly id: string
  /** The short hash of the session that the log shows; undefined without a session. */
  readonly session: string | undefined
  /** W3C trace context and baggage: from `_meta` (SEP-414), or else from the HTTP headers. */
  readonly trace: { traceparent?: string; tracestate?: string; baggage?: string }
  /** Where `trace` came from. */
  readonly traceSource: 'meta' | 'headers'
}

/** How a call ended. */
export interface CallOutcome {
  /**
   * Undefined for success; `tool_error` for a result with `isError`; else the code of the JSON-RPC
   * error, `cancelled`, or the OAuth error that refused the caller.
   */
  readonly error?: string
}

/** A request that has its response. The body of a stream goes on after it. */
export interface ObservedRequest {
  readonly verb: string
  readonly status: number
  readonly durationMs: number
  readonly era: Era | undefined
  readonly revision: Revision | undefined
  /** As in {@link ObservedCall}. */
  readonly method: string | undefined
  /** As in {@link ObservedCall}. */
  readonly tool: string | undefined
}

/** Counts of a store since its process started. */
export interface StoreStats {
  /** Operations that the server asked for. */
  readonly operations: number
  /** Attempts that the engine refused because they were too many. */
  readonly throttles: number
}

/** What can be counted at any moment. */
export interface ServerCounts {
  /** Streams on which clients listen. */
  openStreams(): number
  /** Calls whose handlers run. */
  runningCalls(): number
  /** Counts of the store; undefined where it does not count. */
  storeStats(): StoreStats | undefined
}

/**
 * Is told what a server does. Every member may be left out, none may throw, and none receives an
 * argument, a result or a token.
 *
 * @example
 * createMcp({ name, version, observer: { request: ({ status }) => count(status) } })
 */
export interface Observer {
  /** Called once, by `createMcp()`. */
  start?(counts: ServerCounts): void
  /** Runs a call: it has to call `run` once, in the context that the handler shall see. */
  call?(call: ObservedCall, run: () => Promise<CallOutcome>): MaybePromise<unknown>
  /** Called when a request has its response. */
  request?(request: ObservedRequest): void
}
