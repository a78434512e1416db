/** One request of 2026-07-28, as its method and its handler see it. */

import type { Principal } from '../../auth/auth.ts'
import type { ClientRequester } from '../../client-requests/client-request.ts'
import { MultiRoundTrip } from '../../client-requests/multi-round-trip.ts'
import type { CallFacts } from '../../handlers/call-context.ts'
import { createContext } from '../../handlers/call-context.ts'
import { Cancellation, Cancelled } from '../../handlers/cancellation.ts'
import type { Context, RequestInfo } from '../../handlers/context.ts'
import { HandlerFailure } from '../../handlers/run-handler.ts'
import { isObject } from '../../lib/is-object.ts'
import type { Call } from '../../protocol/call.ts'
import type { JsonRpcRequest, Params } from '../../protocol/jsonrpc.ts'
import type { ModernRevision } from '../../protocol/revisions.ts'
import type { LogLevel } from '../../protocol/types.ts'
import type { Server } from '../../server.ts'
import type { Change } from '../../state/change-log.ts'
import type { SessionValues } from '../../state/session-values.ts'
import { sessionValues } from '../../state/session-values.ts'
import type { Session } from '../../state/sessions.ts'
import { CallStream } from '../call-stream.ts'
import type { Envelope } from '../classify.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { ownerOf, visibleHeaders } from '../incoming-request.ts'
import { META, readTrace } from '../meta.ts'

export interface CallOptions {
  /** Whether the method may ask the client (C28). */
  asks: boolean
  /** What earlier rounds of this call left, if there were any. */
  rounds: MultiRoundTrip | undefined
  logLevel: LogLevel | undefined
  progressToken: string | number | undefined
}

export class ModernCall implements Call, CallFacts {
  readonly era = 'modern'
  readonly server: Server
  readonly revision: ModernRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly stream: CallStream
  readonly logLevel: LogLevel | undefined
  readonly progressToken: string | number | undefined
  readonly incoming: IncomingRequest
  readonly message: JsonRpcRequest
  handle: string | undefined
  /** Of this call's questions; made with the first of them. */
  rounds: MultiRoundTrip | undefined
  readonly #asks: boolean
  readonly #envelope: Envelope
  #opened: Session | undefined
  #session: SessionValues | undefined
  #request: RequestInfo | undefined

  constructor(
    server: Server,
    incoming: IncomingRequest,
    message: JsonRpcRequest,
    envelope: Envelope,
    { asks, rounds, logLevel, progressToken }: CallOptions,
  ) {
    this.server = server
    this.revision = envelope.revision
    this.params = message.params ?? {}
    this.logLevel = logLevel
    this.progressToken = progressToken
    this.incoming = incoming
    this.message = message
    this.rounds = rounds
    this.#asks = asks
    this.#envelope = envelope
    // a closed connection is the only cancellation there is (C8), where the host can see it
    this.cancellation = new Cancellation((abort) => {
      const { signal } = incoming.request
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
    })
    this.stream = new CallStream({
      accepts: incoming.accepts,
      keepAlive: server.limits.keepAlive,
      onGone: () => this.cancellation.abort(new Cancelled('The client closed the connection')),
    })
  }

  get principal(): Principal | undefined {
    return this.incoming.principal
  }

  get deadline(): number | undefined {
    return this.incoming.platform.deadline
  }

  context(): Context {
    return createContext(this, this.cancellation)
  }

  get requester(): ClientRequester {
    if (!this.#asks) throw new TypeError('This method cannot ask the client')
    this.rounds ??= new MultiRoundTrip({})
    return this.rounds
  }

  get request(): RequestInfo {
    const incoming = this.incoming
    const { capabilities, meta, revision } = this.#envelope
    const client = meta[META.client]
    this.#request ??= {
      id: this.message.id,
      era: 'modern',
      revision,
      client: isObject(client) ? client : {},
      capabilities,
      get headers() {
        return visibleHeaders(incoming)
      },
      trace: readTrace((name) => meta[name]),
    }
    return this.#request
  }

  publish(change: Change): Promise<void> {
    return this.server.changes.publish(change)
  }

  /** The tool's `session` argument: an earlier handle, or none yet; then the first use of `ctx.session` makes one. */
  async openHandle(argument: unknown): Promise<void> {
    // what an earlier round of this call made, this one goes on with
    const handle = argument ?? this.rounds?.handle
    this.#session = sessionValues(this.server.store, async () => {
      this.#opened ??= await this.server.handles.open(ownerOf(this.incoming), (createdAt) => ({
        createdAt,
      }))
      this.handle = this.#opened.id
      return {
        partition: this.#opened.partition,
        expiresAt: this.server.handles.endOf(this.#opened.data),
      }
    })
    if (handle === undefined) return
    const found =
      typeof handle === 'string'
        ? await this.server.handles.find(ownerOf(this.incoming), handle)
        : undefined
    // never there, expired, or somebody else's: the same answer
    if (!found) {
      throw new HandlerFailure('Unknown session: leave the argument out to start a new one')
    }
    this.#opened = found
    this.handle = found.id
  }

  get session(): SessionValues {
    if (!this.#session) {
      throw new TypeError('ctx.session needs session: true in the options of the tool')
    }
    return this.#session
  }
}
