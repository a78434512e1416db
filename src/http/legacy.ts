/** The 2025 side of the endpoint: sessions, resumable streams, GET and DELETE. */

import { LiveAsker } from '../asking/live.ts'
import type { Asker } from '../asking/question.ts'
import type { Principal } from '../auth/auth.ts'
import type { CallFacts, Context, RequestInfo } from '../context.ts'
import { Cancellation, createContext } from '../context.ts'
import type { Call } from '../protocol/call.ts'
import { invalidParams, invalidRequest, methodNotFound } from '../protocol/errors.ts'
import type {
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResponse,
  Params,
  RequestId,
} from '../protocol/jsonrpc.ts'
import { isObject, isRequestId, resultMessage } from '../protocol/jsonrpc.ts'
import { capabilities, METHODS, writeResult } from '../protocol/methods.ts'
import type { LegacyRevision } from '../protocol/revisions.ts'
import { has, isLegacyRevision, LATEST_LEGACY, LEGACY_REVISIONS } from '../protocol/revisions.ts'
import type { LogLevel } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { Change } from '../state/changes.ts'
import { Inbox, postAnswer, postCancellation } from '../state/inbox.ts'
import type { LegacySession, Session } from '../state/sessions.ts'
import type { Json } from '../state/store.ts'
import { Journal } from '../state/streams.ts'
import type { SessionValues } from '../state/values.ts'
import { sessionValues } from '../state/values.ts'
import type { Classified } from './classify.ts'
import type { Incoming } from './incoming.ts'
import { ownerOf, visibleHeaders } from './incoming.ts'
import { readTrace, toProgressToken } from './meta.ts'
import type { Answer } from './reply.ts'
import { accepted, Exchange, errorResponse, toAnswer, wholeResponse } from './reply.ts'

type LegacyBody = Extract<Classified, { kind: 'legacy' }>

/** Characters of what a client tells about itself: it is kept with every session. */
const LONGEST_INTRODUCTION = 16_384

export async function handleLegacyPost(
  server: Server,
  incoming: Incoming,
  { messages, batch }: LegacyBody,
): Promise<Response> {
  const requests = messages.flatMap((one) => (one.kind === 'request' ? one.message : []))
  const [first] = requests
  if (requests.some(({ method }) => method === 'initialize')) {
    if (!batch && first) return initialize(server, incoming, first)
    return errorResponse(400, null, invalidRequest('initialize cannot be part of a batch'))
  }
  const found = await requireSession(server, incoming, batch ? null : (first?.id ?? null))
  if (found instanceof Response) return found
  const { session } = found
  const { revision } = session.data
  incoming.record.revision = revision
  if (batch && !has.batches(revision)) {
    return errorResponse(400, null, invalidRequest(`batches do not exist in ${revision}`))
  }
  for (const one of messages) {
    if (one.kind === 'response') await takeAnswer(server, session, one.message)
    if (one.kind === 'notification') await takeNotification(server, session, one.message)
  }
  if (requests.length === 0) return accepted()

  const exchange = new Exchange({
    accepts: incoming.accepts,
    keepAlive: server.limits.keepAlive,
    journal: (deliver, lost) =>
      new Journal(
        server.store,
        session.partition,
        requests.map(({ id }) => id),
        server.journal,
        deliver,
        lost,
      ),
    priming: has.priming(revision),
    // not a cancellation: the call goes on, and its events are kept for whoever resumes (B20)
    onGone: () => {},
  })
  const answers = requests.map((request) => answer(server, incoming, session, request, exchange))
  return exchange.respond(Promise.all(answers), batch)
}

async function answer(
  server: Server,
  incoming: Incoming,
  session: Session<LegacySession>,
  request: JsonRpcRequest,
  exchange: Exchange,
): Promise<Answer> {
  const { id, method } = request
  const call = new LegacyCall(server, incoming, session, request, exchange)
  try {
    const row = METHODS.get(method)
    if (!row?.legacy) throw methodNotFound(method)
    const result = await row.legacy(call)
    return { body: resultMessage(id, writeResult(server, 'legacy', result)), status: 200 }
  } catch (error) {
    return toAnswer(server, 'legacy', id, error)
  } finally {
    call.close()
  }
}

