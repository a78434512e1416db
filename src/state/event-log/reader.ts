/** The reading end of a resumable stream, on whichever instance its client comes back to. */
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { ChangeWaiter } from '../polling.ts'
import type { JsonValue, Store, StoredEntry, StoreKey } from '../store.ts'
import { StoreConflict } from '../store.ts'
import type { LoggedEvent, StreamEvent, StreamOptions } from './event-log.ts'
import { eventId, leaseKey, logKey, parseEventId, terminalErrors } from './event-log.ts'

/** A stream to be read from an event on, and the first that was read of it. */
export interface FoundStream {
  readonly stream: string
  readonly seq: number
  readonly entries: readonly StoredEntry[]
  /** The event was the last: nothing follows it. */
  readonly ended: boolean
}

/** Undefined when there is no such event in the partition. */
export async function findStream(
  store: Store,
  partition: string,
  lastEventId: string,
): Promise<FoundStream | undefined> {
  const at = parseEventId(lastEventId)
  if (!at) return undefined
  // from one before, so that the answer also tells whether the event named is there
  const from = Math.max(0, at.seq - 1)
  const entries = await store.read(logKey(partition, at.stream), from)
  if (entries[0]?.seq !== from + 1) return undefined
  const ended = entries.some(({ seq, value }) => seq === at.seq && (value as LoggedEvent).f)
  return { ...at, entries: entries.filter(({ seq }) => seq > at.seq), ended }
}

/**
 * What follows an event on its stream, batch by batch, up to the last message. When the owner gives
 * no sign of life for the time of the lease, this end closes the stream with an error in its place:
 * nobody waits for a dead instance, and a late owner finds the log closed to it.
 */
export async function* tail(
  store: Store,
  partition: string,
  found: FoundStream,
  options: StreamOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  if (found.ended) return
  const { stream } = found
  const { clock, lease } = options
  const log = logKey(partition, stream)
  const waiter = new ChangeWaiter(store)
  let { seq, entries } = found
  let quietSince = clock()
  /** The owner's sign of life when it was last looked for, by its version: clocks may differ by more than a lease. */
  let look: { at: number; sign: number | undefined } | undefined
  while (!signal.aborted) {
    const last = entries.at(-1)
    if (last) {
      const events = entries.flatMap(({ seq: at, value }) => {
        const { m } = value as LoggedEvent
        return m === undefined ? [] : [{ id: eventId(stream, at), data: m }]
      })
      if (events.length > 0) yield events
      if ((last.value as LoggedEvent).f) return
      seq = last.seq
      quietSince = clock()
      look = undefined
      waiter.reset()
    } else {
      await waiter.wait([{ key: log, after: seq }], signal, lease / 3)
    }
    const now = clock()
    if (now - (look?.at ?? quietSince) > (look ? lease : lease / 3)) {
      const sign = (await store.get(leaseKey(partition, stream)))?.version
      if (look && look.sign === sign) await closeAbandonedStream(store, log, options)
      look = { at: now, sign }
    }
    entries = await store.read(log, seq)
  }
}

/** Ends a stream whose owner is gone, with an error for each request it leaves unanswered. */
async function closeAbandonedStream(
  store: Store,
  log: StoreKey,
  { clock, retention }: StreamOptions,
): Promise<void> {
  const entries = await store.read(log, 0)
  const kept = entries.map(({ value }) => value as LoggedEvent)
  if (kept.some(({ f }) => f)) return
  const answered = new Set(kept.map(({ m }) => m && (JSON.parse(m) as { id?: RequestId }).id))
  const open = kept.flatMap(({ r }) => r ?? []).filter((id) => !answered.has(id))
  try {
    await store.append(
      log,
      entries.at(-1)?.seq ?? 0,
      terminalErrors(open, 'The instance that ran this call has ended') as JsonValue[],
      { expiresAt: clock() + retention },
    )
  } catch (error) {
    // the owner wrote after all, or another reader was first: the next read tells
    if (!(error instanceof StoreConflict)) throw error
  }
}
