/** A request on its way to its row of the method table, the same for both eras. */
import type { Principal } from '../auth/auth.ts'
import type { Cancellation } from '../handlers/cancellation.ts'
import type { Context } from '../handlers/context.ts'
import type { Server } from '../server.ts'
import type { Params } from './jsonrpc.ts'
import type { Era, Revision } from './revisions.ts'
import type { LogLevel } from './types.ts'

export interface Call {
  readonly server: Server
  readonly era: Era
  readonly revision: Revision
  readonly params: Params
  readonly principal: Principal | undefined
  readonly cancellation: Cancellation
  /** When the host will cut the request off; epoch milliseconds. */
  readonly deadline: number | undefined
  /** Made at the first use: most methods need none. */
  context(): Context
  /** Settings of the legacy session; absent in the modern era. */
  setLogLevel?(level: LogLevel): Promise<void>
  setSubscriptions?(change: (uris: readonly string[]) => readonly string[]): Promise<void>
  /** The modern era's `session` argument: opens the handle, or a new one (C17). */
  openHandle?(handle: unknown): Promise<void>
  /** The handle to tell the model, if one was minted or used. */
  readonly handle?: string | undefined
}

/** JSON text where it was at hand, else a result to be written. */
export type Result = string | object
