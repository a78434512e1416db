/** The options of `createMcp()`. */
import type { Auth } from './auth/auth.ts'
import type { Limits } from './handlers/limit-options.ts'
import type { BodyOptions } from './http/body.ts'
import type { HostOriginOptions } from './http/host-origin.ts'
import type { Page } from './http/page.ts'
import type { Observer } from './protocol/observer.ts'
import type { Icon } from './protocol/types.ts'
import type { Logger } from './server.ts'
import type { Store } from './state/store.ts'
import type { RunnerFactory } from './tasks/runner.ts'

/** Options of `createMcp()`. Times are in milliseconds. */
export interface McpOptions extends HostOriginOptions, BodyOptions {
  /** Told to every client. */
  name: string
  /** Told to every client; semantic versioning is usual. */
  version: string
  /** A name for people, where `name` is one for programs. */
  title?: string
  /** What the server is for (clients from 2025-11-25 on). */
  description?: string
  /** A page about the server (clients from 2025-11-25 on). */
  websiteUrl?: string
  /** Images that clients may show (clients from 2025-11-25 on). */
  icons?: Icon[]
  /** Explains to the model how to use the server. */
  instructions?: string
  /** Path of the endpoint. @default '/mcp' */
  path?: string
  /** Keeps everything that must outlive a request. @default memoryStore(): one process */
  store?: Store
  /** Decides who may call. @default no authorization: everyone who reaches the endpoint may call */
  auth?: Auth
  /**
   * What a browser gets that opens the URL of the endpoint: `page()` of `streamable-mcp/page`.
   * @default none: a browser gets 405 or 406, as every client that does not speak the protocol
   */
  page?: Page
  /**
   * Let clients listen for changes (GET, `subscriptions/listen`, `listChanged`, `subscribe`). Each
   * listener holds a connection, and on Lambda a running instance. @default true, but on Cloudflare
   * Workers, where one request cannot wake another, false
   */
  listening?: boolean
  /**
   * Copies of the record of changes, where the store has to be polled (DynamoDB). Each listening
   * instance polls one of them every 2 seconds, and each change costs a read and a write more for each
   * copy. Above some thousand listening instances, 8 keep every item below what DynamoDB allows.
   * @default 1: the record itself
   */
  changeCopies?: number
  /**
   * Keys that seal the state which clients return: each a text of 32 characters or more. The first key
   * seals, all keys open. @default one key, created in the store and shared by all instances
   */
  stateKeys?: readonly string[]
  /**
   * Where the ids of 2025 sessions come from. `issued`: `initialize` gives one, and every later request has
   * to name it. `adopted`: an id that a platform in front has chosen names a session as well, which begins
   * with its first request; a request without an id is answered without a session. Only behind a platform
   * that keeps callers apart, as an id that anybody may choose protects nothing. `none`: no sessions, each
   * request stands for itself. Without a session, a 2025 client cannot be asked, resume a stream or listen,
   * and `ctx.session` is an error.
   * @default 'issued'
   */
  sessions?: 'issued' | 'adopted' | 'none'
  /** Milliseconds a session lives after its last use. @default 24 hours */
  sessionTtl?: number
  /** Milliseconds a session lives at most. @default 7 days, at least `sessionTtl` */
  sessionMaxAge?: number
  /**
   * How often tools may be called, by each caller and each tool, counted for all instances on the store. Above
   * a limit, a call gets 429 with `Retry-After` before its tool runs. @default no limits
   */
  limits?: Limits
  /** Milliseconds a handler may take. @default 10 minutes */
  callTimeout?: number
  /** Milliseconds a person may take to answer. @default 5 minutes */
  answerTimeout?: number
  /**
   * Milliseconds that a call of a 2025-11-25 client waits for an answer before it is suspended: its run
   * ends, nothing waits, and when the client comes back with the answer the handler runs again, on any
   * instance. `false` makes calls wait. Clients of older revisions do not come back, so their calls wait.
   * @default false, on Lambda 2 seconds
   */
  suspendAfter?: number | false
  /** Milliseconds that a client of 2026 may take for its next round. @default 10 minutes */
  stateTtl?: number
  /**
   * Milliseconds between comments on a quiet stream. @default 15 seconds; 8 on Bun, whose server closes
   * a connection after 10 quiet seconds
   */
  keepAlive?: number
  /**
   * Milliseconds after which a client that takes nothing of a stream that waits for it is disconnected.
   * The events of a 2025 call are kept, so that client can resume. @default 30 seconds
   */
  drainTimeout?: number
  /** Milliseconds a client may listen before it has to come back. @default 1 hour */
  listenTimeout?: number
  /**
   * Milliseconds after which the instance behind a silent stream counts as dead; four times as long
   * while its call waits for a person. @default 15 seconds
   */
  streamLease?: number
  /**
   * Milliseconds from one write of a 2025 call's events to the next: progress and log messages that come
   * in between reach the client together, and cost one write. Questions and results do not wait. More
   * saves writes, less shows progress sooner. An event is never sent with an id before it is stored.
   * @default 250 where the store has to be polled (DynamoDB), else 0
   */
  streamGather?: number
  /** Milliseconds that the events of a call can be asked for again. @default 1 hour */
  streamRetention?: number
  /** Runs the calls of tools with `task`. @default inProcess() */
  runner?: RunnerFactory
  /** Name of the tool by which clients without tasks get the result of a tool with `task`. @default 'task_result' */
  resultTool?: string
  /**
   * How clients find tools. `list`: `tools/list` has them all. `search`: it has the tools `search_tools` and
   * `call_tool`, and those with `listed`; the model finds the others by words.
   * @default 'list'
   */
  tools?: 'list' | 'search'
  /** Items of one page of a list. @default 500 */
  pageSize?: number
  /** How long, and for whom, a client of 2026 may cache lists (A.7). @default 60 seconds, private */
  cache?: { ttlMs: number; scope: 'public' | 'private' }
  /** Receives an entry for each request and each failure. @default warnings and errors as JSON on stderr */
  log?: Logger
  /**
   * Is told of each request and call, for metrics and traces: `openTelemetry()` of
   * `streamable-mcp/opentelemetry`, or one of your own. @default none, at no cost
   */
  observer?: Observer
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number
}
