/** What all requests of one server share: settings, registry and store. It holds nothing of a single request. */

import type { Cancellation } from './handlers/cancellation.ts'
import type { Limits } from './handlers/limit-options.ts'
import type { AddedMiddleware } from './handlers/middleware.ts'
import type { Registry } from './handlers/registry.ts'
import type { StreamReaders } from './lib/stream-readers.ts'
import type { Observer } from './protocol/observer.ts'
import type { Implementation } from './protocol/types.ts'
import type { Changes } from './state/change-feed.ts'
import type { StreamOptions } from './state/event-log/event-log.ts'
import type { MailboxOptions } from './state/mailbox.ts'
import type { Seal } from './state/sealed-state.ts'
import type { LegacySession, Sessions } from './state/sessions.ts'
import type { Store } from './state/store.ts'
import type { RunnerFactory } from './tasks/runner.ts'

/** One line of the log. Never a token, an argument or a result. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly [field: string]: unknown
}

/** Gets each entry of the log as it is made. It must not throw. */
export type Logger = (entry: LogEntry) => void

export interface Server {
  readonly info: Implementation
  /** JSON text that results of 2026 begin with. */
  readonly resultPrefix: string
  readonly instructions: string | undefined
  readonly registry: Registry
  /** Limits for the calls of all tools that do not opt out. */
  readonly toolLimits: Limits | undefined
  /** What runs around calls, from the outermost one on. */
  readonly middleware: AddedMiddleware[]
  readonly store: Store
  readonly sessions: Sessions<LegacySession>
  /** Who chooses the ids of 2025 sessions: this server, also a platform in front of it, or there are no sessions. */
  readonly sessionIds: 'issued' | 'adopted' | 'none'
  readonly handles: Sessions
  readonly changes: Changes
  readonly seal: () => Promise<Seal>
  /** Makes what runs tasks; called with the first task. */
  readonly runner: RunnerFactory
  /** Name of the tool that serves the results of durable tools. */
  readonly resultTool: string
  readonly mailbox: MailboxOptions
  readonly eventLog: StreamOptions
  /** Whether clients may listen: GET, `subscriptions/listen`, and the capabilities that promise notifications. */
  readonly listening: boolean
  /** Milliseconds. */
  readonly limits: {
    readonly call: number
    readonly answer: number
    /** When a call that waits for its client is suspended; undefined leaves it to the host. */
    readonly suspend: number | false | undefined
    readonly keepAlive: number
    /** A client that takes nothing of what waits for it is disconnected after this time. */
    readonly drain: number
    readonly listen: number
    readonly state: number
  }
  readonly pageSize: number
  /** Whether `tools/list` has tools by which the others are found. */
  readonly searches: boolean
  readonly cache: { readonly ttlMs: number; readonly cacheScope: 'public' | 'private' }
  readonly clock: () => number
  readonly log: Logger
  readonly observer: Observer | undefined
  /** Calls whose handlers run in this process. Each removes itself at its end; all are aborted when the server stops. */
  readonly running: Set<Cancellation>
  /** Functions that end the long-lived streams. They are not listeners of one signal, because Node 20 warns of a leak at the 11th. */
  readonly longLivedStreams: Set<() => void>
  readonly readers: StreamReaders
  stopped: boolean
}
