/** A stream that outlasts its request's work: it ends when the client leaves, the server stops, or its time is up. */
import { describe } from '../handlers/internal-error.ts'
import type { Server } from '../server.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { endOfStream } from './incoming-request.ts'
import { SSE_HEADERS } from './sse.ts'
import { SseConnection } from './sse-connection.ts'

/**
 * Feeds a connection until `feed` is done or `ended` aborts; `feed` then writes the final event. When it
 * fails, the connection just closes: a client that loses the stream reconnects, which is better than
 * waiting in vain.
 *
 * A stream has one reader in this process: a newer one with the same `name` disconnects the older.
 */
export function longLivedStream(
  server: Server,
  incoming: IncomingRequest,
  name: string | undefined,
  feed: (connection: SseConnection, ended: AbortSignal) => Promise<void>,
): Response {
  const ended = new AbortController()
  const end = () => ended.abort()
  const connection = new SseConnection(server.limits, end)
  // A server that stops ends the new connection at once, so the older one keeps the stream.
  const release = name && !server.stopped && server.readers.take(name, () => connection.breakOff())
  const now = server.clock()
  const time = endOfStream(incoming, now, server.limits.listen) - now
  const timer = setTimeout(end, Math.max(0, time))
  server.longLivedStreams.add(end)
  if (server.stopped) end()
  // Where the app is called without an adapter, only the request's signal tells that the client has left.
  incoming.request.signal.addEventListener('abort', end)
  void feed(connection, ended.signal)
    .catch((error) => {
      server.log({ level: 'error', message: 'a long-lived stream failed', error: describe(error) })
    })
    .finally(() => {
      connection.close()
      if (release) release()
      clearTimeout(timer)
      server.longLivedStreams.delete(end)
      incoming.request.signal.removeEventListener('abort', end)
    })
  return new Response(connection.body, { headers: SSE_HEADERS })
}
