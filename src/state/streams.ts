/** Resumable streams: a call's events in a log, written before they are sent, and read by any instance. */

import { code, errorMessage, McpError } from '../protocol/errors.ts'
import type { RequestId } from '../protocol/jsonrpc.ts'
import { Patience } from './patience.ts'
import { randomId } from './sessions.ts'
import type { Entry, Json, Key, Store } from './store.ts'
import { Conflict, ValueTooLarge } from './store.ts'

/** One event as it goes out: `id` is undefined where it could not be kept, and so cannot be resumed from. */
export interface StreamEvent {
  readonly id: string | undefined
  /** A JSON-RPC message as text; empty for the event that only carries an id. */
  readonly data: string
}

export interface StreamOptions {
  /** Milliseconds that events can be asked for again. */
  retention: number
  /** Milliseconds without a sign of life after which the owner of a stream counts as dead. */
  lease: number
  /** Events kept of one stream; later ones but the last are sent live only. */
  maxEvents: number
  /** Characters of events kept of one stream; as above. */
  maxLength: number
  clock: () => number
}

/** Gets what may be sent now: it is durable, or never will be and has no id. */
export type Deliver = (events: StreamEvent[]) => void

/** A log entry: a message; the last message (`f`); or the opening, with the ids of the requests to answer. */
type Kept = { readonly m?: string; readonly f?: true; readonly r?: readonly RequestId[] }

/** Characters gathered into one write, well below what an engine takes as one item. */
const BATCH_LENGTH = 100_000

const logKey = (partition: string, stream: string): Key => [partition, `stream/${stream}`]
const leaseKey = (partition: string, stream: string): Key => [partition, `lease/${stream}`]

export function eventId(stream: string, seq: number): string {
  return `${stream}.${seq}`
}

export function parseEventId(id: string): { stream: string; seq: number } | undefined {
  const found = /^([\w-]{1,64})\.(\d{1,15})$/.exec(id)
  return found?.[1] ? { stream: found[1], seq: Number(found[2]) } : undefined
}

/**
 * The writing end of one call's stream. Events are gathered while a write is under way, so that one
 * write carries many, and handed on only when they are durable.
 */
export class Journal {
  readonly id = randomId()
  readonly #store: Store
  readonly #partition: string
  readonly #options: StreamOptions
  readonly #deliver: Deliver
  readonly #lost: () => void
  readonly #requests: readonly RequestId[]
  #queue: Kept[]
  #seq = 0
  #length = 0
  #flushing: Promise<void> | undefined
  #lease: ReturnType<typeof setTimeout> | undefined
  #state: 'kept' | 'unkept' | 'lost' = 'kept'

  /** `deliver` gets what may be sent; `lost` is called when another instance has ended the stream. */
  constructor(
    store: Store,
    partition: string,
    requests: readonly RequestId[],
    options: StreamOptions,
    deliver: Deliver,
    lost: () => void,
  ) {
    this.#requests = requests
    this.#queue = [{ r: requests }]
    this.#store = store
    this.#partition = partition
    this.#options = options
    this.#deliver = deliver
    this.#lost = lost
    this.#renewLease()
  }

  /** Id to resume from the very beginning with. */
  get firstId(): string {
    return eventId(this.id, 0)
  }

  /** Id that stands for everything kept so far. */
  get lastId(): string {
    return eventId(this.id, this.#seq)
  }

  push(message: string): void {
    this.#queue.push({ m: message })
  }

  /** Resolves when everything queued is durable and delivered. */
  flush(): Promise<void> {
    this.#flushing ??= this.#drain()
    return this.#flushing
  }

  /** The last messages: nothing can follow them. None at all ends the stream without an answer. */
  async end(messages: readonly string[]): Promise<void> {
    for (const message of messages.slice(0, -1)) this.push(message)
    const last = messages.at(-1)
    this.#queue.push({ ...(last !== undefined && { m: last }), f: true })
    await this.flush()
    this.abandon()
  }

  async #drain(): Promise<void> {
    await null // a caller's whole turn goes into one write
    while (this.#queue.length > 0) {
      const batch = this.#take()
      if (this.#state === 'lost') continue
      const kept = this.#state === 'kept' && this.#withinBounds(batch)
      const first = kept ? await this.#append(batch) : undefined
      this.#deliver(
        batch.flatMap(({ m }, i) =>
          m === undefined
            ? []
            : [{ id: first === undefined ? undefined : eventId(this.id, first + i), data: m }],
        ),
      )
    }
    this.#flushing = undefined
  }

