/** GET without a stream to resume: a client listens to the server. */
import { has } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import { eventId, parseEventId } from '../../state/event-log/event-log.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import { randomId } from '../../state/sessions.ts'
import { legacyCaller } from '../catalog.ts'
import { changeStream } from '../change-stream.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { Listener } from '../listener.ts'
import { sseEvent, ssePriming } from '../sse.ts'
import { CHANGES, RETRY_MS, sessionNotFound } from './session.ts'

/** The standalone stream. A newer one replaces it, as no message may go out on two (B27). */
export async function listenTo(
  server: Server,
  incoming: IncomingRequest,
  found: Session<LegacySession>,
  lastEventId: string | null,
): Promise<Response> {
  const { id, data } = found
  const { owner } = incoming
  const notes = new Listener(server, legacyCaller(incoming, found))
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
      const messages = await notes.toNotifications(batch, interest)
      const at = eventId(CHANGES, batch.cursor)
      // Messages of one batch share an id, so a client that resumes after it misses none of them.
      return messages
        .map((message, i) => sseEvent(message, i === messages.length - 1 ? at : undefined))
        .join('')
    },
    finalEvent: (last) => (primes ? ssePriming(eventId(CHANGES, last), RETRY_MS) : ''),
  })
}