/** The handshake: one write, and the id that every later request brings (B33, B45, B46). */
async function initialize(
  server: Server,
  incoming: Incoming,
  { id, params = {} }: JsonRpcRequest,
): Promise<Response> {
  const { protocolVersion, capabilities: declared, clientInfo } = params
  const refuse = (why: string) => errorResponse(400, id, invalidParams(why))
  if (typeof protocolVersion !== 'string') return refuse('protocolVersion must be a string')
  if (!isObject(declared)) return refuse('capabilities must be an object')
  if (!isObject(clientInfo)) return refuse('clientInfo must be an object')
  if (JSON.stringify({ declared, clientInfo }).length > LONGEST_INTRODUCTION) {
    return refuse('capabilities and clientInfo are too long')
  }
  const revision = isLegacyRevision(protocolVersion) ? protocolVersion : LATEST_LEGACY
  incoming.record.revision = revision
  const session = await server.sessions.open(ownerOf(incoming), {
    revision,
    client: clientInfo,
    capabilities: declared,
  })
  incoming.record.session = session.id
  const result = {
    protocolVersion: revision,
    capabilities: capabilities(server, 'legacy'),
    serverInfo: serverInfo(server, revision),
    ...(server.instructions !== undefined && { instructions: server.instructions }),
  }
  const response = wholeResponse(resultMessage(id, JSON.stringify(result)), incoming.accepts)
  response.headers.set('mcp-session-id', session.id)
  return response
}

/** The server's name card with what the revision knows of it (B64). */
function serverInfo({ info }: Server, revision: LegacyRevision): object {
  const { name, version, title, description, websiteUrl, icons } = info
  return {
    name,
    version,
    ...(title && has.titles(revision) && { title }),
    ...(has.icons(revision) && {
      ...(description && { description }),
      ...(websiteUrl && { websiteUrl }),
      ...(icons && { icons }),
    }),
  }
}

/** The session a request belongs to, or the refusal: 400 without an id (B36), 404 for one that is not there (B37). */
export async function requireSession(
  server: Server,
  incoming: Incoming,
  id: RequestId | null,
): Promise<{ session: Session<LegacySession> } | Response> {
  const { headers } = incoming.request
  const version = headers.get('mcp-protocol-version')
  if (version !== null && !isLegacyRevision(version)) {
    const known = LEGACY_REVISIONS.join(', ')
    return errorResponse(400, id, invalidRequest(`MCP-Protocol-Version must be one of ${known}`))
  }
  const sessionId = headers.get('mcp-session-id')
  if (sessionId === null) {
    return errorResponse(400, id, invalidRequest('the Mcp-Session-Id header is missing'))
  }
  incoming.record.session = sessionId
  const session = await server.sessions.find(ownerOf(incoming), sessionId)
  return session ? { session } : sessionNotFound(id)
}

export function sessionNotFound(id: RequestId | null = null): Response {
  return errorResponse(404, id, invalidRequest('session not found'))
}

export async function handleDelete(server: Server, incoming: Incoming): Promise<Response> {
  const sessionId = incoming.request.headers.get('mcp-session-id')
  if (sessionId === null) {
    return errorResponse(400, null, invalidRequest('the Mcp-Session-Id header is missing'))
  }
  incoming.record.session = sessionId
  const existed = await server.sessions.delete(ownerOf(incoming), sessionId)
  return existed ? new Response(null, { status: 204 }) : sessionNotFound()
}

/** Answers that no question waits for are dropped: the client cannot be told apart from a late one. */
async function takeAnswer(
  server: Server,
  { partition }: Session,
  { id, result, error }: JsonRpcResponse,
): Promise<void> {
  const response = (error === undefined ? { result } : { error }) as Json
  await postAnswer(server.store, partition, id, response, server.inbox)
}

async function takeNotification(
  server: Server,
  { partition }: Session,
  { method, params }: JsonRpcNotification,
): Promise<void> {
  if (method !== 'notifications/cancelled') return
  const requestId = params?.requestId
  if (isRequestId(requestId)) {
    await postCancellation(server.store, partition, requestId, server.inbox)
  }
}

/** One request of a session, as its method and its handler see it. */
class LegacyCall implements Call, CallFacts {
  readonly era = 'legacy'
  readonly server: Server
  readonly revision: LegacyRevision
  readonly params: Params
  readonly cancellation: Cancellation
  readonly outlet: Exchange
  readonly #incoming: Incoming
  readonly #message: JsonRpcRequest
  readonly #session: Session<LegacySession>
  #inbox: Inbox | undefined
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
    this.#inbox?.close()
  }

  #openInbox(): Inbox {
    this.#inbox ??= new Inbox(
      this.server.store,
      this.#session.partition,
      this.#message.id,
      this.server.inbox,
    )
    return this.#inbox
  }
}
