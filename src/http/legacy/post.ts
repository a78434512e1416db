/** POST of the 2025 revisions: the handshake, and messages within a session. */
import type { Catalog } from '../../handlers/registry.ts'
import { lazyImport } from '../../lib/lazy-import.ts'
import { invalidRequest, McpError } from '../../protocol/errors.ts'
import type { JsonRpcRequest, JsonRpcResponse, RequestId } from '../../protocol/jsonrpc.ts'
import { isRequestId } from '../../protocol/jsonrpc.ts'
import { has } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import { addCancellations } from '../../state/cancellations.ts'
import { EventLogWriter } from '../../state/event-log/writer.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { Classified } from '../classify.ts'
import { respond } from '../dispatch.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { observedResponse } from '../observe.ts'
import { accepted, errorResponse } from '../responses.ts'
import * as status from '../status.ts'
import { initialize } from './initialize.ts'
import { LegacyCall } from './legacy-call.ts'
import { requireSession } from './session.ts'

// Most clients get no request of ours, so they send no response.
const mailboxes = lazyImport(() => import('../../state/mailbox.ts'))

// On most servers everything exists for every caller.
const catalogs = lazyImport(() => import('../catalog.ts'))

type LegacyBody = Extract<Classified, { kind: 'legacy' }>

export { handleDelete } from './session.ts'

export async function handleLegacyPost(
  server: Server,
  incoming: IncomingRequest,
  { messages, batch }: LegacyBody,
): Promise<Response> {
  const requests: JsonRpcRequest[] = []
  for (const one of messages) if (one.kind === 'request') requests.push(one.message)
  const [first] = requests
  if (requests.some(({ method }) => method === 'initialize')) {
    if (!batch && first) {
      return observedResponse(server, incoming, first, () => initialize(server, incoming, first))
    }
    const why = 'initialize cannot be part of a batch'
    return errorResponse(status.BAD_REQUEST, null, invalidRequest(why))
  }
  const id = batch ? null : (first?.id ?? null)
  const session = await requireSession(server, incoming, id)
  if (session instanceof Response) return session
  const { revision } = session.data
  incoming.record.revision = revision
  if (batch && !has.batches(revision)) {
    const why = `batches do not exist in ${revision}`
    return errorResponse(status.BAD_REQUEST, null, invalidRequest(why))
  }
  if (requests.length < messages.length) {
    const refusal = await handleNonRequests(server, incoming.owner, session, messages)
    if (refusal) return refusal
  }
  if (requests.length === 0) return accepted()
  const registryOf =
    server.registry.selective.size > 0
      ? await (await catalogs()).legacyCatalogs(server, incoming, session, requests)
      : () => server.registry
  // Without a session no stream can be resumed, so its events are not kept.
  const priming = has.priming(revision) && !session.transient
  return respond({
    server,
    incoming,
    batch,
    stream: {
      priming,
      onOpen: (stream, end) => server.readers.take(`${session.partition}/${stream}`, end),
      detaches: priming && incoming.platform.background !== false,
      eventLog: session.transient
        ? undefined
        : (deliver, lost) =>
            new EventLogWriter({
              ...server.eventLog,
              store: server.store,
              partition: session.partition,
              requests: requests.map(({ id: requestId }) => requestId),
              deliver,
              lost,
            }),
      // A lost connection is not a cancellation: the call goes on, and its events are kept for a client that resumes (B20).
      onGone: () => {},
    },
    createCalls: (stream) =>
      requests.map((given) => {
        const registry: Catalog = registryOf(given)
        const request = registry.unwrap?.(given) ?? given
        return new LegacyCall({ server, registry, incoming, session, request, stream })
      }),
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
    if (responses.length > 0) {
      const { deliverResponses } = await mailboxes()
      // A response to no open question is dropped, as it cannot be told apart from a late one.
      await deliverResponses(server.store, partition, responses, server.mailbox)
    }
  } catch (error) {
    if (error instanceof McpError) return errorResponse(status.BAD_REQUEST, null, error)
    throw error
  }
  if (cancelled.length === 0) return undefined
  await server.sessions.update(owner, id, ({ cancellations }) => ({
    cancellations: addCancellations(cancellations, cancelled),
  }))
  return undefined
}
