/** The writing end of a resumable stream. */
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { randomId } from '../sessions.ts'
import type { JsonValue, Store, TypedStore } from '../store.ts'
import { StoreConflict, ValueTooLarge } from '../store.ts'
import type { Lease, LoggedEvent, StreamEvent, StreamOptions } from './event-log.ts'
import { eventId, leaseKey, logKey, terminalErrors, WAITING_FACTOR } from './event-log.ts'

/** Gets what may be sent now: it is durable, or never will be and has no id. */
export type Deliver = (events: StreamEvent[]) => void

/** Characters gathered into one write, well below what an engine takes as one item. */
const BATCH_LENGTH = 100_000

/** What a writer needs of its call. */
export interface EventLogWriterOptions extends StreamOptions {
  readonly store: Store
  /** The partition of the session. */
  readonly partition: string
  /** Ids of the requests whose answers end the stream. */
  readonly requests: readonly RequestId[]
  readonly deliver: Deliver
  /** Called when another instance has ended the stream. */
  readonly lost: () => void
  /** The entry by which this process has claimed a suspended stream. @default a new stream */
  readonly after?: { readonly stream: string; readonly seq: number }
}

/**
 * The writing end of one call's stream. Events are gathered while a write is under way, and for the time
 * that `gather` says, so that one write carries many. They are handed on only when they are durable.
 */
export class EventLogWriter {
  readonly id: string
  readonly #store: TypedStore
  readonly #partition: string
  readonly #options: StreamOptions
  readonly #deliver: Deliver
  readonly #lost: () => void
  readonly #requests: readonly RequestId[]
  #queue: LoggedEvent[]
  /** Characters of the messages in the queue. */
  #queued = 0
  #seq: number
  #length = 0
  #flushing: Promise<void> | undefined
  /** Everything in the queue is written at once. */
  #urgent = false
  /** When the latest write began, and the timer of the next one. */
  #wroteAt = Number.NEGATIVE_INFINITY
  #gatherTimer: ReturnType<typeof setTimeout> | undefined
  #waiting = false
  #leaseTimer: ReturnType<typeof setTimeout> | undefined
  #leaseVersion = 0
  #state: 'kept' | 'unkept' | 'lost' = 'kept'

  constructor(options: EventLogWriterOptions) {
    const { store, partition, requests, deliver, lost } = options
    const { stream, seq } = options.after ?? { stream: randomId(), seq: 0 }
    this.id = stream
    this.#seq = seq
    this.#requests = requests
    this.#queue = seq === 0 ? [{ r: requests }] : []
    this.#store = store as TypedStore
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
    this.#queued += message.length
    this.#queue.push({ m: message })
  }

