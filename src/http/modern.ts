/** The 2026-07-28 side of the endpoint: stateless requests, each with everything it needs. */
import type { Asker } from '../asking/question.ts'
import type { RoundState } from '../asking/rounds.ts'
import { Rounds } from '../asking/rounds.ts'
import type { Principal } from '../auth/auth.ts'
import type { CallFacts, Context, RequestInfo } from '../context.ts'
import { Cancellation, Cancelled, createContext } from '../context.ts'
import type { Call } from '../protocol/call.ts'
import { code, invalidParams, McpError, methodNotFound } from '../protocol/errors.ts'
import { HandlerFailure } from '../protocol/handling.ts'
import type { JsonRpcRequest, Params } from '../protocol/jsonrpc.ts'
import { isObject, resultMessage } from '../protocol/jsonrpc.ts'
import { serverMeta } from '../protocol/lists.ts'
import { METHODS, writeResult } from '../protocol/methods.ts'
import type { ModernRevision } from '../protocol/revisions.ts'
import type { LogLevel } from '../protocol/types.ts'
import { isLogLevel } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { Change } from '../state/changes.ts'
import type { Session } from '../state/sessions.ts'
import type { Json } from '../state/store.ts'
import type { SessionValues } from '../state/values.ts'
import { sessionValues } from '../state/values.ts'
import type { Envelope } from './classify.ts'
import { checkMethodHeaders, checkParamHeaders } from './headers.ts'
import type { Incoming } from './incoming.ts'
import { ownerOf, visibleHeaders } from './incoming.ts'
import { listen } from './listen.ts'
import { META, readTrace, toProgressToken } from './meta.ts'
import type { Answer } from './reply.ts'
import { Exchange, errorResponse, statusOf, toAnswer } from './reply.ts'

export async function handleModern(
  server: Server,
  incoming: Incoming,
  request: JsonRpcRequest,
  envelope: Envelope,
): Promise<Response> {
  const { method, id } = request
  const params = request.params ?? {}
  try {
    checkMethodHeaders(incoming.request.headers, method, params)
    if (method === 'tools/call') checkParamHeaders(incoming.request.headers, server, params)
    const { logLevel, progressToken } = readMeta(envelope.meta)
    if (method === 'subscriptions/listen') {
      return await listen(server, incoming, id, params)
    }
    const row = METHODS.get(method)
    if (!row?.modern) throw methodNotFound(method)
    const run = row.modern
    const rounds = row.asks ? await openRounds(server, incoming, method, params) : undefined
    const call = new ModernCall(server, incoming, request, envelope, {
      rounds,
      logLevel,
      progressToken,
    })
    const answer = async (): Promise<Answer> => {
      try {
        const result = await settle(rounds, () => run(call))
        const json = result ? writeResult(server, 'modern', result) : await call.askBack()
        return { body: resultMessage(id, json), status: 200 }
      } catch (error) {
        return toAnswer(server, 'modern', id, error)
      }
    }
    return await call.outlet.respond(
      answer().then((one) => [one]),
      false,
    )
  } catch (error) {
    if (!(error instanceof McpError)) throw error
    // what is wrong with the request itself is a 400; a method that is not there a 404 (A.10)
    const status = error.code === code.methodNotFound ? statusOf('modern', error) : 400
    return errorResponse(status, id, error)
  }
}

/** The handler's result; undefined when a question ended its run, whatever it did then. */
async function settle<T>(rounds: Rounds | undefined, run: () => T): Promise<T | undefined> {
  try {
    const result = await run()
    return rounds?.suspended ? undefined : result
  } catch (error) {
    if (rounds?.suspended) return undefined
    throw error
  }
}

interface CallOptions {
  rounds: Rounds | undefined
  logLevel: LogLevel | undefined
  progressToken: string | number | undefined
}

/** One request of the modern era, as its method and its handler see it. */
class ModernCall implements Call, CallFacts {
  readonly era = 'modern'
  readonly server: Server
  readonly revision: ModernRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly outlet: Exchange
  readonly logLevel: LogLevel | undefined
  readonly progressToken: string | number | undefined
  handle: string | undefined
  readonly #incoming: Incoming
  readonly #message: JsonRpcRequest
  readonly #envelope: Envelope
  readonly #rounds: Rounds | undefined
  #opened: Session | undefined
  #session: SessionValues | undefined
  #request: RequestInfo | undefined

