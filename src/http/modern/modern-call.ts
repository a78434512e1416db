/** One request of 2026-07-28, as its method and its handler see it. */
import type { Principal } from '../../auth/auth.ts'
import type { ClientRequester } from '../../client-requests/client-request.ts'
import type { MultiRoundTrip } from '../../client-requests/multi-round-trip.ts'
import type { Cancellation } from '../../handlers/cancellation.ts'
import type { RequestInfo } from '../../handlers/context.ts'
import { HandlerFailure } from '../../handlers/failure.ts'
import type { Catalog } from '../../handlers/registry.ts'
import { isObject } from '../../lib/is-object.ts'
import { lazyImport } from '../../lib/lazy-import.ts'
import type { ModernMethodCall } from '../../protocol/call.ts'
import type { JsonRpcRequest, Params, RequestId } from '../../protocol/jsonrpc.ts'
import type { ModernRevision } from '../../protocol/revisions.ts'
import type { LogLevel } from '../../protocol/types.ts'
import type { Server } from '../../server.ts'
import type { Change } from '../../state/change-log.ts'
import type { SessionValues } from '../../state/session-values.ts'
import { sessionValues } from '../../state/session-values.ts'
import type { Session } from '../../state/sessions.ts'
import type { CallStream } from '../call-stream.ts'
import type { Envelope } from '../classify.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { visibleHeaders } from '../incoming-request.ts'
import { META, readTrace } from '../meta.ts'

// Most calls send no request to the client.
const multiRoundTrip = lazyImport(() => import('../../client-requests/multi-round-trip.ts'))
const inputRequired = lazyImport(() => import('./input-required.ts'))

export interface ModernCallOptions {
  readonly server: Server
  readonly registry: Catalog
  readonly incoming: IncomingRequest
  readonly request: JsonRpcRequest
  readonly envelope: Envelope
  readonly stream: CallStream
  readonly cancellation: Cancellation
  /** Whether the method may send requests to the client (C28). */
  readonly asks: boolean
  /** The state of earlier rounds of this call, if there were any. */
  readonly rounds: MultiRoundTrip | undefined
  readonly logLevel: LogLevel | undefined
  readonly progressToken: string | number | undefined
}

export class ModernCall implements ModernMethodCall {
  readonly era = 'modern'
  readonly server: Server
  readonly registry: Catalog
  readonly id: RequestId
  readonly method: string
  readonly revision: ModernRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly stream: CallStream
  readonly logLevel: LogLevel | undefined
  readonly progressToken: string | number | undefined
  handle: string | undefined
  toolFailed = false
  progressTold = Number.NEGATIVE_INFINITY
  readonly #incoming: IncomingRequest
  /** Made with the first request to the client. */
  #rounds: MultiRoundTrip | undefined
  readonly #asks: boolean
  readonly #envelope: Envelope
  #opened: Session | undefined
  #session: SessionValues | undefined
  #request: RequestInfo | undefined

  constructor(options: ModernCallOptions) {
    const { server, incoming, request, envelope } = options
    this.server = server
    this.registry = options.registry
    this.id = request.id
    this.method = request.method
    this.revision = envelope.revision
    this.params = request.params ?? {}
    this.logLevel = options.logLevel
    this.progressToken = options.progressToken
    this.stream = options.stream
    this.cancellation = options.cancellation
    this.#incoming = incoming
    this.#rounds = options.rounds
    this.#asks = options.asks
    this.#envelope = envelope
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

  async openRequester(): Promise<ClientRequester> {
    if (!this.#asks) throw new TypeError('This method cannot ask the client')
    const { MultiRoundTrip } = await multiRoundTrip()
    this.#rounds ??= new MultiRoundTrip({})
    return this.#rounds
  }

  get suspended(): boolean {
    return this.#rounds?.suspended === true
  }

  async inputRequiredResult(): Promise<string> {
    if (!this.#rounds) throw new TypeError('This call has sent no request to the client')
    const { inputRequiredResult } = await inputRequired()
    return inputRequiredResult(this, this.#incoming.owner, this.#rounds)
  }

  get request(): RequestInfo {
    const incoming = this.#incoming
    const { capabilities, meta, revision } = this.#envelope
    const client = meta[META.client]
    this.#request ??= {
      id: this.id,
      era: 'modern',
      revision,
      client: isObject(client) ? client : {},
      capabilities,
      get headers() {
        return visibleHeaders(incoming)
      },
      meta,
      trace: readTrace((name) => meta[name]),
    }
    return this.#request
  }

  publish(change: Change): Promise<void> {
    return this.server.changes.publish(change)
  }

  /** The tool's `session` argument: an earlier handle, or none yet; then the first use of `ctx.session` makes one. */
  async openHandle(argument: unknown): Promise<void> {
    const { owner } = this
    // A handle that an earlier round of this call has made is used by the later rounds.
    const handle = argument ?? this.#rounds?.handle
    this.#session = sessionValues(this.server.store, () => this.conversation())
    if (handle === undefined) return
    const found =
      typeof handle === 'string' ? await this.server.handles.find(owner, handle) : undefined
    // Unknown, expired and of another owner: the same answer, so that handles cannot be guessed.
    if (!found) {
      throw new HandlerFailure('Unknown session: leave the argument out to start a new one')
    }
    this.#opened = found
    this.handle = found.id
  }

  async conversation() {
    this.#opened ??= await this.server.handles.open(this.owner, (createdAt) => ({ createdAt }))
    this.handle = this.#opened.id
    return {
      partition: this.#opened.partition,
      expiresAt: this.server.handles.endOf(this.#opened.data),
      handle: this.handle,
    }
  }

  close(): void {}

  get session(): SessionValues {
    if (!this.#session) {
      throw new TypeError('ctx.session needs session: true in the options of the tool')
    }
    return this.#session
  }
}
