/** One request of a 2025 session, as its method and its handler see it. */
import type { Principal } from '../../auth/auth.ts'
import type { ClientRequester } from '../../client-requests/client-request.ts'
import type { RunState } from '../../client-requests/recorded-run.ts'
import type { MessageStream } from '../../client-requests/stream-requester.ts'
import type { SuspendingRequester } from '../../client-requests/suspending-requester.ts'
import { Cancellation } from '../../handlers/cancellation.ts'
import type { RequestInfo } from '../../handlers/context.ts'
import { describe } from '../../handlers/internal-error.ts'
import type { Catalog } from '../../handlers/registry.ts'
import { isObject } from '../../lib/is-object.ts'
import { lazyImport } from '../../lib/lazy-import.ts'
import type { LegacyMethodCall } from '../../protocol/call.ts'
import { invalidRequest } from '../../protocol/errors.ts'
import type { JsonRpcRequest, Params, RequestId } from '../../protocol/jsonrpc.ts'
import type { LegacyRevision } from '../../protocol/revisions.ts'
import { has } from '../../protocol/revisions.ts'
import type { LogLevel } from '../../protocol/types.ts'
import type { Server } from '../../server.ts'
import type { Change } from '../../state/change-log.ts'
import type { Mailbox } from '../../state/mailbox.ts'
import type { SessionValues } from '../../state/session-values.ts'
import { sessionValues } from '../../state/session-values.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { JsonValue } from '../../state/store.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { visibleHeaders } from '../incoming-request.ts'
import { readTrace, toProgressToken } from '../meta.ts'

// Most calls neither send a request to the client nor watch for their cancellation.
const mailboxes = lazyImport(() => import('../../state/mailbox.ts'))
const streamRequester = lazyImport(() => import('../../client-requests/stream-requester.ts'))
const suspendedCalls = lazyImport(() => import('./suspended-call.ts'))

/** The call's stream to its client. */
export interface LegacyStream extends MessageStream {
  disconnect(retryMs?: number): Promise<void>
  /** Ends this run of the call, and leaves what another run needs. Returns false where that cannot be kept. */
  suspend(left: JsonValue): Promise<boolean>
}

/** Milliseconds of waiting after which a run ends, on an instance that does not suspend calls. */
const SUSPEND_AFTER = 2_000

export interface LegacyCallOptions {
  readonly server: Server
  readonly registry: Catalog
  readonly incoming: IncomingRequest
  readonly session: Session<LegacySession>
  readonly request: JsonRpcRequest
  readonly stream: LegacyStream
  /** What earlier runs of a suspended call have recorded, and the progress that they have told. */
  readonly before?: { readonly run: RunState; readonly progress: number | undefined } | undefined
}

export class LegacyCall implements LegacyMethodCall {
  readonly era = 'legacy'
  readonly server: Server
  readonly registry: Catalog
  readonly id: RequestId
  readonly method: string
  readonly revision: LegacyRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly stream: LegacyStream
  toolFailed = false
  progressTold: number
  readonly #incoming: IncomingRequest
  readonly #session: Session<LegacySession>
  readonly #before: LegacyCallOptions['before']
  #mailbox: Mailbox | undefined
  #closed = false
  #requester: ClientRequester | undefined
  #suspending: SuspendingRequester | undefined
  #values: SessionValues | undefined
  #request: RequestInfo | undefined

  constructor(options: LegacyCallOptions) {
    const { server, registry, incoming, session, request, stream, before } = options
    this.server = server
    this.registry = registry
    this.id = request.id
    this.method = request.method
    this.revision = session.data.revision
    this.params = request.params ?? {}
    this.stream = stream
    this.#incoming = incoming
    this.#session = session
    this.#before = before
    this.progressTold = before?.progress ?? Number.NEGATIVE_INFINITY
    this.cancellation = new Cancellation((abort) => {
      // Without a session, no cancellation can arrive.
      if (!session.transient) void this.#watchCancellation(abort)
    })
  }

