/**
 * The PostgreSQL engine of the store: every instance of a server on one database, version 12 or later.
 * Each change is one statement. It needs the package `pg`.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { JsonValue, Store, StoredEntry, StoreKey } from '../../src/index.ts'
import { StoreConflict, ValueTooLarge } from '../../src/index.ts'
import { toKeyText } from '../shared/key-text.ts'
import { outcomeUnknown } from '../shared/retry.ts'
import { WakeUps } from '../shared/wake-ups.ts'
import type { PostgresOptions } from './connection.ts'
import { connect } from './connection.ts'
import { createChangeListener } from './listener.ts'
import { createStatement, statementsOf, tablesOf } from './schema.ts'

export type { PostgresOptions } from './connection.ts'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends PostgresOptions {
  /** The beginning of the names of the tables: a lowercase identifier. @default 'mcp' */
  prefix?: string | undefined
  /**
   * Milliseconds between two removals of expired rows; 0 turns them off, for a database whose own job removes
   * them. One instance works at a time. @default 60_000
   */
  sweepEvery?: number | undefined
  /** Milliseconds since the epoch. @default Date.now */
  clock?: (() => number) | undefined
}

/** A store with connections of its own. */
export interface PostgresStore extends Store {
  /** Closes the connections that the store has opened; the store cannot be used afterwards. */
  close(): Promise<void>
}

/** The largest number of bytes of a partition or a name, because an index row holds 2,700 bytes for both. */
const LONGEST_KEY_PART = 1_024

/** The one character that PostgreSQL's text cannot hold. */
const NUL = '\u0000'

/** The largest number of characters of one record, or of the entries of one append. */
const LARGEST_VALUE = 16 * 1024 * 1024

/**
 * A new record's first version is the time in 1/2048 ms, which is higher than every version of an earlier
 * record of this name. So a writer that read the record before it was deleted cannot overwrite the new
 * one. These are safe integers until the year 2109.
 */
const VERSIONS_PER_MS = 2048

/** The largest number of rows that one sweep removes from each table, so that it never holds locks for long. */
const SWEEP_ROWS = 5_000

/**
 * Creates the tables where they do not exist. The user needs the right to create tables; the store
 * itself needs only to read and write them.
 *
 * @example await createTables({ url: 'postgres://localhost/mcp' })
 */
export async function createTables(
  options: PostgresOptions & { prefix?: string | undefined },
): Promise<void> {
  const connection = connect(options)
  try {
    await connection.execute(createStatement(tablesOf(options.prefix ?? 'mcp')))
  } finally {
    await connection.close()
  }
}

