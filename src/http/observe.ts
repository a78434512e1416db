/** Whether a request is observed. The code that tells observers is loaded with the first one that is. */

import type { Platform } from '../auth/auth.ts'
import { lazyImport } from '../lib/lazy-import.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from '../protocol/call.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'
import type { Answer } from './call-stream.ts'
import type { IncomingRequest } from './incoming-request.ts'
import type { LoggedRequest } from './request-log.ts'

const observing = lazyImport(() => import('./observe-call.ts'))

export function isObserved(server: Server, platform: Platform): boolean {
  return (server.observer ?? platform.observer) !== undefined
}

/** Tells the observers of a request that has its response. */
export async function tellRequest(server: Server, logged: LoggedRequest): Promise<void> {
  const observers = await observing()
  observers.tellRequest(server, logged)
}

/** Runs a call under the eyes of the observers. */
export async function observedCall(
  incoming: IncomingRequest,
  call: Call,
  run: () => MaybePromise<Answer>,
): Promise<Answer> {
  return (await observing()).observeCall(incoming, call, run)
}

/** The same for a method that makes its own response: `initialize` and `subscriptions/listen`. */
export async function observedResponse(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  run: () => Promise<Response>,
): Promise<Response> {
  return isObserved(server, incoming.platform)
    ? (await observing()).observeResponse(server, incoming, request, run)
    : run()
}
