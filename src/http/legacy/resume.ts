/** GET with `Last-Event-ID`: a client comes back to the stream of a call. */
import { lazyImport } from '../../lib/lazy-import.ts'
import { has } from '../../protocol/revisions.ts'
import type { Server } from '../../server.ts'
import { findStream, tail } from '../../state/event-log/reader.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { longLivedStream } from '../long-lived-stream.ts'
import { sseEvent, ssePriming } from '../sse.ts'
import * as status from '../status.ts'
import { RETRY_MS, sessionNotFound } from './session.ts'

const suspendedCalls = lazyImport(() => import('./resume-suspended.ts'))

/** Sends what a stream held after an event, and what its call still sends on whichever instance runs it (B30–B32). */
export async function resume(
  server: Server,
  incoming: IncomingRequest,
  session: Session<LegacySession>,
  lastEventId: string,
): Promise<Response> {
  const { partition, data } = session
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