  #take(): Kept[] {
    let length = 0
    let count = 0
    for (const { m } of this.#queue) {
      length += m?.length ?? 0
      if (count > 0 && length > BATCH_LENGTH) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  /** Past its bounds a stream keeps only its last message. */
  #withinBounds(batch: Kept[]): boolean {
    for (const { m } of batch) this.#length += m?.length ?? 0
    const { maxEvents, maxLength } = this.#options
    return (
      batch.some(({ f }) => f) ||
      (this.#seq + batch.length <= maxEvents && this.#length <= maxLength)
    )
  }

  /**
   * The first sequence number of the batch, or undefined when it could not be kept. Never rejects:
   * nobody waits for most of the writes. `substitute` says that it stands for a batch too large.
   */
  async #append(batch: Kept[], substitute = false): Promise<number | undefined> {
    try {
      const first = this.#seq + 1
      this.#seq = await this.#write(batch)
      return first
    } catch (error) {
      if (error instanceof ValueTooLarge && !substitute) {
        // one message larger than an item: whoever resumes here is told so instead of waiting
        const ended = batch.some(({ f }) => f)
        await this.#append(
          [
            { r: this.#requests },
            ...(ended ? lastWords(this.#requests, 'The result was too large to be kept') : []),
          ],
          true,
        )
        return undefined
      }
      if (error instanceof Conflict) {
        this.#state = 'lost'
        clearTimeout(this.#lease)
        this.#lost()
        return undefined
      }
      // the store is down: the client that is there gets its events, but none that it could resume from
      this.#state = 'unkept'
      return undefined
    }
  }

  #write(batch: Kept[]): Promise<number> {
    const { clock, retention } = this.#options
    return this.#store.append(logKey(this.#partition, this.id), this.#seq, batch as Json[], {
      expiresAt: clock() + retention,
    })
  }

  /** A call shorter than a third of the lease writes none: its events are sign enough. */
  #renewLease(): void {
    const { lease, retention, clock } = this.#options
    this.#lease = setTimeout(async () => {
      try {
        // kept beyond the lease: readers go by its version, not by when it would expire on their clock
        await this.#store.put(leaseKey(this.#partition, this.id), true, {
          expiresAt: clock() + retention,
        })
      } catch {
        // the next renewal tries again; two may be missed before anybody takes the stream for dead
      }
      if (this.#state === 'kept') this.#renewLease()
    }, lease / 3)
  }

  /** Stops renewing, also where a renewal is under way: after the last message, or without one. */
  abandon(): void {
    this.#state = 'lost'
    clearTimeout(this.#lease)
  }
}

/** Errors that answer the requests which nothing else will answer; the last of them ends the stream. */
function lastWords(requests: readonly RequestId[], message: string): Kept[] {
  return requests.map((id, i) => ({
    m: errorMessage(id, new McpError(code.internal, message)),
    ...(i === requests.length - 1 && { f: true as const }),
  }))
}

/** A stream to be read from an event on, and the first that was read of it. */
export interface FoundStream {
  readonly stream: string
  readonly seq: number
  readonly entries: readonly Entry[]
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
  const ended = entries.some(({ seq, value }) => seq === at.seq && (value as Kept).f)
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
  const patience = new Patience(store)
  let { seq, entries } = found
  let quietSince = clock()
  /** The owner's sign of life when it was last looked for, by its version: clocks may differ by more than a lease. */
  let look: { at: number; sign: number | undefined } | undefined
  while (!signal.aborted) {
    const last = entries.at(-1)
    if (last) {
      const events = entries.flatMap(({ seq: at, value }) => {
        const { m } = value as Kept
        return m === undefined ? [] : [{ id: eventId(stream, at), data: m }]
      })
      if (events.length > 0) yield events
      if ((last.value as Kept).f) return
      seq = last.seq
      quietSince = clock()
      look = undefined
      patience.reset()
    } else {
      await patience.pause([{ key: log, after: seq }], signal, lease / 3)
    }
    const now = clock()
    if (now - (look?.at ?? quietSince) > (look ? lease : lease / 3)) {
      const sign = (await store.get(leaseKey(partition, stream)))?.version
      if (look && look.sign === sign) await bury(store, log, options)
      look = { at: now, sign }
    }
    entries = await store.read(log, seq)
  }
}

/** Ends a stream whose owner is gone, with an error for each request it leaves unanswered. */
async function bury(store: Store, log: Key, { clock, retention }: StreamOptions): Promise<void> {
  const entries = await store.read(log, 0)
  const kept = entries.map(({ value }) => value as Kept)
  if (kept.some(({ f }) => f)) return
  const answered = new Set(kept.map(({ m }) => m && (JSON.parse(m) as { id?: RequestId }).id))
  const open = kept.flatMap(({ r }) => r ?? []).filter((id) => !answered.has(id))
  try {
    await store.append(
      log,
      entries.at(-1)?.seq ?? 0,
      lastWords(open, 'The instance that ran this call has ended') as Json[],
      { expiresAt: clock() + retention },
    )
  } catch (error) {
    // the owner wrote after all, or another reader was first: the next read tells
    if (!(error instanceof Conflict)) throw error
  }
}
