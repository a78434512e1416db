/** The 2025 side of the endpoint: sessions, resumable streams, GET and DELETE. */

import { isObject } from '../../lib/is-object.ts'
import type { MaybePromise } from '../../lib/maybe-promise.ts'
import { attempt, chain } from '../../lib/maybe-promise.ts'
import {
  clip,
  invalidParams,
  invalidRequest,
  McpError,
  methodNotFound,
} from '../../protocol/errors.ts'
import type { JsonRpcRequest, JsonRpcResponse, Params, RequestId } from '../../protocol/jsonrpc.ts'
import { isRequestId, resultMessage } from '../../protocol/jsonrpc.ts'
import { capabilities, METHODS } from '../../protocol/methods.ts'
import { writeResult } from '../../protocol/results.ts'
import type { LegacyRevision } from '../../protocol/revisions.ts'
import { has, isLegacyRevision, LATEST_LEGACY, LEGACY_REVISIONS } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import { addCancellations } from '../../state/cancellations.ts'
import { EventLogWriter } from '../../state/event-log/writer.ts'
import { deliverResponses } from '../../state/mailbox.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { Answer } from '../call-stream.ts'
import { accepted, CallStream, errorResponse, sessionResponse, toAnswer } from '../call-stream.ts'
import type { Classified } from '../classify.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { ownerOf } from '../incoming-request.ts'
import { LegacyCall } from './legacy-call.ts'

type LegacyBody = Extract<Classified, { kind: 'legacy' }>

/** Characters: they are kept with every session. */
const LONGEST_CAPABILITIES = 8_192

export function handleLegacyPost(
  server: Server,
  incoming: IncomingRequest,
  body: LegacyBody,
): MaybePromise<Response> {
  const { messages, batch } = body
  const requests: JsonRpcRequest[] = []
  for (const one of messages) if (one.kind === 'request') requests.push(one.message)
  const [first] = requests
  if (requests.some(({ method }) => method === 'initialize')) {
    if (!batch && first) return initialize(server, incoming, first)
    return errorResponse(400, null, invalidRequest('initialize cannot be part of a batch'))
  }
  const id = batch ? null : (first?.id ?? null)
  return chain(requireSession(server, incoming, id), (session) => {
    if (session instanceof Response) return session
    const { revision } = session.data
    incoming.record.revision = revision
    if (batch && !has.batches(revision)) {
      return errorResponse(400, null, invalidRequest(`batches do not exist in ${revision}`))
    }
    if (requests.length === messages.length) {
      return respond(server, incoming, session, requests, batch)
    }
    return handleNonRequests(server, ownerOf(incoming), session, messages).then(
      (refusal) =>
        refusal ??
        (requests.length > 0 ? respond(server, incoming, session, requests, batch) : accepted()),
    )
  })
}

/**
 * Messages without a reply: responses to our requests, and notifications. All cancellations of one POST
 * cost one update of the session, and responses a read and a write for each call that asked (B52).
 */
async function handleNonRequests(
  server: Server,
  owner: string,
  { id, partition }: Session<LegacySession>,
  messages: LegacyBody['messages'],
): Promise<Response | undefined> {
  const responses: JsonRpcResponse[] = []
  const cancelled: RequestId[] = []
  for (const one of messages) {
    if (one.kind === 'response') responses.push(one.message)
    if (one.kind !== 'notification' || one.message.method !== 'notifications/cancelled') continue
    const requestId = one.message.params?.requestId
    if (isRequestId(requestId)) cancelled.push(requestId)
  }
  try {
    // A response to no open question is dropped, as it cannot be told apart from a late one.
    await deliverResponses(server.store, partition, responses, server.mailbox)
  } catch (error) {
    if (error instanceof McpError) return errorResponse(400, null, error)
    throw error
  }
  if (cancelled.length === 0) return undefined
  await server.sessions.update(owner, id, ({ cancellations }) => ({
    cancellations: addCancellations(cancellations, cancelled),
  }))
  return undefined
}

function respond(
  server: Server,
  incoming: IncomingRequest,
  session: Session<LegacySession>,
  requests: readonly JsonRpcRequest[],
  batch: boolean,
): MaybePromise<Response> {
  const hasPriming = has.priming(session.data.revision)
  const stream = new CallStream({
    accepts: incoming.accepts,
    keepAlive: server.limits.keepAlive,
    journal: (deliver, lost) =>
      new EventLogWriter(
        server.store,
        session.partition,
        requests.map(({ id }) => id),
        server.eventLog,
        deliver,
        lost,
      ),
    priming: hasPriming,
    detaches: hasPriming && incoming.platform.background !== false,
    // not a cancellation: the call goes on, and its events are kept for whoever resumes (B20)
    onGone: () => {},
  })
  const answers = requests.map((request) => answer(server, incoming, session, request, stream))
  return stream.respond(answers, batch)
}

