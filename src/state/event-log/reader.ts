/** The reading end of a resumable stream, on whichever instance its client comes back to. */
import { lazyImport } from '../../lib/lazy-import.ts'
import { ChangeWaiter } from '../polling.ts'
import type { JsonValue, Store, StoredEntry, TypedStore } from '../store.ts'
import type { LoggedEvent, StreamEvent, StreamOptions } from './event-log.ts'
import { eventId, logKey, parseEventId } from './event-log.ts'
import type { OwnerWatch } from './owner-watch.ts'

// Most streams that are resumed have ended or soon go on.
const ownerWatch = lazyImport(() => import('./owner-watch.ts'))

/** Entries of the first page that is read. The next pages have as many as fit into {@link PAGE_LENGTH}. */
const FIRST_PAGE = 8
const LARGEST_PAGE = 500
/** Characters of one page. */
const PAGE_LENGTH = 256 * 1024

/** Parts of the lease: a shorter pause notices sooner that a whole host was suspended. */
const PAUSES_OF_A_LEASE = 6

/** A stream to be read from an event on, and the first page after that event. */
export interface FoundStream {
  readonly stream: string
  readonly seq: number
  readonly entries: readonly StoredEntry<LoggedEvent>[]
  /** The stream has ended, and no message follows the event. */
  readonly ended: boolean
  /** What a suspended call has left at the end of the stream, and that entry. */
  readonly suspended: { readonly seq: number; readonly left: JsonValue } | undefined
}

/** Undefined when there is no such event in the partition. */
export async function findStream(
  store: Store,
  partition: string,
  lastEventId: string,
): Promise<FoundStream | undefined> {
  const at = parseEventId(lastEventId)
  if (!at) return undefined
  // The entry before is read as well, because it tells whether the event exists.
  const from = Math.max(0, at.seq - 1)
  const found = await (store as TypedStore).read<LoggedEvent>(
    logKey(partition, at.stream),
    from,
    FIRST_PAGE,
  )
  if (found[0]?.seq !== from + 1) return undefined
  const entries = found.filter(({ seq }) => seq > at.seq)
  const ended =
    found.some(({ value }) => value.f) && entries.every(({ value }) => value.m === undefined)
  const last = found.at(-1)
  const suspended =
    last?.value.s !== undefined && found.length < FIRST_PAGE
      ? { seq: last.seq, left: last.value.s }
      : undefined
  return { ...at, entries, ended, suspended }
}

/**
 * What follows an event on its stream, page by page, up to the last message. A page is read only when
 * the one before was taken. When the owner gives no sign of life for the time of the lease, this end
 * closes the stream with an error, so that no client waits for a dead instance.
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
  const log = logKey(partition, stream)
  const waiter = new ChangeWaiter(store)
  let owner: OwnerWatch | undefined
  const pause = options.lease / PAUSES_OF_A_LEASE
  let { seq, entries } = found
  let limit = FIRST_PAGE
  /** Whether the last entry that was read is what a suspended call has left. */
  let suspended = found.suspended !== undefined
  while (!signal.aborted) {
    const last = entries.at(-1)
    if (last) {
      owner?.reset()
      const events = toEvents(stream, entries)
      if (events.length > 0) yield events
      if (last.value.f) return
      suspended = last.value.s !== undefined
      seq = last.seq
      limit = nextLimit(limit, events)
      waiter.reset()
    } else if (suspended) {
      // No instance runs the call. The client comes back from here, and then the answers are looked for.
      yield [{ id: eventId(stream, seq), data: '' }]
      return
    } else {
      owner ??= new (await ownerWatch()).OwnerWatch(store, partition, stream, options)
      const startedAt = performance.now()
      await waiter.wait([{ key: log, after: seq }], signal, owner.nextPause(pause))
      // A frozen process and a suspended host see no more than the pause that they meant to make.
      await owner.observe(seq, Math.min(performance.now() - startedAt, pause))
    }
    entries = await (store as TypedStore).read<LoggedEvent>(log, seq, limit)
  }
  await owner?.remember(seq)
}

export function toEvents(
  stream: string,
  entries: readonly StoredEntry<LoggedEvent>[],
): StreamEvent[] {
  return entries.flatMap(({ seq, value: { m } }) =>
    m === undefined ? [] : [{ id: eventId(stream, seq), data: m }],
  )
}

/** Entries of the next page: at most twice as many, and as many as fit. */
function nextLimit(limit: number, events: readonly StreamEvent[]): number {
  const length = events.reduce((sum, { data }) => sum + data.length, 0)
  const fitting = Math.floor((PAGE_LENGTH * Math.max(events.length, 1)) / Math.max(length, 1))
  return Math.max(1, Math.min(limit * 2, fitting, LARGEST_PAGE))
}
