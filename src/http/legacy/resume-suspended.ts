/** GET of a suspended call: its client comes back, and with all answers the handler runs again (B26, B32). */
import { LATE, notAnswered, withdrawalMessage } from '../../client-requests/stream-requester.ts'
import type { Catalog } from '../../handlers/registry.ts'
import type { JsonRpcRequest } from '../../protocol/jsonrpc.ts'
import { findResource } from '../../protocol/resources-read.ts'
import { requireScopes } from '../../protocol/scopes.ts'
import type { Server } from '../../server.ts'
import { isCancelled } from '../../state/cancellations.ts'
import { eventId, logKey } from '../../state/event-log/event-log.ts'
import type { FoundStream } from '../../state/event-log/reader.ts'
import { toEvents } from '../../state/event-log/reader.ts'
import { EventLogWriter } from '../../state/event-log/writer.ts'
import { readResponses } from '../../state/questions.ts'
import type { LegacySession, Session } from '../../state/sessions.ts'
import type { JsonValue } from '../../state/store.ts'
import { StoreConflict } from '../../state/store.ts'
import type { CallStream } from '../call-stream.ts'
import { legacyCatalogs } from '../catalog.ts'
import { respond } from '../dispatch.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { SSE_HEADERS, sseEvent, ssePriming } from '../sse.ts'
import * as status from '../status.ts'
import { LegacyCall } from './legacy-call.ts'
import type { SuspendedCall } from './suspended-call.ts'

/** Milliseconds until a client comes back: a quarter of the time that it has waited, within bounds. */
const SOONEST = 1_000
const LATEST = 15_000

export interface ResumeOptions {
  readonly server: Server
  readonly incoming: IncomingRequest
  readonly session: Session<LegacySession>
  readonly found: FoundStream
  readonly suspended: NonNullable<FoundStream['suspended']>
}

export async function resumeSuspended(options: ResumeOptions): Promise<Response> {
  const { server, session, found, suspended } = options
  const { partition, data } = session
  const left = suspended.left as unknown as SuspendedCall
  const { request, open, cancellations, since, until } = left
  if (isCancelled(data.cancellations, request.id, cancellations)) {
    // Nothing may follow a cancellation, so the client is told that it need not come back (B52).
    await claim(options, { f: true })
    return new Response(null, { status: status.STREAM_ENDED })
  }
  const registry = (await legacyCatalogs(server, options.incoming, session, [request]))(request)
  requireRights(registry, request, options.incoming)
  const now = server.clock()
  const questions = open.map(({ id }) => id)
  const responses = await readResponses(server.store, partition, request.id, questions)
  const isReady = responses.size === open.length || now >= until
  const seq = isReady && !server.stopped ? await claim(options, { r: [request.id] }) : undefined
  if (seq !== undefined) return run({ ...options, registry }, left, responses, seq)
  const retry = Math.min(Math.max((now - since) / 4, SOONEST), LATEST)
  const priming = ssePriming(eventId(found.stream, suspended.seq), Math.round(retry))
  return new Response(missedBy(found) + priming, { headers: SSE_HEADERS })
}

const missedBy = ({ stream, entries }: FoundStream) =>
  toEvents(stream, entries)
    .map(({ id, data }) => sseEvent(data, id))
    .join('')

/**
 * The rights of the caller as they are now. Checked before the response begins, which may be a challenge.
 * What is hidden from the caller by now is left to its method, which answers that it is unknown.
 */
function requireRights(
  registry: Catalog,
  { method, params = {} }: JsonRpcRequest,
  incoming: IncomingRequest,
): void {
  const { name, uri } = params
  const item =
    method === 'tools/call'
      ? registry.tools.get(`${name}`)
      : method === 'prompts/get'
        ? registry.prompts.get(`${name}`)
        : findResource(registry, `${uri}`)?.resource
  if (item) requireScopes(incoming, item)
}

/**
 * Appends the entry after the one that the run has left, which only one instance can do. Returns its
 * number, or undefined when another instance was first.
 */
async function claim(
  { server, session, found, suspended }: ResumeOptions,
  entry: { readonly f: true } | { readonly r: readonly (string | number)[] },
): Promise<number | undefined> {
  const { clock, retention } = server.eventLog
  const log = logKey(session.partition, found.stream)
  try {
    return await server.store.append(log, suspended.seq, [entry as JsonValue], {
      expiresAt: clock() + retention,
    })
  } catch (error) {
    if (error instanceof StoreConflict) return undefined
    throw error
  }
}

/** Runs the handler again with the answers, on the same stream. */
function run(
  { server, registry, incoming, session, found }: ResumeOptions & { readonly registry: Catalog },
  { request, run: recorded, open, progress }: SuspendedCall,
  responses: ReadonlyMap<string, JsonValue>,
  seq: number,
): Response | Promise<Response> {
  const { partition } = session
  const { stream: name } = found
  const answers = { ...recorded.answers }
  for (const { key, id } of open) {
    answers[key] = responses.get(id) ?? { failed: notAnswered(server.limits.answer) }
  }
  const createCalls = (stream: CallStream) => {
    for (const { id } of open) {
      if (!responses.has(id)) stream.notify(withdrawalMessage(id, LATE))
    }
    const call: LegacyCall = new LegacyCall({
      server,
      registry,
      incoming,
      session,
      request,
      before: { run: { ...recorded, answers }, progress },
      stream: {
        // The client has got these notifications from an earlier run.
        notify: (message) => call.repeats || stream.notify(message),
        request: (message) => stream.request(message),
        set waiting(waiting: boolean) {
          stream.waiting = waiting
        },
        disconnect: (retryMs) => stream.disconnect(retryMs),
        suspend: (left) => stream.suspend(left),
      },
    })
    return [call]
  }
  return respond({
    server,
    incoming,
    batch: false,
    stream: {
      missed: missedBy(found) + ssePriming(eventId(name, seq), SOONEST),
      onOpen: (stream, end) => server.readers.take(`${partition}/${stream}`, end),
      detaches: incoming.platform.background !== false,
      eventLog: (deliver, lost) =>
        new EventLogWriter({
          ...server.eventLog,
          store: server.store,
          partition,
          requests: [request.id],
          deliver,
          lost,
          after: { stream: name, seq },
        }),
      onGone: () => {},
    },
    createCalls,
  })
}
