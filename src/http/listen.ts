/** Streams of news: `subscriptions/listen` of 2026, and the standalone GET of 2025. */
import { invalidParams, methodNotFound } from '../protocol/errors.ts'
import type { Params, RequestId } from '../protocol/jsonrpc.ts'
import { isObject, notificationMessage, resultMessage } from '../protocol/jsonrpc.ts'
import { capabilities } from '../protocol/methods.ts'
import { LONGEST_FOLLOWED, MOST_FOLLOWED, requireResource } from '../protocol/resources.ts'
import { writeResult } from '../protocol/results.ts'
import type { Server } from '../server.ts'
import type { Change, News } from '../state/changes.ts'
import type { Incoming } from './incoming.ts'
import { lastingStream } from './lasting.ts'
import { META } from './meta.ts'
import { sseEvent } from './sse.ts'

/** What a listener wants to hear of. */
export interface Interest {
  readonly tools: boolean
  readonly prompts: boolean
  readonly resources: boolean
  readonly uris: readonly string[]
}

/** News as notifications of the protocol; `_meta` is put on each. A listener that missed something hears of everything. */
export function toNotifications(news: News, interest: Interest, meta?: object): string[] {
  const all: Change[] = [
    { kind: 'tools' },
    { kind: 'prompts' },
    { kind: 'resources' },
    ...interest.uris.map((uri) => ({ kind: 'resource' as const, uri })),
  ]
  const _meta = meta && { _meta: meta }
  return (news.missed ? all : news.changes).flatMap((change) => {
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
export function newsStream(
  server: Server,
  incoming: Incoming,
  options: {
    cursor: number
    /** Written at once. */
    greeting: string
    deliver(news: News): Promise<string | false> | string
    farewell(cursor: number): string
  },
): Response {
  return lastingStream(server, incoming, async (connection, ended) => {
    let { cursor } = options
    connection.write(options.greeting)
    for await (const news of server.changes.since(cursor, server.limits.keepAlive, ended)) {
      const text = await options.deliver(news)
      if (text === false) return
      cursor = news.cursor
      connection.write(text)
    }
    connection.write(options.farewell(cursor))
  })
}

/** `subscriptions/listen` (A.6): what is honoured first, then news, in the end the result. */
export async function listen(
  server: Server,
  incoming: Incoming,
  id: RequestId,
  { notifications }: Params,
): Promise<Response> {
  if (!server.listening) throw methodNotFound('subscriptions/listen')
  if (!isObject(notifications)) throw invalidParams('params.notifications must be an object')
  if (!incoming.accepts.stream) {
    throw invalidParams('subscriptions/listen needs Accept: text/event-stream')
  }
  const offered = capabilities(server, 'modern')
  const interest: Interest = {
    tools: notifications.toolsListChanged === true && 'tools' in offered,
    prompts: notifications.promptsListChanged === true && 'prompts' in offered,
    resources: notifications.resourcesListChanged === true && 'resources' in offered,
    uris: existing(server, notifications.resourceSubscriptions),
  }
  const meta = { [META.subscription]: id }
  // from before the acknowledgement, so that nothing falls between it and the first look
  const cursor = await server.changes.now()
  return newsStream(server, incoming, {
    cursor,
    greeting: sseEvent(
      notificationMessage('notifications/subscriptions/acknowledged', {
        _meta: meta,
        notifications: {
          ...(interest.tools && { toolsListChanged: true }),
          ...(interest.prompts && { promptsListChanged: true }),
          ...(interest.resources && { resourcesListChanged: true }),
          ...(interest.uris.length > 0 && { resourceSubscriptions: interest.uris }),
        },
      }),
    ),
    deliver: (news) =>
      toNotifications(news, interest, meta)
        .map((message) => sseEvent(message))
        .join(''),
    farewell: () => sseEvent(resultMessage(id, writeResult(server, 'modern', { _meta: meta }))),
  })
}

/** As many as one listener may follow, of those that there are. */
function existing(server: Server, uris: unknown): string[] {
  if (!Array.isArray(uris)) return []
  const found: string[] = []
  let length = 0
  for (const uri of uris.slice(0, MOST_FOLLOWED)) {
    if (typeof uri !== 'string') continue
    length += uri.length
    if (length > LONGEST_FOLLOWED) break
    try {
      requireResource(server, 'modern', uri)
      found.push(uri)
    } catch {
      // what is not there cannot change
    }
  }
  return found
}
