/** Whether the instance that runs a call still lives, as far as the reader of its stream can see. */
import type { RequestId } from '../../protocol/jsonrpc.ts'
import { closeMailbox } from '../mailbox.ts'
import type { Store, StoreKey, TypedStore } from '../store.ts'
import { StoreConflict } from '../store.ts'
import type { Lease, LoggedEvent, StreamOptions } from './event-log.ts'
import { leaseKey, logKey, terminalErrors, WAITING_FACTOR } from './event-log.ts'

/**
 * What readers of a stream have seen, kept between their connections: for how long the stream had
 * neither a new entry nor a renewed lease. It holds durations and no clock times, as clocks differ.
 */
interface Observation {
  /** Version of the owner's lease, 0 when it has none. */
  readonly sign: number
  /** The last entry of the log. */
  readonly seq: number
  /** Milliseconds. */
  readonly observed: number
}

/** Milliseconds of silence, at most, before the owner's lease is read the first time. */
const FIRST_LOOK = 200
const FIRST_LOOKS_OF_A_LEASE = 15

const PAGE = 100

export class OwnerWatch {
  readonly #store: TypedStore
  readonly #partition: string
  readonly #stream: string
  readonly #options: StreamOptions
  /** Milliseconds of silence since the last look. */
  #sinceLook = 0
  /** Milliseconds of silence under the same sign; counted from the first look on. */
  #observed = 0
  /** Of the owner's lease at the last look. */
  #sign: number | undefined
  /** Milliseconds of silence that the lease allows, as it was at the last look. */
  #lease: number
  /** The observation of earlier connections, or what this one made of it. */
  #kept = { version: 0, observed: 0 }

  constructor(store: Store, partition: string, stream: string, options: StreamOptions) {
    this.#store = store as TypedStore
    this.#partition = partition
    this.#stream = stream
    this.#options = options
    this.#lease = options.lease
  }

  get #key(): StoreKey {
    return [this.#partition, `watch/${this.#stream}`]
  }

  /** An event has come, which is a sign of life. */
  reset(): void {
    this.#sinceLook = 0
    this.#observed = 0
    this.#sign = undefined
  }

  /** Milliseconds until the next look, at most `longest`. */
  nextPause(longest: number): number {
    return this.#sign === undefined ? Math.min(longest, this.#firstLook) : longest
  }

  get #firstLook(): number {
    return Math.min(FIRST_LOOK, this.#options.lease / FIRST_LOOKS_OF_A_LEASE)
  }

  /** Adds a time of silence that this process has seen awake, and closes the stream when it was too long. */
  async observe(seq: number, duration: number): Promise<void> {
    this.#sinceLook += duration
    if (this.#sign === undefined) {
      if (this.#sinceLook < this.#firstLook) return
      await this.#begin(seq)
    } else {
      this.#observed += duration
      if (this.#sinceLook < this.#lease / 3 && this.#observed <= this.#lease) return
      const { sign, ended } = await this.#look()
      const silent = sign === this.#sign && this.#observed > this.#lease
      if (ended || silent) await this.#close(sign)
      if (sign !== this.#sign) this.#observed = 0
      this.#sign = sign
    }
    this.#sinceLook = 0
  }

  /** The first look: goes on from what earlier connections have seen. */
  async #begin(seq: number): Promise<void> {
    const [{ sign, ended }, kept] = await Promise.all([
      this.#look(),
      this.#store.get<Observation>(this.#key),
    ])
    if (ended) await this.#close(sign)
    const fits = kept?.value.sign === sign && kept.value.seq === seq
    this.#observed = fits ? kept.value.observed : 0
    this.#kept = { version: kept?.version ?? 0, observed: this.#observed }
    this.#sign = sign
  }

  async #look(): Promise<{ sign: number; ended: boolean }> {
    const lease = await this.#store.get<Lease>(leaseKey(this.#partition, this.#stream))
    this.#lease = this.#options.lease * (lease?.value === 'waiting' ? WAITING_FACTOR : 1)
    return { sign: lease?.version ?? 0, ended: lease?.value === 'ended' }
  }

  /** Keeps what this connection has seen for the next one. Loses against a reader that wrote meanwhile. */
  async remember(seq: number): Promise<void> {
    if (this.#sign === undefined || this.#observed <= this.#kept.observed) return
    const value: Observation = { sign: this.#sign, seq, observed: this.#observed }
    const { clock, retention } = this.#options
    const expiresAt = clock() + retention
    try {
      await this.#store.put(this.#key, value, { expiresAt, ifVersion: this.#kept.version })
    } catch (error) {
      // Both have watched at the same time, and the time must not count twice.
      if (!(error instanceof StoreConflict)) throw error
    }
  }

  /**
   * Ends a stream whose owner is gone. The lease is ended first and only over the version that was
   * seen, so an owner that renewed it meanwhile keeps its call, and one that wakes later finds out.
   * Then its questions are closed, and last its client is told.
   */
  async #close(sign: number): Promise<void> {
    const { clock, retention } = this.#options
    const expiresAt = clock() + retention
    const lease = leaseKey(this.#partition, this.#stream)
    const ended: Lease = 'ended'
    try {
      await this.#store.put<Lease>(lease, ended, { expiresAt, ifVersion: sign })
      await this.#closeLog(expiresAt)
    } catch (error) {
      // The owner lives after all, or another reader was first: the next look tells.
      if (!(error instanceof StoreConflict)) throw error
    }
  }

  async #closeLog(expiresAt: number): Promise<void> {
    const log = logKey(this.#partition, this.#stream)
    const open = new Set<RequestId>()
    let seq = 0
    for (;;) {
      const entries = await this.#store.read<LoggedEvent>(log, seq, PAGE)
      for (const { value } of entries) {
        if (value.f) return
        for (const id of value.r ?? []) open.add(id)
        if (value.m) open.delete(answeredBy(value.m))
      }
      seq = entries.at(-1)?.seq ?? seq
      if (entries.length === 0) break
    }
    for (const id of open) await closeMailbox(this.#store, this.#partition, id, expiresAt)
    const errors = terminalErrors([...open], 'The instance that ran this call has ended')
    await this.#store.append(log, seq, errors, { expiresAt })
  }
}

/** The id of the request that a message answers; a server's own request has another kind of id. */
function answeredBy(message: string): RequestId {
  return (JSON.parse(message) as { id?: RequestId }).id ?? ''
}
