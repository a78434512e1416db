/** A stream that tells a client what changed: the part that both eras share. */
import type { Server } from '../server.ts'
import type { ChangeBatch } from '../state/change-log.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { longLivedStream } from './long-lived-stream.ts'

/**
 * A stream that sends the server's changes until the client leaves, the server stops, or its time is up.
 * `deliver` returns the text of a batch, or false to end the stream. `finalEvent` is written when the
 * server ends it.
 */
export function changeStream(
  server: Server,
  incoming: IncomingRequest,
  options: {
    /** A stream with a name has one reader, the newest. */
    name?: string
    cursor: number
    /** Written at once. */
    firstEvent: string
    deliver(batch: ChangeBatch): Promise<string | false> | string
    finalEvent(cursor: number): string
  },
): Response {
  return longLivedStream(server, incoming, options.name, async (connection, ended) => {
    let { cursor } = options
    connection.write(options.firstEvent)
    for await (const batch of server.changes.since(cursor, server.limits.keepAlive, ended)) {
      const text = await options.deliver(batch)
      if (text === false) return
      cursor = batch.cursor
      connection.write(text)
      if (text) await connection.drained(ended)
    }
    connection.write(options.finalEvent(cursor))
  })
}
