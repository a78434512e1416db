/** `subscriptions/listen` of 2026-07-28. */

import type { Catalog } from '../../handlers/registry.ts'
import { isObject } from '../../lib/is-object.ts'
import { catalogFor } from '../../protocol/catalog.ts'
import { invalidParams, methodNotFound } from '../../protocol/errors.ts'
import type { JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { notificationMessage, resultMessage } from '../../protocol/jsonrpc.ts'
import { findResource } from '../../protocol/resources-read.ts'
import { LONGEST_FOLLOWED, MOST_FOLLOWED } from '../../protocol/resources-subscribe.ts'
import { writeResult } from '../../protocol/results.ts'
import { MODERN_REVISIONS } from '../../protocol/revisions.ts'
import { capabilities } from '../../protocol/server-discover.ts'
import type { Server } from '../../server.ts'
import { modernCaller } from '../catalog.ts'
import { changeStream } from '../change-stream.ts'
import type { Envelope } from '../classify.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import type { Interest } from '../listener.ts'
import { Listener } from '../listener.ts'
import { META } from '../meta.ts'
import { sseEvent } from '../sse.ts'

/** `subscriptions/listen` (A.6): first what the server honours, then the changes, in the end the result. */
export async function listen(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  envelope: Envelope,
): Promise<Response> {
  const { id, params: { notifications } = {} } = request
  if (!server.listening) throw methodNotFound('subscriptions/listen')
  if (!isObject(notifications)) throw invalidParams('params.notifications must be an object')
  if (!incoming.accepts.stream) {
    throw invalidParams('subscriptions/listen needs Accept: text/event-stream')
  }
  const caller = modernCaller(incoming, envelope)
  const listener = new Listener(server, caller)
  const catalog = await catalogFor(server, caller, request)
  const offered = capabilities(server, MODERN_REVISIONS[0])
  const interest: Interest = {
    tools: notifications.toolsListChanged === true && 'tools' in offered,
    prompts: notifications.promptsListChanged === true && 'prompts' in offered,
    resources: notifications.resourcesListChanged === true && 'resources' in offered,
    uris: existing(catalog, notifications.resourceSubscriptions),
  }
  const meta = { [META.subscription]: id }
  // Taken before the acknowledgement, so that no change falls between it and the first read.
  const cursor = await server.changes.now()
  return changeStream(server, incoming, {
    cursor,
    firstEvent: sseEvent(
      notificationMessage('notifications/subscriptions/acknowledged', {
        _meta: meta,
        notifications: {
          ...(interest.tools && { toolsListChanged: true }),
          ...(interest.prompts && { promptsListChanged: true }),
          ...(interest.resources && { resourcesListChanged: true }),
          ...(interest.uris.size > 0 && { resourceSubscriptions: [...interest.uris] }),
        },
      }),
    ),
    async deliver(batch) {
      const messages = await listener.toNotifications(batch, interest, meta)
      return messages.map((message) => sseEvent(message)).join('')
    },
    finalEvent: () =>
      sseEvent(resultMessage(id, writeResult({ server, era: 'modern' }, { _meta: meta }))),
  })
}

/** Those of the requested URIs that exist, as many as one client may follow. */
function existing(catalog: Catalog, uris: unknown): Set<string> {
  const found = new Set<string>()
  if (!Array.isArray(uris)) return found
  let length = 0
  for (const uri of uris.slice(0, MOST_FOLLOWED)) {
    if (typeof uri !== 'string') continue
    length += uri.length
    if (length > LONGEST_FOLLOWED) break
    // A resource that does not exist cannot change.
    if (findResource(catalog, uri)) found.add(uri)
  }
  return found
}