function answer(
  server: Server,
  incoming: IncomingRequest,
  session: Session<LegacySession>,
  request: JsonRpcRequest,
  stream: CallStream,
): MaybePromise<Answer> {
  const { id, method } = request
  const call = new LegacyCall(server, incoming, session, request, stream)
  return attempt(
    () => {
      const row = METHODS.get(method)
      if (!row?.legacy) throw methodNotFound(method)
      return chain(row.legacy(call), (result) => {
        call.close()
        return { body: resultMessage(id, writeResult(server, 'legacy', result)), status: 200 }
      })
    },
    (error) => {
      call.close()
      return toAnswer(server, 'legacy', id, error)
    },
  )
}

/** The handshake: one write, and the id that every later request brings (B33, B45, B46). */
function initialize(
  server: Server,
  incoming: IncomingRequest,
  { id, params = {} }: JsonRpcRequest,
): MaybePromise<Response> {
  const { protocolVersion, capabilities: declared, clientInfo } = params
  const refuse = (why: string) => errorResponse(400, id, invalidParams(why))
  if (typeof protocolVersion !== 'string') return refuse('protocolVersion must be a string')
  if (!isObject(declared)) return refuse('capabilities must be an object')
  if (!isObject(clientInfo)) return refuse('clientInfo must be an object')
  if (JSON.stringify(declared).length > LONGEST_CAPABILITIES) {
    return refuse('capabilities are too long')
  }
  const revision = isLegacyRevision(protocolVersion) ? protocolVersion : LATEST_LEGACY
  incoming.record.revision = revision
  const client = pickClientInfo(clientInfo)
  const opened = server.sessions.open(ownerOf(incoming), (createdAt) => ({
    revision,
    client,
    capabilities: declared,
    createdAt,
  }))
  const initializeResult = server.registry.cachedJson(`initialize ${revision}`, () =>
    JSON.stringify({
      protocolVersion: revision,
      capabilities: capabilities(server, 'legacy'),
      serverInfo: serverInfo(server, revision),
      instructions: server.instructions,
    }),
  )
  return opened.then((session) => {
    incoming.record.session = session.id
    return sessionResponse(resultMessage(id, initializeResult), incoming.accepts, session.id)
  })
}

/** Of what a client tells about itself, what a handler may want to know. */
function pickClientInfo({ name, version }: Params): Params {
  const client: { name?: string; version?: string } = {}
  if (typeof name === 'string') client.name = clip(name)
  if (typeof version === 'string') client.version = clip(version)
  return client
}

/** The server's name card with what the revision knows of it (B64). */
function serverInfo({ info }: Server, revision: LegacyRevision): object {
  const { name, version, title, ...more } = info
  return {
    name,
    version,
    ...(has.titles(revision) && { title }),
    ...(has.icons(revision) && more),
  }
}

/** The session a request belongs to, or the refusal: 400 without an id (B36), 404 for one that is not there (B37). */
export function requireSession(
  server: Server,
  incoming: IncomingRequest,
  id: RequestId | null,
): MaybePromise<Session<LegacySession> | Response> {
  const sessionId = readSessionId(incoming, id)
  if (sessionId instanceof Response) return sessionId
  return server.sessions
    .find(ownerOf(incoming), sessionId)
    .then((session) => session ?? sessionNotFound(id))
}

/** The id that a session's requests bring, or the refusal; a version that nobody has is one, too (B42). */
function readSessionId(
  { request, version, record }: IncomingRequest,
  id: RequestId | null,
): string | Response {
  if (version !== null && !isLegacyRevision(version)) {
    const known = LEGACY_REVISIONS.join(', ')
    return errorResponse(400, id, invalidRequest(`MCP-Protocol-Version must be one of ${known}`))
  }
  const sessionId = request.headers.get('mcp-session-id')
  if (sessionId === null) {
    return errorResponse(400, id, invalidRequest('the Mcp-Session-Id header is missing'))
  }
  record.session = sessionId
  return sessionId
}

export function sessionNotFound(id: RequestId | null = null): Response {
  return errorResponse(404, id, invalidRequest('session not found'))
}

export async function handleDelete(server: Server, incoming: IncomingRequest): Promise<Response> {
  const sessionId = readSessionId(incoming, null)
  if (sessionId instanceof Response) return sessionId
  const existed = await server.sessions.delete(ownerOf(incoming), sessionId)
  return existed ? new Response(null, { status: 204 }) : sessionNotFound()
}
