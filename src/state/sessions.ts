/** Sessions of 2025 and handles of 2026: one record each, found only under the principal that opened it (B33–B39, C42). */
import type { Params } from '../protocol/jsonrpc.ts'
import type { LegacyRevision } from '../protocol/revisions.ts'
import type { ClientCapabilities, LogLevel } from '../protocol/types.ts'
import { withKeyLock } from './key-lock.ts'
import type { JsonValue, Store, StoreKey } from './store.ts'
import { StoreConflict } from './store.ts'

/** What a session of 2025 remembers from its `initialize` on. */
export interface LegacySession extends Aging {
  readonly revision: LegacyRevision
  readonly client: Params
  readonly capabilities: ClientCapabilities
  readonly logLevel?: LogLevel
  /** URIs of `resources/subscribe`. */
  readonly subscriptions?: readonly string[]
  /** Which GET stream gets the server's messages: the newest, and only that one (B27). */
  readonly listener?: string
}

interface Aging {
  readonly createdAt: number
}

export interface Session<Data extends Aging = Aging> {
  readonly id: string
  /** Everything that belongs to the session lives in this partition. */
  readonly partition: string
  readonly data: Data
  readonly version: number
  readonly expiresAt: number
}

export interface SessionOptions {
  /** Milliseconds a session lives after its last use. */
  ttl: number
  /** Milliseconds a session lives at most. */
  maxAge: number
  clock: () => number
}

const RECORD = 'session'

export class Sessions<Data extends Aging = Aging> {
  readonly #store: Store
  readonly #kind: string
  readonly #options: SessionOptions

  /** `kind` keeps one sort of session apart from another. */
  constructor(store: Store, kind: string, options: SessionOptions) {
    this.#store = store
    this.#kind = kind
    this.#options = options
  }

  /**
   * The owner is part of the key, so that to anybody else a session is simply not there: the same
   * answer as for an id that never was, on every path.
   */
  #partition(owner: string, id: string): string {
    return `${this.#kind}/${owner}/${id}`
  }

  /** One write. */
  open(owner: string, create: (createdAt: number) => Data): Promise<Session<Data>> {
    const now = this.#options.clock()
    const data = create(now)
    const id = randomId()
    const partition = this.#partition(owner, id)
    const expiresAt = this.#expiry(data, now)
    return this.#store
      .put([partition, RECORD], data as unknown as JsonValue, { expiresAt, ifVersion: 0 })
      .then((version) => ({ id, partition, data, version, expiresAt }))
  }

  /** One read, and one write when less than half of its time is left. */
  async find(owner: string, id: string): Promise<Session<Data> | undefined> {
    const session = await this.#read(owner, id)
    if (!session) return undefined
    const now = this.#options.clock()
    const expiresAt = this.#expiry(session.data, now)
    const left = session.expiresAt - now
    if (left >= this.#options.ttl / 2 || expiresAt <= session.expiresAt) return session
    try {
      const version = await this.#store.put(
        [session.partition, RECORD],
        session.data as unknown as JsonValue,
        { expiresAt, ifVersion: session.version },
      )
      return { ...session, version, expiresAt }
    } catch (error) {
      // a concurrent request moved the expiry, or the session was deleted just now
      if (error instanceof StoreConflict) return this.#read(owner, id)
      throw error
    }
  }

  /** Applies a change to whatever the session is by now; undefined when it is gone. */
  update(
    owner: string,
    id: string,
    change: (data: Data) => Partial<Data>,
  ): Promise<Session<Data> | undefined> {
    return withKeyLock(this.#store, this.#key(owner, id), async () => {
      for (;;) {
        const session = await this.#read(owner, id)
        if (!session) return undefined
        const data = { ...session.data, ...change(session.data) }
        try {
          const version = await this.#store.put(
            [session.partition, RECORD],
            data as unknown as JsonValue,
            { expiresAt: session.expiresAt, ifVersion: session.version },
          )
          return { ...session, data, version }
        } catch (error) {
          if (!(error instanceof StoreConflict)) throw error
        }
      }
    })
  }

  delete(owner: string, id: string): Promise<boolean> {
    return this.#store.delete(this.#key(owner, id))
  }

  #read(owner: string, id: string): Promise<Session<Data> | undefined> {
    if (!isSessionId(id)) return Promise.resolve(undefined)
    const partition = this.#partition(owner, id)
    return this.#store.get([partition, RECORD]).then(
      (stored) =>
        stored && {
          id,
          partition,
          data: stored.value as unknown as Data,
          version: stored.version,
          expiresAt: stored.expiresAt,
        },
    )
  }

  /** When the session ends at the latest, however often it is used. */
  endOf({ createdAt }: Aging): number {
    return createdAt + this.#options.maxAge
  }

  #key(owner: string, id: string): StoreKey {
    return [this.#partition(owner, id), RECORD]
  }

  #expiry(data: Aging, now: number): number {
    return Math.min(now + this.#options.ttl, this.endOf(data))
  }
}

const ID_LENGTH = 24
const ALPHABET = new TextEncoder().encode(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
)
const utf8 = new TextDecoder()
/** Ids in a row, drawn as platforms draw UUIDs: one draw costs more than the rest of an id. */
let drawn = ''
let next = 0

/** 144 bits as 24 characters that are safe in a header, a key and an event id (B34, B35). */
export function randomId(): string {
  if (next === drawn.length) {
    const bytes = crypto.getRandomValues(new Uint8Array(200 * ID_LENGTH))
    // a quarter of what map() takes
    for (let i = 0; i < bytes.length; i++) bytes[i] = ALPHABET[Number(bytes[i]) % 64] ?? 0
    drawn = utf8.decode(bytes)
    next = 0
  }
  next += ID_LENGTH
  return drawn.slice(next - ID_LENGTH, next)
}

/** Not ours, then not in the store: saves the read, and keeps a stranger's text out of keys. */
function isSessionId(id: string): boolean {
  return /^[\w-]{24}$/.test(id)
}