/**
 * State in PostgreSQL. Reads and writes are one statement each; a waiting instance is woken by
 * LISTEN/NOTIFY, which announces only places that an instance waits for.
 *
 * A write is durable once it is answered, with `synchronous_commit` on. A failover to an asynchronous
 * standby can lose writes that were answered.
 *
 * @example
 * import { createTables, postgresStore } from 'streamable-mcp/postgres'
 * const url = 'postgres://localhost/mcp'
 * await createTables({ url })
 * createMcp({ name: 'weather', version: '1.0.0', store: postgresStore({ url }) })
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const { prefix = 'mcp', clock = Date.now, sweepEvery = 60_000 } = options
  const tables = tablesOf(prefix)
  const sql = statementsOf(tables)
  const connection = connect(options)
  const listener = createChangeListener(connection, sql, tables.channel)

  const keyOf = ([partition, name]: StoreKey): [partition: string, name: string] => [
    toKeyText(partition, LONGEST_KEY_PART, NUL),
    toKeyText(name, LONGEST_KEY_PART, NUL),
  ]
  /** Writes a place as a short text, because an announcement holds 8,000 bytes at most. */
  const placeOf = (key: StoreKey) =>
    createHash('sha256')
      .update(JSON.stringify(keyOf(key)))
      .digest('base64url')

  const wakeUps = new WakeUps({
    channelOf: ({ key }) => placeOf(key),
    subscribe: (place) => listener.watch(place),
    unsubscribe: (place) => listener.unwatch(place),
    async hasChanged(watches) {
      const keys = watches.map(({ key }) => keyOf(key))
      const { rows } = await connection.run(sql.changed, [
        keys.map(([partition]) => partition),
        keys.map(([, name]) => name),
        watches.map(({ after }) => after),
        clock(),
      ])
      return rows.length > 0
    },
  })
  listener.onNotice((place) => wakeUps.announce(place))
  listener.onGap(() => wakeUps.connectionLost())

  // The timer starts with the first write, and never keeps a process running.
  let sweeper: ReturnType<typeof setInterval> | undefined
  function startSweeping(): void {
    if (sweeper || sweepEvery <= 0) return
    sweeper = setInterval(() => void sweep(), sweepEvery)
    sweeper.unref()
  }
  async function sweep(): Promise<void> {
    try {
      await connection.run(sql.sweep, [clock(), SWEEP_ROWS])
    } catch {
      // Statements ignore expired rows already, so a sweep that fails can wait for the next one.
    }
  }

  return {
    async get(key) {
      type Row = { value: string; version: string; expires: string }
      const { rows } = await connection.run<Row>(sql.get, [...keyOf(key), clock()])
      const [row] = rows
      if (!row) return undefined
      return {
        value: JSON.parse(row.value),
        version: Number(row.version),
        expiresAt: Number(row.expires),
      }
    },

    async put(key, value, { expiresAt, ifVersion }) {
      startSweeping()
      const writer = newToken()
      const first = Math.floor(clock()) * VERSIONS_PER_MS + 1
      const [statement, over, ...condition] =
        ifVersion === undefined
          ? ([sql.putAny, first] as const)
          : ifVersion === 0
            ? ([sql.putNew, first, clock()] as const)
            : ([sql.putOver, ifVersion, clock()] as const)
      const { rows, lostAnswer } = await connection.run<{ version: string }>(statement, [
        ...keyOf(key),
        toJson(value),
        Math.ceil(expiresAt),
        writer,
        over,
        placeOf(key),
        ...condition,
      ])
      const [row] = rows
      if (row) return Number(row.version)
      if (!lostAnswer) throw lostRace()
      // An earlier attempt may have made this write. The token of the last writer tells.
      const found = await connection.run<{ version: string; writer: string }>(
        sql.lastWriter,
        keyOf(key),
      )
      const [record] = found.rows
      if (record?.writer === writer) return Number(record.version)
      if (record && ifVersion && Number(record.version) === ifVersion + 1) throw lostRace()
      throw outcomeUnknown('PostgreSQL')
    },

    async delete(key) {
      const { rows, lostAnswer } = await connection.run<{ existed: boolean }>(sql.delete, [
        ...keyOf(key),
        clock(),
        placeOf(key),
      ])
      const existed = rows[0]?.existed === true
      if (!existed && lostAnswer) throw outcomeUnknown('PostgreSQL')
      return existed
    },

    async append(log, after, entries, { expiresAt }) {
      startSweeping()
      const key = keyOf(log)
      if (entries.length === 0) {
        const { rows } = await connection.run<{ last: string }>(sql.lastEntry, [...key, clock()])
        if (Number(rows[0]?.last ?? 0) !== after) throw lostRace()
        return after
      }
      const writer = newToken()
      const { rows, lostAnswer } = await connection.run<{ last: string }>(
        after === 0 ? sql.appendFirst : sql.appendNext,
        [
          ...key,
          clock(),
          Math.ceil(expiresAt),
          entries.length,
          toJson(entries),
          writer,
          placeOf(log),
          after === 0 ? Math.floor(clock()) * VERSIONS_PER_MS : after,
        ],
      )
      const [row] = rows
      if (row) return Number(row.last)
      if (lostAnswer) {
        const found = await connection.run<{ writer: string; last: string }>(sql.batchWriter, [
          ...key,
          clock(),
          after + 1,
        ])
        const [batch] = found.rows
        if (batch?.writer === writer) return Number(batch.last)
      }
      throw lostRace()
    },

    async read(log, after, limit = Number.POSITIVE_INFINITY) {
      if (limit < 1) return []
      type Row = { first: string; values: string }
      // Each batch has at least one entry, so this number of batches is enough.
      const { rows } = await connection.run<Row>(sql.read, [
        ...keyOf(log),
        clock(),
        after,
        limit < 2 ** 31 ? Math.floor(limit) : null,
      ])
      const entries: StoredEntry[] = []
      for (const { first, values } of rows) {
        const batch: readonly JsonValue[] = JSON.parse(values)
        for (const [i, value] of batch.entries()) {
          const seq = Number(first) + i
          if (seq > after && entries.length < limit) entries.push({ seq, value })
        }
      }
      return entries
    },

    wait: (watches, signal) => wakeUps.wait(watches, signal),

    async close() {
      clearInterval(sweeper)
      await listener.close()
      await connection.close()
    },
  }
}

const newToken = () => randomBytes(9).toString('base64url')

const lostRace = () => new StoreConflict('Another writer was first')

function toJson(value: JsonValue | readonly JsonValue[]): string {
  const text = JSON.stringify(value)
  if (text.length <= LARGEST_VALUE) return text
  throw new ValueTooLarge(
    `A value of ${text.length} characters: the store keeps at most ${LARGEST_VALUE}`,
  )
}
