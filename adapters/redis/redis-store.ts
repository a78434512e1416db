/**
 * The Redis engine of the store: every instance of a server on one Redis or Valkey (7 or later), alone
 * or as a cluster. Each change is one Lua script on one key. It needs the package `ioredis`.
 */
import { randomBytes } from 'node:crypto'
import type { JsonValue, Store, StoredEntry, StoreKey } from '../../src/index.ts'
import { StoreConflict, ValueTooLarge } from '../../src/index.ts'
import { toKeyText } from '../shared/key-text.ts'
import { outcomeUnknown } from '../shared/retry.ts'
import { WakeUps } from '../shared/wake-ups.ts'
import type { RedisOptions } from './connection.ts'
import { connect } from './connection.ts'
import { APPEND, DELETE, GET, POSITION, PUT, READ } from './scripts.ts'

export type { RedisOptions } from './connection.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions extends RedisOptions {
  /** The beginning of all keys and channels, so that several servers can share one Redis. @default 'mcp' */
  prefix?: string | undefined
  /** Milliseconds since the epoch. @default Date.now */
  clock?: (() => number) | undefined
}

/** A store with connections of its own. */
export interface RedisStore extends Store {
  /** Closes the connections that the store has opened; the store cannot be used afterwards. */
  close(): Promise<void>
}

/** The largest number of bytes of a partition or a name in a key. A longer one is replaced by its digest. */
const LONGEST_KEY_PART = 1_024

/** The largest number of characters of one record, or of the entries of one append. */
const LARGEST_VALUE = 16 * 1024 * 1024

/**
 * A new record's first version is the time in 1/2048 ms, which is higher than every version of an earlier
 * record of this name. So a writer that read the record before it was deleted cannot overwrite the new
 * one. These are safe integers until the year 2109.
 */
const VERSIONS_PER_MS = 2048