  /** Writes what is queued, at once where the latest write is long enough ago, else together with what follows. */
  flushSoon(): void {
    if (this.#flushing || (this.#gatherTimer && !this.#isFull)) return
    const left = this.#wroteAt + this.#options.gather - performance.now()
    if (left <= 0 || this.#isFull || this.#state !== 'kept') this.#start()
    else this.#gatherTimer = setTimeout(() => this.#start(), left)
  }

  /** Resolves when everything queued is durable and delivered. */
  flush(): Promise<void> {
    this.#urgent = true
    return this.#start()
  }

  #start(): Promise<void> {
    clearTimeout(this.#gatherTimer)
    this.#gatherTimer = undefined
    this.#flushing ??= this.#drain()
    return this.#flushing
  }

  get #isFull(): boolean {
    return this.#queued >= BATCH_LENGTH
  }

  /**
   * Leaves the stream to the instance that claims it first. Returns false when that cannot be kept: then
   * the stream goes on.
   */
  async suspend(left: JsonValue): Promise<boolean> {
    while (this.#flushing || this.#queue.length > 0) await this.flush()
    // What is sent meanwhile waits: it is dropped with this run, or sent when the stream goes on.
    const writing = this.#writeSuspension(left)
    this.#flushing = writing.then(() => this.#drain())
    return writing
  }

  async #writeSuspension(left: JsonValue): Promise<boolean> {
    if (this.#state !== 'kept') return false
    try {
      this.#seq = await this.#write([{ s: left }])
      this.abandon()
      return true
    } catch (error) {
      if (!(error instanceof ValueTooLarge)) await this.#stopKeeping(error)
      return false
    }
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
    const { gather } = this.#options
    for (let first = true; this.#queue.length > 0; first = false) {
      if (!first && gather > 0 && !this.#urgent && !this.#isFull) break
      this.#wroteAt = performance.now()
      const batch = this.#take()
      if (this.#isLost()) continue
      const kept = this.#state === 'kept' && this.#withinBounds(batch)
      const number = kept ? await this.#append(batch) : undefined
      if (this.#isLost()) continue
      this.#deliver(
        batch.flatMap(({ m }, i) =>
          m === undefined
            ? []
            : [{ id: number === undefined ? undefined : eventId(this.id, number + i), data: m }],
        ),
      )
    }
    this.#flushing = undefined
    this.#urgent = false
    if (this.#queue.length > 0) this.flushSoon()
  }

  #take(): LoggedEvent[] {
    let length = 0
    let count = 0
    for (const { m } of this.#queue) {
      length += m?.length ?? 0
      if (count > 0 && length > BATCH_LENGTH) break
      count++
    }
    const batch = this.#queue.splice(0, count)
    for (const { m } of batch) this.#queued -= m?.length ?? 0
    return batch
  }

  /** Past its bounds a stream keeps only its last message. */
  #withinBounds(batch: LoggedEvent[]): boolean {
    for (const { m } of batch) this.#length += m?.length ?? 0
    const { maxEvents, maxLength } = this.#options
    return (
      batch.some(({ f }) => f) ||
      (this.#seq + batch.length <= maxEvents && this.#length <= maxLength)
    )
  }

  /**
   * The first sequence number of the batch, or undefined when it could not be kept. Never rejects:
   * nothing waits for most of the writes. `substitute` says that it stands for a batch too large.
   */
  async #append(batch: LoggedEvent[], substitute = false): Promise<number | undefined> {
    try {
      const first = this.#seq + 1
      this.#seq = await this.#write(batch)
      return first
    } catch (error) {
      if (error instanceof ValueTooLarge && !substitute) {
        // The message is larger than an item: a client that resumes here is told so instead of waiting.
        const ended = batch.some(({ f }) => f) ? this.#requests : []
        const errors = terminalErrors(ended, 'The result was too large to be kept')
        await this.#append([{ r: this.#requests }, ...errors], true)
        return undefined
      }
      await this.#stopKeeping(error)
      return undefined
    }
  }

  /** The store is down: the connected client gets its events without ids, so it cannot resume from them. */
  async #stopKeeping(error: unknown): Promise<void> {
    if (error instanceof StoreConflict && !(await this.#isEvicted())) this.#lose()
    else this.#state = 'unkept'
  }

  #isLost(): boolean {
    return this.#state === 'lost'
  }

  /** A full memory store drops whole logs. A log that another instance has closed still has its entries. */
  async #isEvicted(): Promise<boolean> {
    try {
      return (await this.#store.read(logKey(this.#partition, this.id), 0, 1)).length === 0
    } catch {
      return false
    }
  }

  #write(batch: LoggedEvent[]): Promise<number> {
    const { clock, retention } = this.#options
    return this.#store.append(logKey(this.#partition, this.id), this.#seq, batch, {
      expiresAt: clock() + retention,
    })
  }

  /** A call shorter than a third of the lease writes none: its events are sign enough. */
  #renewLease(): void {
    this.#leaseTimer = setTimeout(async () => {
      try {
        await this.#writeLease()
      } catch {
        // The next renewal tries again; two may be missed before a reader takes the owner for dead.
      }
      if (this.#state === 'kept') this.#renewLease()
    }, this.#lease / 3)
  }

  /** Milliseconds of the lease that the next renewal writes. */
  get #lease(): number {
    return this.#options.lease * (this.#waiting ? WAITING_FACTOR : 1)
  }

  /**
   * Tells whether the call waits for a person. The next renewal makes the lease longer: 12 renewals a
   * minute cost a waiting call more than its poll for the answer.
   */
  set waiting(waiting: boolean) {
    if (this.#waiting === waiting) return
    this.#waiting = waiting
    if (waiting || this.#state !== 'kept') return
    clearTimeout(this.#leaseTimer)
    this.#renewLease()
  }

  /** Writes only over this call's own lease: a reader may have ended it while the process was frozen. */
  async #writeLease(): Promise<void> {
    const { retention, clock } = this.#options
    const key = leaseKey(this.#partition, this.id)
    const lease: Lease = this.#waiting ? 'waiting' : 'held'
    try {
      // Kept longer than the lease: readers compare versions, because clocks differ.
      const options = { expiresAt: clock() + retention, ifVersion: this.#leaseVersion }
      this.#leaseVersion = await this.#store.put<Lease>(key, lease, options)
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error
      // A write whose reply was lost, or an eviction, also changes the version.
      const found = await this.#store.get<Lease>(key)
      this.#leaseVersion = found?.version ?? 0
      if (found?.value === 'ended') this.#lose()
    }
  }

  /** Another instance has ended the call. */
  #lose(): void {
    if (this.#isLost()) return
    this.abandon()
    this.#lost()
  }

  /** Stops renewing, also where a renewal is under way: after the last message, or without one. */
  abandon(): void {
    this.#state = 'lost'
    clearTimeout(this.#leaseTimer)
    clearTimeout(this.#gatherTimer)
  }
}
