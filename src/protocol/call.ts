/** A request of one method, as the method sees it. Each era has members of its own. */
import type { CallFacts } from '../handlers/call-context.ts'
import type { Catalog } from '../handlers/registry.ts'
import type { Server } from '../server.ts'
import type { Params, RequestId } from './jsonrpc.ts'
import type { LegacyRevision, ModernRevision } from './revisions.ts'
import type { LogLevel } from './types.ts'

interface BaseCall extends CallFacts {
  readonly server: Server
  /** What exists for the caller. */
  readonly registry: Catalog
  readonly id: RequestId
  readonly method: string
  readonly params: Params
  /** Owner of everything that the caller makes; without authorization all callers are one. */
  readonly owner: string
  /** Where `ctx.session` keeps its values; for a tool of 2026 it opens the handle. */
  conversation(): Promise<{
    readonly partition: string
    readonly expiresAt: number
    readonly handle?: string | undefined
  }>
  /** Whether the tool's result says that it failed: only observers read it. */
  toolFailed: boolean
  /** Releases what the call waits for: nothing can reach it any more. */
  close(): void
}

/** A request within a session of 2025. */
export interface LegacyMethodCall extends BaseCall {
  readonly era: 'legacy'
  readonly revision: LegacyRevision
  /** Whether an earlier run of the call was suspended, and this run repeats it so far. */
  readonly repeats: boolean
  /** Sets the lowest level of log messages for the session. */
  setLogLevel(level: LogLevel): Promise<void>
  /** Replaces the list of URIs that the session is subscribed to. */
  setSubscriptions(change: (uris: readonly string[]) => readonly string[]): Promise<void>
}

/** A stateless request of 2026. */
export interface ModernMethodCall extends BaseCall {
  readonly era: 'modern'
  readonly revision: ModernRevision
  /** Opens the handle that the `session` argument names; without one, the first use makes a new one (C17). */
  openHandle(handle: unknown): Promise<void>
  /** The handle that the model has to know, if one was made or used. */
  readonly handle: string | undefined
  /** Whether a request to the client has ended this run of the handler (A.5). */
  readonly suspended: boolean
  /** The requests to the client that ended the run, as the JSON text of a result. */
  inputRequiredResult(): Promise<string>
}

/** Told apart by `era`. */
export type Call = LegacyMethodCall | ModernMethodCall