/**
 * State in Redis or Valkey. Reads and writes are one request each, and a waiting instance is woken by a
 * message of publish/subscribe.
 *
 * A write is durable as far as Redis makes it so: with `appendonly yes` and `appendfsync always` once it
 * is answered; with `everysec` the last second can be lost with the server. A failover to an asynchronous
 * replica can lose writes that were answered; `WAIT` is not used. Set `maxmemory-policy noeviction`:
 * a server that evicts keys ends sessions.
 *
 * @example
 * import { redisStore } from 'streamable-mcp/redis'
 * createMcp({ name: 'weather', version: '1.0.0', store: redisStore({ url: 'redis://localhost:6379' }) })
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  const { prefix = 'mcp', clock = Date.now } = options
  const connection = connect(options)

  /** Returns the key. The partition is the hash tag, so a cluster keeps a whole session on one node. */
  const place = (kind: 'r' | 'l', [partition, name]: StoreKey) =>
    `${prefix}:{${toKeyText(partition, LONGEST_KEY_PART, '{}')}}:${kind}:${toKeyText(name, LONGEST_KEY_PART)}`
  /** Returns the channel of a place. A watch does not tell a record from a log, so both share one channel. */
  const channelOf = ([partition, name]: StoreKey) =>
    `${prefix}:changed:${toKeyText(partition, LONGEST_KEY_PART)}:${toKeyText(name, LONGEST_KEY_PART)}`

  const now = () => String(clock())

  const wakeUps = new WakeUps({
    channelOf: ({ key }) => channelOf(key),
    async subscribe(channel) {
      const subscriber = await openSubscriber()
      await subscriber.subscribe(channel)
    },
    unsubscribe(channel) {
      void openSubscriber()
        .then((subscriber) => subscriber.unsubscribe(channel))
        .catch(() => {})
    },
    async hasChanged(watches) {
      const positions = await Promise.all(
        watches.flatMap(({ key }) =>
          (['r', 'l'] as const).map(async (kind) => {
            const { reply } = await connection.run(POSITION, place(kind, key), [now()])
            return Number(reply)
          }),
        ),
      )
      return watches.some(({ after }, i) =>
        [positions[2 * i], positions[2 * i + 1]].some((at) => (at ?? 0) > after),
      )
    },
  })

  let subscriber: ReturnType<typeof connection.subscriber> | undefined
  function openSubscriber() {
    subscriber ??= connection.subscriber().then((client) => {
      client.on('message', (channel: string) => wakeUps.announce(channel))
      // This event also follows the first connection, when there are no waits yet.
      client.on('ready', () => wakeUps.connectionLost())
      return client
    })
    return subscriber
  }

  return {
    async get(key) {
      const { reply } = await connection.run(GET, place('r', key), [now()])
      if (reply === null) return undefined
      const [json, version, expiresAt] = requireTexts(reply, 3)
      return {
        value: JSON.parse(json ?? ''),
        version: Number(version),
        expiresAt: Number(expiresAt),
      }
    },

    async put(key, value, { expiresAt, ifVersion }) {
      const writer = newToken()
      const { reply, lostAnswer } = await connection.run(PUT, place('r', key), [
        now(),
        toJson(value),
        toExpiry(expiresAt),
        writer,
        String(Math.floor(clock()) * VERSIONS_PER_MS),
        channelOf(key),
        ifVersion === undefined ? '' : String(ifVersion),
      ])
      if (!Array.isArray(reply)) throw unexpected()
      const [done, version, lastWriter] = reply as [unknown, unknown, unknown]
      if (done === 1 || (lostAnswer && lastWriter === writer)) return Number(version)
      // The answer to an earlier attempt was lost, and a later write hides whether that attempt was carried out.
      const isStep = ifVersion !== undefined && Number(version) === ifVersion + 1
      if (lostAnswer && !isStep && Number(version) !== 0) throw outcomeUnknown('Redis')
      throw lostRace()
    },

    async delete(key) {
      const { reply, lostAnswer } = await connection.run(DELETE, place('r', key), [
        now(),
        channelOf(key),
      ])
      if (reply !== 0 && reply !== 1) throw unexpected()
      if (reply === 0 && lostAnswer) throw outcomeUnknown('Redis')
      return reply === 1
    },

    async append(log, after, entries, { expiresAt }) {
      const { reply } = await connection.run(APPEND, place('l', log), [
        now(),
        String(after),
        toExpiry(expiresAt),
        newToken(),
        channelOf(log),
        ...toJsonTexts(entries),
      ])
      if (typeof reply !== 'number') throw unexpected()
      if (reply < 0) throw lostRace()
      return reply
    },

    async read(log, after, limit = Number.POSITIVE_INFINITY) {
      if (limit < 1) return []
      const last = after + limit
      const { reply } = await connection.run(READ, place('l', log), [
        now(),
        String(after + 1),
        String(Number.isSafeInteger(last) ? last : -1),
      ])
      return requireTexts(reply).map(
        (text, i): StoredEntry => ({
          seq: after + i + 1,
          value: JSON.parse(text.startsWith('!') ? text.slice(text.indexOf(' ') + 1) : text),
        }),
      )
    },

    wait: (watches, signal) => wakeUps.wait(watches, signal),

    close: () => connection.close(),
  }
}

const newToken = () => randomBytes(9).toString('base64url')

const lostRace = () => new StoreConflict('Another writer was first')

const unexpected = () => new Error('Redis answered in a form that the store does not know')

/** Rounds up to whole milliseconds, which Redis takes, so that nothing expires too early. */
const toExpiry = (expiresAt: number) => String(Math.ceil(expiresAt))

function toJson(value: JsonValue): string {
  const [text = ''] = toJsonTexts([value])
  return text
}

function toJsonTexts(values: readonly JsonValue[]): string[] {
  const texts = values.map((value) => JSON.stringify(value))
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  if (length <= LARGEST_VALUE) return texts
  throw new ValueTooLarge(
    `A value of ${length} characters: the store keeps at most ${LARGEST_VALUE}`,
  )
}

/** Throws for an answer of another form, so that it is never read as "absent". */
function requireTexts(reply: unknown, count?: number): string[] {
  const isTexts = Array.isArray(reply) && reply.every((text) => typeof text === 'string')
  if (!isTexts || (count !== undefined && reply.length !== count)) throw unexpected()
  return reply
}
