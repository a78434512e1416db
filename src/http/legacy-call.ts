/** One request of a 2025 session, as its method and its handler see it. */
import { LiveAsker } from '../asking/live.ts'
import type { Asker } from '../asking/question.ts'
import type { Principal } from '../auth/auth.ts'
import type { CallFacts } from '../call-context.ts'
import { createContext } from '../call-context.ts'
import { Cancellation } from '../cancellation.ts'
import type { Context, RequestInfo } from '../context.ts'
import type { Call } from '../protocol/call.ts'
import type { JsonRpcRequest, Params } from '../protocol/jsonrpc.ts'
import { isObject } from '../protocol/jsonrpc.ts'
import type { LegacyRevision } from '../protocol/revisions.ts'
import type { LogLevel } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { Change } from '../state/changes.ts'
import { Inbox } from '../state/inbox.ts'
import type { LegacySession, Session } from '../state/sessions.ts'
import type { SessionValues } from '../state/values.ts'
import { sessionValues } from '../state/values.ts'
import type { Incoming } from './incoming.ts'
import { ownerOf, visibleHeaders } from './incoming.ts'
import { readTrace, toProgressToken } from './meta.ts'
import type { Exchange } from './reply.ts'

export class LegacyCall implements Call, CallFacts {
  readonly era = 'legacy'
  readonly server: Server
  readonly revision: LegacyRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly outlet: Exchange
  readonly #incoming: Incoming
  readonly #message: JsonRpcRequest
  readonly #session: Session<LegacySession>
  readonly #startedAt: number
  #inbox: Inbox | undefined
  #closed = false
  #asker: Asker | undefined
  #values: SessionValues | undefined
  #request: RequestInfo | undefined

  constructor(
    server: Server,
    incoming: Incoming,
    session: Session<LegacySession>,
    message: JsonRpcRequest,
    outlet: Exchange,
  ) {
    this.server = server
    this.revision = session.data.revision
    this.params = message.params ?? {}
    this.outlet = outlet
    this.#incoming = incoming
    this.#message = message
    this.#session = session
    this.#startedAt = server.clock()
    this.cancellation = new Cancellation((abort) => this.#openInbox().watchCancellation(abort))
  }

  get principal(): Principal | undefined {
    return this.#incoming.principal
  }

  get deadline(): number | undefined {
    return this.#incoming.door.deadline
  }

  get progressToken(): string | number | undefined {
    const { _meta } = this.params
    return isObject(_meta) ? toProgressToken(_meta.progressToken) : undefined
  }

  /** A client that never set a level gets everything, as clients of these revisions expect (B54). */
  get logLevel(): LogLevel {
    return this.#session.data.logLevel ?? 'debug'
  }

  context(): Context {
    return createContext(this, this.cancellation)
  }

  get asker(): Asker {
    this.#asker ??= new LiveAsker(
      this.#openInbox(),
      this.outlet,
      () => this.cancellation.signal,
      this.server.limits.answer,
    )
    return this.#asker
  }

  get session(): SessionValues {
    this.#values ??= sessionValues(this.server.store, async () => ({
      partition: this.#session.partition,
      expiresAt: this.server.sessions.endOf(this.#session.data),
    }))
    return this.#values
  }

  get request(): RequestInfo {
    const incoming = this.#incoming
    const { client, capabilities: declared, revision } = this.#session.data
    this.#request ??= {
      id: this.#message.id,
      era: 'legacy',
      revision,
      client,
      capabilities: declared,
      get headers() {
        return visibleHeaders(incoming)
      },
      trace: readTrace((name) => incoming.request.headers.get(name)),
    }
    return this.#request
  }

  publish(change: Change): Promise<void> {
    return this.server.changes.publish(change)
  }

  async setLogLevel(logLevel: LogLevel): Promise<void> {
    await this.server.sessions.update(ownerOf(this.#incoming), this.#session.id, () => ({
      logLevel,
    }))
  }

  async setSubscriptions(change: (uris: readonly string[]) => readonly string[]): Promise<void> {
    await this.server.sessions.update(
      ownerOf(this.#incoming),
      this.#session.id,
      ({ subscriptions = [] }) => ({ subscriptions: change(subscriptions) }),
    )
  }

  /** Nothing that reaches the call from now on has anybody to reach. */
  close(): void {
    this.#closed = true
    this.#inbox?.close()
  }

  #openInbox(): Inbox {
    this.#inbox ??= new Inbox(
      this.server.store,
      this.#session.partition,
      this.#message.id,
      this.#startedAt,
      this.server.inbox,
    )
    // a handler that looks at its signal only after it has returned must not leave a reader behind
    if (this.#closed) this.#inbox.close()
    return this.#inbox
  }
}
