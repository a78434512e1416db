/** A stream that tells a client what changed: the part that both eras share. */
import { notificationMessage } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'
import type { Change, ChangeBatch } from '../state/change-log.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { longLivedStream } from './long-lived-stream.ts'

/** The changes that a client listens to. */
export interface Interest {
  readonly tools: boolean
  readonly prompts: boolean
  readonly resources: boolean
  readonly uris: ReadonlySet<string>
}

/** Changes as notifications, each with `_meta`. After a gap everything the client listens to counts as changed. */
export function toNotifications(
  { changes, gap }: ChangeBatch,
  interest: Interest,
  meta?: object,
): string[] {
  const _meta = meta && { _meta: meta }
  return (gap ? everything(interest) : changes).flatMap((change) => {
    if (change.kind === 'resource') {
      if (!interest.uris.has(change.uri)) return []
      return notificationMessage('notifications/resources/updated', { uri: change.uri, ..._meta })
    }
    if (!interest[change.kind]) return []
    return notificationMessage(`notifications/${change.kind}/list_changed`, _meta || undefined)
  })
}

function everything({ uris }: Interest): Change[] {
  return [
    { kind: 'tools' },
    { kind: 'prompts' },
    { kind: 'resources' },
    ...Array.from(uris, (uri) => ({ kind: 'resource' as const, uri })),
  ]
}

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
