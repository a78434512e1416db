/** A stream that outlasts its request's work: it ends when the client leaves, the server stops, or its time is up. */
import { describe } from '../handlers/run-handler.ts'
import type { Server } from '../server.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { endOfStream } from './incoming-request.ts'
import { SSE_HEADERS, SseConnection } from './sse.ts'

/**
 * Feeds a connection until `feed` is done or `ended` aborts; `feed` then writes its last words. When
 * it fails, the connection just closes: a client that loses the stream comes back, which is better
 * than one that waits in vain.
 */
export function longLivedStream(
  server: Server,
  incoming: IncomingRequest,
  feed: (connection: SseConnection, ended: AbortSignal) => Promise<void>,
): Response {
  const ended = new AbortController()
  const end = () => ended.abort()
  const connection = new SseConnection(server.limits.keepAlive, end)
  const now = server.clock()
  const time = endOfStream(incoming, now, server.limits.listen) - now
  const timer = setTimeout(end, Math.max(0, time))
  server.longLivedStreams.add(end)
  if (server.stopped) end()
  // where the app is called without a door, nobody else would tell that the client has left
  incoming.request.signal.addEventListener('abort', end)
  void feed(connection, ended.signal)
    .catch((error) => {
      server.log({ level: 'error', message: 'a lasting stream failed', error: describe(error) })
    })
    .finally(() => {
      connection.close()
      clearTimeout(timer)
      server.longLivedStreams.delete(end)
      incoming.request.signal.removeEventListener('abort', end)
    })
  return new Response(connection.body, { headers: SSE_HEADERS })
}
