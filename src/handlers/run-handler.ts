/** Running an author's handler: within its time, and with a stranger's exception kept at home. */

import { Suspended } from '../client-requests/client-request.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { attempt } from '../lib/maybe-promise.ts'
import type { Call } from '../protocol/call.ts'
import { code, McpError } from '../protocol/errors.ts'
import type { Server } from '../server.ts'
import { StoreUnavailable, ValueTooLarge } from '../state/store.ts'
import { Cancelled } from './cancellation.ts'
import { Failure } from './content.ts'

/** What an exception of a handler comes to: words for the model, or an error for the client. */
export class HandlerFailure extends Error {
  override name = 'HandlerFailure'
}

/**
 * Runs a handler. Throws what may leave the process: a {@link McpError}, or a {@link HandlerFailure}
 * with a sentence for the model. Anything else a handler throws is logged under a correlation id, and
 * that id is all the client learns.
 */
export function runHandler<T>(
  call: Call,
  what: string,
  timeout: number,
  handler: () => MaybePromise<T>,
): MaybePromise<T> {
  return attempt<T, never>(
    () => {
      const outcome = handler()
      return outcome instanceof Promise ? withinTime(call, timeout, outcome) : outcome
    },
    (error) => {
      throw toSafeError(call, what, error)
    },
  )
}

function toSafeError(call: Call, what: string, error: unknown): Error {
  if (error instanceof McpError || error instanceof Suspended) return error
  if (error instanceof HandlerFailure) return error
  if (error instanceof ValueTooLarge) {
    return new HandlerFailure('The call tried to keep a value larger than the store can hold')
  }
  if (error instanceof Failure) return new HandlerFailure(error.message)
  if (error instanceof StoreUnavailable || error instanceof Cancelled) return error
  return new HandlerFailure(logInternal(call.server, `${what} threw`, error))
}

/** Logs what went wrong under an id; returns all that the client may know of it, which is that id. */
export function logInternal({ log }: Server, message: string, error: unknown): string {
  const correlation = crypto.randomUUID().slice(0, 8)
  log({ level: 'error', message, correlation, error: describe(error) })
  return `Internal error (${correlation})`
}

/** For the log alone. Anything can be thrown, also what throws when it is looked at. */
export function describe(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? String(error)) : String(error)
  } catch {
    return 'something that cannot be put into words'
  }
}

/** For methods whose failures are errors of the protocol. */
export function toMcpError(error: unknown): unknown {
  return error instanceof HandlerFailure ? new McpError(code.internal, error.message) : error
}

/** Ends the wait when the call ends first; a handler that does not listen to its signal runs on, unheard. */
async function withinTime<T>(call: Call, timeout: number, outcome: Promise<T>): Promise<T> {
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