  constructor(
    server: Server,
    incoming: Incoming,
    message: JsonRpcRequest,
    envelope: Envelope,
    { rounds, logLevel, progressToken }: CallOptions,
  ) {
    this.server = server
    this.revision = envelope.revision
    this.params = message.params ?? {}
    this.logLevel = logLevel
    this.progressToken = progressToken
    this.#incoming = incoming
    this.#message = message
    this.#envelope = envelope
    this.#rounds = rounds
    // a closed connection is the only cancellation there is (C8), where the host can see it
    this.cancellation = new Cancellation((abort) => {
      const { signal } = incoming.request
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
    })
    this.outlet = new Exchange({
      accepts: incoming.accepts,
      keepAlive: server.limits.keepAlive,
      onGone: () => this.cancellation.abort(new Cancelled('The client closed the connection')),
    })
  }

  get principal(): Principal | undefined {
    return this.#incoming.principal
  }

  get deadline(): number | undefined {
    return this.#incoming.door.deadline
  }

  context(): Context {
    return createContext(this, this.cancellation)
  }

  get asker(): Asker {
    if (!this.#rounds) throw new TypeError('This method cannot ask the client (C28)')
    return this.#rounds
  }

  get request(): RequestInfo {
    const incoming = this.#incoming
    const { capabilities, meta, revision } = this.#envelope
    const client = meta[META.client]
    this.#request ??= {
      id: this.#message.id,
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
    const handle = argument ?? this.#rounds?.handle
    this.#session = sessionValues(this.server.store, async () => {
      this.#opened ??= await this.server.handles.open(ownerOf(this.#incoming), {})
      this.handle = this.#opened.id
      if (this.#rounds) this.#rounds.handle = this.handle
      return {
        partition: this.#opened.partition,
        expiresAt: this.server.handles.endOf(this.#opened.data),
      }
    })
    if (handle === undefined) return
    const found =
      typeof handle === 'string'
        ? await this.server.handles.find(ownerOf(this.#incoming), handle)
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

  /** The questions of this round instead of a result, and a sealed note of where the call stands. */
  async askBack(): Promise<string> {
    const { server } = this
    const rounds = this.#rounds as Rounds
    const requestState = await server.seal.seal({
      state: (await rounds.state()) as unknown as Json,
      expiresAt: server.clock() + server.limits.state,
      owner: ownerOf(this.#incoming),
      digest: await digest(this.#message.method, this.params),
    })
    return JSON.stringify({
      resultType: 'input_required',
      inputRequests: rounds.inputRequests(),
      requestState,
      _meta: serverMeta(server),
    })
  }
}

/** Answers of this round, and what earlier rounds left in the state: the client's word, so all of it is checked (C30). */
async function openRounds(
  server: Server,
  incoming: Incoming,
  method: string,
  params: Params,
): Promise<Rounds> {
  const { inputResponses, requestState } = params
  if (inputResponses === undefined && requestState === undefined) return new Rounds({})
  const responses = isObject(inputResponses) ? inputResponses : {}
  if (requestState === undefined) return new Rounds(responses)
  const bad = invalidParams('requestState is not valid for this request, or has expired')
  if (typeof requestState !== 'string') throw bad
  const opened = await server.seal.open(requestState)
  if (
    !isObject(opened) ||
    Number(opened.expiresAt) <= server.clock() ||
    opened.owner !== ownerOf(incoming) ||
    opened.digest !== (await digest(method, params))
  ) {
    throw bad
  }
  return new Rounds(responses, opened.state as unknown as RoundState)
}

/** What must not change from round to round: the method and its own parameters. */
async function digest(method: string, params: Params): Promise<string> {
  const { _meta, inputResponses, requestState, ...own } = params
  const text = `${method} ${JSON.stringify(own, (_, value) => (isObject(value) ? sorted(value) : value))}`
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function readMeta(meta: Params) {
  const level = meta[META.logLevel]
  if (level !== undefined && !isLogLevel(level)) {
    throw invalidParams(`params._meta["${META.logLevel}"] is no log level`)
  }
  return { logLevel: level, progressToken: toProgressToken(meta.progressToken) }
}