  get principal(): Principal | undefined {
    return this.#incoming.principal
  }

  get owner(): string {
    return this.#incoming.owner
  }

  get deadline(): number | undefined {
    return this.#incoming.platform.deadline
  }

  get progressToken(): string | number | undefined {
    const { _meta } = this.params
    return isObject(_meta) ? toProgressToken(_meta.progressToken) : undefined
  }

  /** A client that never set a level gets all log messages, as clients of these revisions expect (B54). */
  get logLevel(): LogLevel {
    return this.#session.data.logLevel ?? 'debug'
  }

  /** Whether this run still repeats what an earlier run has done. */
  get repeats(): boolean {
    return this.#suspending?.repeats ?? this.#before !== undefined
  }

  async openRequester(): Promise<ClientRequester> {
    const { suspend = this.#incoming.platform.suspendAfter } = this.server.limits
    const suspends = has.priming(this.revision) && !this.#session.transient && suspend
    if (this.#before || suspends) return this.#openSuspending(suspends || SUSPEND_AFTER)
    const { StreamRequester } = await streamRequester()
    const mailbox = await this.#openMailbox()
    this.#requester ??= new StreamRequester(
      mailbox,
      this.stream,
      () => this.cancellation.signal,
      this.server.limits.answer,
    )
    return this.#requester
  }

  async #openSuspending(suspendAfter: number): Promise<ClientRequester> {
    const { createSuspendingRequester } = await suspendedCalls()
    const mailbox = await this.#openMailbox()
    this.#suspending ??= createSuspendingRequester({
      call: this,
      mailbox,
      session: this.#session.data,
      before: this.#before?.run,
      suspendAfter,
    })
    return this.#suspending
  }

  get session(): SessionValues {
    this.#values ??= sessionValues(this.server.store, () => this.conversation())
    return this.#values
  }

  async conversation() {
    const { partition, data, transient } = this.#session
    if (transient) throw invalidRequest('This needs a session, and the client has none')
    return { partition, expiresAt: this.server.sessions.endOf(data) }
  }

  get request(): RequestInfo {
    const incoming = this.#incoming
    const { client, capabilities: declared, revision } = this.#session.data
    const { _meta } = this.params
    this.#request ??= {
      id: this.id,
      era: 'legacy',
      revision,
      client,
      capabilities: declared,
      get headers() {
        return visibleHeaders(incoming)
      },
      meta: isObject(_meta) ? _meta : {},
      trace: readTrace((name) => incoming.request.headers.get(name)),
    }
    return this.#request
  }

  publish(change: Change): Promise<void> {
    return this.server.changes.publish(change)
  }

  async setLogLevel(logLevel: LogLevel): Promise<void> {
    const { owner } = this.#incoming
    await this.server.sessions.update(owner, this.#session.id, () => ({ logLevel }))
  }

  async setSubscriptions(change: (uris: readonly string[]) => readonly string[]): Promise<void> {
    const { owner } = this.#incoming
    await this.server.sessions.update(owner, this.#session.id, ({ subscriptions = [] }) => ({
      subscriptions: change(subscriptions),
    }))
  }

  close(): void {
    this.#closed = true
    this.#mailbox?.close()
  }

  async #watchCancellation(abort: () => void): Promise<void> {
    try {
      const mailbox = await this.#openMailbox()
      mailbox.watchCancellation(abort)
    } catch (error) {
      // The call goes on without it, as a client may also send no cancellation.
      const message = 'a call cannot be cancelled'
      this.server.log({ level: 'error', message, error: describe(error) })
    }
  }

  async #openMailbox(): Promise<Mailbox> {
    const { Mailbox } = await mailboxes()
    this.#mailbox ??= new Mailbox(this.server.store, this.#session, this.id, this.server.mailbox)
    // A handler that uses its signal only after it has returned must not leave a poll of the store running.
    if (this.#closed) this.#mailbox.close()
    return this.#mailbox
  }
}
