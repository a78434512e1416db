/** Sessions of 2025 and handles of 2026: one record each, under the principal that opened it (B33–B39, C42). */
import type { Params } from '../protocol/jsonrpc.ts'
import type { LegacyRevision } from '../protocol/revisions.ts'
import type { ClientCapabilities, LogLevel } from '../protocol/types.ts'
import type { Cancellations } from './cancellations.ts'
import { updateRecord } from './records.ts'
import type { Store, StoreKey, TypedStore } from './store.ts'
import { StoreConflict } from './store.ts'

/** The record of a session of 2025, made by `initialize`. */
export interface LegacySession extends Aging {
  readonly revision: LegacyRevision
  readonly client: Params
  readonly capabilities: ClientCapabilities
  readonly logLevel?: LogLevel
  /** URIs of `resources/subscribe`. */
  readonly subscriptions?: readonly string[]
  /** The GET stream that gets the server's messages: the newest one (B27). */
  readonly listener?: string
  /** The latest `notifications/cancelled`, for calls on any instance. */
  readonly cancellations?: Cancellations
}

interface Aging {
  readonly createdAt: number
}

export interface Session<Data extends Aging = Aging> {
  readonly id: string
  /** Every record and log of the session is in this partition. */
  readonly partition: string
  readonly data: Data
  readonly version: number
  readonly expiresAt: number
  /** A session of one request, of which nothing is stored. */
  readonly transient?: true
}

export interface SessionOptions {
  /** Milliseconds a session lives after its last use. */
  ttl: number
  /** Milliseconds a session lives at most. */
  maxAge: number
  clock: () => number
}

/** The record of the session that owns a partition. */
export function sessionKey(partition: string): StoreKey {
  return [partition, 'session']
}

export class Sessions<Data extends Aging = Aging> {
  readonly #store: TypedStore
  readonly #kind: string
  readonly #options: SessionOptions

  /** `kind` is the first part of every partition name: `session` or `handle`. */
  constructor(store: Store, kind: string, options: SessionOptions) {
    this.#store = store as TypedStore
    this.#kind = kind
    this.#options = options
  }

  /**
   * The owner is part of the key, so a session of another principal is not found: on every path the
   * answer is the same as for an unknown id.
   */
  #partition(owner: string, id: string): string {
    return `${this.#kind}/${owner}/${id}`
  }

  /** Costs one write. */
  async open(owner: string, create: (createdAt: number) => Data): Promise<Session<Data>> {
    const now = this.#options.clock()
    const data = create(now)
    const id = randomId()
    const partition = this.#partition(owner, id)
    const expiresAt = this.#expiry(data, now)
    const options = { expiresAt, ifVersion: 0 }
    const version = await this.#store.put(sessionKey(partition), data, options)
    return { id, partition, data, version, expiresAt }
  }

  /** Costs one read, and one write when less than half of the session's time is left. */
  async find(owner: string, id: string): Promise<Session<Data> | undefined> {
    const session = await this.#read(owner, id)
    if (!session) return undefined
    const now = this.#options.clock()
    const expiresAt = this.#expiry(session.data, now)
    const left = session.expiresAt - now
    if (left >= this.#options.ttl / 2 || expiresAt <= session.expiresAt) return session
    try {
      const { partition, data, version } = session
      const options = { expiresAt, ifVersion: version }
      const renewed = await this.#store.put(sessionKey(partition), data, options)
      return { ...session, version: renewed, expiresAt }
    } catch (error) {
      // A concurrent request renewed, changed or deleted the session.
      if (error instanceof StoreConflict) return this.#read(owner, id)
      throw error
    }
  }

  /** Changes the session as it is by now. Returns undefined when it does not exist any more. */
  async update(
    owner: string,
    id: string,
    change: (data: Data) => Partial<Data>,
  ): Promise<Session<Data> | undefined> {
    if (!isSessionId(id)) return undefined
    const partition = this.#partition(owner, id)
    const updated = await updateRecord<Data>(
      this.#store,
      sessionKey(partition),
      ({ value, expiresAt }) => value && { value: { ...value, ...change(value) }, expiresAt },
    )
    if (!updated) return undefined
    const { value: data, version, expiresAt } = updated
    return { id, partition, data, version, expiresAt }
  }

  delete(owner: string, id: string): Promise<boolean> {
    return this.#store.delete(sessionKey(this.#partition(owner, id)))
  }

  async #read(owner: string, id: string): Promise<Session<Data> | undefined> {
    if (!isSessionId(id)) return undefined
    const partition = this.#partition(owner, id)
    const stored = await this.#store.get<Data>(sessionKey(partition))
    if (!stored) return undefined
    const { value: data, version, expiresAt } = stored
    return { id, partition, data, version, expiresAt }
  }

  /** Epoch milliseconds that the session cannot outlive, however often it is used. */
  endOf({ createdAt }: Aging): number {
    return createdAt + this.#options.maxAge
  }

  #expiry(data: Aging, now: number): number {
    return Math.min(now + this.#options.ttl, this.endOf(data))
  }
}

const ID_LENGTH = 24
const ALPHABET = new TextEncoder().encode(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
)
const UTF8 = new TextDecoder()
/** Many ids at once, as `getRandomValues` costs more than the rest of an id. */
let drawn = ''
let next = 0

/** 144 random bits as 24 characters that are safe in a header, a key and an event id (B34, B35). */
export function randomId(): string {
  if (next === drawn.length) {
    const bytes = crypto.getRandomValues(new Uint8Array(200 * ID_LENGTH))
    // A loop takes a quarter of the time of map().
    for (let i = 0; i < bytes.length; i++) bytes[i] = ALPHABET[Number(bytes[i]) % 64] ?? 0
    drawn = UTF8.decode(bytes)
    next = 0
  }
  next += ID_LENGTH
  return drawn.slice(next - ID_LENGTH, next)
}

/** Any other text cannot be an id of ours. This saves the read and keeps foreign text out of keys. */
function isSessionId(id: string): boolean {
  return /^[\w-]{24}$/.test(id)
}
