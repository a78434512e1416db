/** A stream that tells a client what changed: the part that both eras share. */
import { notificationMessage } from '../protocol/jsonrpc.ts'
import type { Server } from '../server.ts'
import type { Change, ChangeBatch } from '../state/change-log.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { longLivedStream } from './long-lived-stream.ts'

/** What a listener wants to hear of. */
export interface Interest {
  readonly tools: boolean
  readonly prompts: boolean
  readonly resources: boolean
  readonly uris: readonly string[]
}

/** News as notifications of the protocol; `_meta` is put on each. A listener that missed something hears of everything. */
export function toNotifications(news: ChangeBatch, interest: Interest, meta?: object): string[] {
  const all: Change[] = [
    { kind: 'tools' },
    { kind: 'prompts' },
    { kind: 'resources' },
    ...interest.uris.map((uri) => ({ kind: 'resource' as const, uri })),
  ]
  const _meta = meta && { _meta: meta }
  return (news.gap ? all : news.changes).flatMap((change) => {
    if (change.kind === 'resource') {
      if (!interest.uris.includes(change.uri)) return []
      return notificationMessage('notifications/resources/updated', { uri: change.uri, ..._meta })
    }
    if (!interest[change.kind]) return []
    return notificationMessage(`notifications/${change.kind}/list_changed`, _meta || undefined)
  })
}

/**
 * A stream that tails the server's changes until the client leaves, the server stops, or its time is
 * up. `deliver` may end it by returning false; `farewell` is written when it is the server that ends it.
 */
export function changeStream(
  server: Server,
  incoming: IncomingRequest,
  options: {
    cursor: number
    /** Written at once. */
    firstEvent: string
    deliver(news: ChangeBatch): Promise<string | false> | string
    finalEvent(cursor: number): string
  },
): Response {
  return longLivedStream(server, incoming, async (connection, ended) => {
    let { cursor } = options
    connection.write(options.firstEvent)
    for await (const news of server.changes.since(cursor, server.limits.keepAlive, ended)) {
      const text = await options.deliver(news)
      if (text === false) return
      cursor = news.cursor
      connection.write(text)
    }
    connection.write(options.finalEvent(cursor))
  })
}
