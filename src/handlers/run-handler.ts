/** Runs an author's handler within its time limit; the text of its exceptions never reaches the client. */
import { StepInterrupted, Suspended } from '../client-requests/client-request.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from '../protocol/call.ts'
import { code, McpError } from '../protocol/errors.ts'
import type { Server } from '../server.ts'
import { StoreUnavailable, ValueTooLarge } from '../state/store.ts'
import { Cancelled } from './cancellation.ts'
import { Failure, HandlerFailure } from './failure.ts'
import { logInternal } from './internal-error.ts'

/**
 * Runs a handler. Throws only errors that the client may see: a {@link McpError}, or a
 * {@link HandlerFailure} with a sentence for the model. Any other exception is logged under a correlation
 * id, and the client gets only that id.
 */
export async function runHandler<T>(
  call: Call,
  what: string,
  timeout: number,
  handler: () => MaybePromise<T>,
): Promise<T> {
  try {
    const outcome = handler()
    return outcome instanceof Promise ? await withinTime(call, timeout, outcome) : outcome
  } catch (error) {
    throw toSafeError(call, what, error)
  }
}

/** An exception of a handler as an error that may reach the client. */
export function toSafeError(
  call: { readonly server: Server },
  what: string,
  error: unknown,
): Error {
  if (error instanceof McpError || error instanceof Suspended) return error
  if (error instanceof HandlerFailure) return error
  if (error instanceof ValueTooLarge) {
    return new HandlerFailure('The call tried to keep a value larger than the store can hold')
  }
  if (error instanceof Failure || error instanceof StepInterrupted) {
    return new HandlerFailure(error.message)
  }
  if (error instanceof StoreUnavailable || error instanceof Cancelled) return error
  return new HandlerFailure(logInternal(call.server, `${what} threw`, error))
}

/** For methods whose failures are JSON-RPC errors. */
export function toMcpError(error: unknown): unknown {
  return error instanceof HandlerFailure ? new McpError(code.internal, error.message) : error
}

/** Stops waiting when the call ends first. A handler that ignores its signal runs on, and its result is dropped. */
export async function withinTime<T>(call: Call, timeout: number, outcome: Promise<T>): Promise<T> {
  const { server, cancellation, deadline } = call
  const time = Math.min(timeout, deadline === undefined ? timeout : deadline - server.clock())
  let timer: ReturnType<typeof setTimeout> | undefined
  const ended = new Promise<never>((_, reject) => {
    cancellation.onAbort = reject
    timer = setTimeout(() => {
      const seconds = Math.max(0, Math.round(time / 100) / 10)
      cancellation.abort(new HandlerFailure(`The call did not finish within ${seconds} seconds`))
    }, time)
  })
  server.running.add(cancellation)
  try {
    return await Promise.race([outcome, ended])
  } finally {
    clearTimeout(timer)
    server.running.delete(cancellation)
  }
}
