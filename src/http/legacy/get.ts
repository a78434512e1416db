/** GET of the 2025 revisions: resuming a call's stream, or listening to the server. */
import { lazyImport } from '../../lib/lazy-import.ts'
import { invalidRequest } from '../../protocol/errors.ts'
import { has } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import { eventId, parseEventId } from '../../state/event-log/event-log.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import { randomId } from '../../state/sessions.ts'
import { changeStream, toNotifications } from '../change-stream.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { longLivedStream } from '../long-lived-stream.ts'
import { errorResponse, methodNotAllowed } from '../responses.ts'
import { sseEvent, ssePriming } from '../sse.ts'
import * as status from '../status.ts'
import { requireSession, sessionNotFound } from './session.ts'

// Most streams are never resumed.
const eventLogReader = lazyImport(() => import('../../state/event-log/reader.ts'))
const suspendedCalls = lazyImport(() => import('./resume-suspended.ts'))

/** Name of the server's own stream in event ids; their numbers are cursors into the changes. */
const CHANGES = 'changes'

/** Milliseconds after which a client comes back to a stream that the server had to close. */
const RETRY_MS = 1_000

export async function handleGet(server: Server, incoming: IncomingRequest): Promise<Response> {
  const lastEventId = incoming.request.headers.get('last-event-id')
  const resumes = lastEventId !== null && parseEventId(lastEventId)?.stream !== CHANGES
  if (server.sessionIds === 'none' || (!resumes && !server.listening)) {
    return methodNotAllowed(server)
  }
  if (!incoming.accepts.stream) {
    return errorResponse(
      status.NOT_ACCEPTABLE,
      null,
      invalidRequest('Accept must allow text/event-stream'),
    )
  }
  const found = await requireSession(server, incoming, null)
  if (found instanceof Response) return found
  return resumes
    ? resume(server, incoming, found, lastEventId)
    : listenTo(server, incoming, found, lastEventId)
}

/** Sends what a stream held after an event, and what its call still sends on whichever instance runs it (B30–B32). */
async function resume(
  server: Server,
  incoming: IncomingRequest,
  session: Session<LegacySession>,
  lastEventId: string,
): Promise<Response> {
  const { partition, data } = session
  const { findStream, tail } = await eventLogReader()
  const found = await findStream(server.store, partition, lastEventId)
  if (!found) return sessionNotFound()
  // A client that gets an empty stream comes back for ever. No Content tells it that nothing follows.
  if (found.ended) return new Response(null, { status: status.STREAM_ENDED })
  const { suspended } = found
  if (suspended) {
    const { resumeSuspended } = await suspendedCalls()
    return resumeSuspended({ server, incoming, session, found, suspended })
  }
  const primes = has.priming(data.revision)
  return longLivedStream(
    server,
    incoming,
    `${partition}/${found.stream}`,
    async (connection, ended) => {
      // Without it, a client that is cut off before the first event would not know its place any more (B17).
      if (primes) connection.write(ssePriming(lastEventId))
      let last = lastEventId
      for await (const events of tail(server.store, partition, found, server.eventLog, ended)) {
        connection.write(events.map(({ id, data: message }) => sseEvent(message, id)).join(''))
        last = events.at(-1)?.id ?? last
        await connection.drained(ended)
      }
      // Only the connection ends here and not the stream, so the client is told when to come back (B26).
      if (ended.aborted && primes) connection.write(ssePriming(last, RETRY_MS))
    },
  )
}

/** The standalone stream. A newer one replaces it, as no message may go out on two (B27). */
async function listenTo(
  server: Server,
  incoming: IncomingRequest,
  { id, data }: Session<LegacySession>,
  lastEventId: string | null,
): Promise<Response> {
  const { owner } = incoming
  const listener = randomId()
  const cursor =
    (lastEventId === null ? undefined : parseEventId(lastEventId)?.seq) ??
    (await server.changes.now())
  if (!(await server.sessions.update(owner, id, () => ({ listener })))) return sessionNotFound()
  const primes = has.priming(data.revision)
  return changeStream(server, incoming, {
    name: `${owner}/${id}`,
    cursor,
    firstEvent: primes ? ssePriming(eventId(CHANGES, cursor)) : ': listening\n\n',
    async deliver(batch) {
      // The session is read each time, because another instance may have ended it or changed its subscriptions.
      const session = await server.sessions.find(owner, id)
      if (session?.data.listener !== listener) return false
      const uris = session.data.subscriptions ?? []
      const interest = { tools: true, prompts: true, resources: true, uris: new Set(uris) }
      const messages = toNotifications(batch, interest)
      const at = eventId(CHANGES, batch.cursor)
      // Messages of one batch share an id, so a client that resumes after it misses none of them.
      return messages
        .map((message, i) => sseEvent(message, i === messages.length - 1 ? at : undefined))
        .join('')
    },
    finalEvent: (last) => (primes ? ssePriming(eventId(CHANGES, last), RETRY_MS) : ''),
  })
}
