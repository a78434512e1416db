/** `ctx`: what a handler may do besides returning. */

import type { Principal } from '../auth/auth.ts'
import type { StepContext, StepOptions } from '../client-requests/client-request.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import type { Era, Revision } from '../protocol/revisions.ts'
import type {
  ClientCapabilities,
  CreateMessageParams,
  CreateMessageResult,
  ElicitResult,
  LogLevel,
  RequestMeta,
  Root,
} from '../protocol/types.ts'
import type { Infer, Schema } from '../schema/schema.ts'
import type { SessionValues } from '../state/session-values.ts'

/** Sends a log message to the client, on this call's stream, if it asked for that level. `data` is any JSON. */
export type Log = { readonly [level in LogLevel]: (data: unknown, logger?: string) => void }

/**
 * Tells every listening client, on every instance. With a caller, only the clients of that subject are
 * told: their view of the list has changed. Resolves when the change is stored.
 *
 * @example await mcp.notify.toolsChanged({ subject: 'alice' })
 */
export interface Notify {
  /** The list of tools changed. */
  toolsChanged(caller?: Pick<Principal, 'subject'>): Promise<void>
  /** The list of prompts changed. */
  promptsChanged(caller?: Pick<Principal, 'subject'>): Promise<void>
  /** The list of resources changed. */
  resourcesChanged(caller?: Pick<Principal, 'subject'>): Promise<void>
  /** The contents of one resource changed. */
  resourceUpdated(uri: string): Promise<void>
}

/** The request a handler runs for. */
export interface RequestInfo {
  readonly id: RequestId
  readonly era: Era
  readonly revision: Revision
  /** Name and version as the client tells them: not to be relied on. */
  readonly client: { readonly name?: unknown; readonly version?: unknown }
  readonly capabilities: ClientCapabilities
  /** The HTTP request's headers, without credentials. */
  readonly headers: Headers
  /** The `_meta` of the request; empty in a tool with `task`, which outlives its request. */
  readonly meta: RequestMeta
  /** W3C trace context, from `_meta` or the headers. */
  readonly trace: { traceparent?: string; tracestate?: string; baggage?: string }
}

/** Options of a request to the client. */
export interface ClientRequestOptions {
  /** Finds the answer again when the handler runs anew; without one, the order of asking does. */
  key?: string
}

/** The second argument of every handler, `ctx`: what it may do besides returning. */
export interface Context {
  /**
   * Aborts when the call is cancelled, at its time limit, and when the server stops. Cancellation of
   * a 2025 client may reach another instance; of a 2026 client it is a closed connection.
   */
  readonly signal: AbortSignal
  /**
   * When the host will cut the call off, epoch milliseconds; undefined where it does not say. A long
   * tool stops in time and returns what it has.
   */
  readonly deadline: number | undefined
  /** Tells how far the call is. Dropped unless the client asked; `done` must grow from call to call. */
  progress(done: number, total?: number, message?: string): void
  readonly log: Log
  /**
   * Asks the person at the client to fill in a form: a flat object of strings, numbers, booleans
   * and choices, never a secret (B66). Declining and cancelling are values.
   *
   * What stands before a question may run again: put effects after the last question, or in a step.
   *
   * @example
   * const answer = await ctx.elicit('Deploy to production?', v.object({ sure: v.boolean() }))
   * if (answer.action !== 'accept' || !answer.content.sure) return 'Not deployed'
   */
  elicit<S extends Schema>(
    message: string,
    schema: S,
    options?: ClientRequestOptions,
  ): Promise<ElicitResult<Infer<S>>>
  /** Sends the person to a URL: for secrets, sign-in and payment. `accept` means they agreed to open it. */
  elicitUrl(
    message: string,
    url: string,
    options?: ClientRequestOptions,
  ): Promise<{ action: 'accept' | 'decline' | 'cancel' }>
  /** Has the client's model write something. */
  sample(params: CreateMessageParams, options?: ClientRequestOptions): Promise<CreateMessageResult>
  /** The folders or other places the client works in. */
  roots(options?: ClientRequestOptions): Promise<Root[]>
  /**
   * Runs `fn` once a call, though the handler may run several times; its result (JSON) is kept. A step
   * whose process died before its result was kept runs again: `once` forbids that, and `key` lets the
   * called service notice it.
   *
   * @example const order = await ctx.step('order', ({ key }) => placeOrder(item, { idempotencyKey: key }))
   */
  step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options?: StepOptions,
  ): Promise<T>
  /**
   * Waits `ms` milliseconds, once a call: a later run of the handler waits for what is left. In a tool
   * with `task` the wait may last for days, and no process has to live through it.
   *
   * @example await ctx.sleep('cool-down', 10 * 60_000)
   */
  sleep(name: string, ms: number): Promise<void>
  /** State kept between calls of one conversation. */
  readonly session: SessionValues
  /** Who calls; undefined without authorization. */
  readonly principal: Principal | undefined
  readonly request: RequestInfo
  readonly notify: Notify
  /**
   * Ends the connection, not the call: a 2025-11-25 client comes back for the rest after `retryMs`
   * (SEP-1699). Does nothing for clients that cannot come back, and on Lambda, where a call cannot
   * go on without its connection.
   */
  disconnect(retryMs?: number): Promise<void>
}
