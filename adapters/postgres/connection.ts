/** The connections of the PostgreSQL engine: a pool that is created at the first use. Errors are translated. */
import { Socket } from 'node:net'
import type { Client, Pool, QueryResultRow } from 'pg'
import { StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import { requireTimeout, withRetries } from '../shared/retry.ts'
import type { Statement } from './schema.ts'

/** Which database, and how to reach it: `url` or `pool`. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with the parameters of libpq such as `sslmode`. */
  url?: string | undefined
  /** A pool of your own instead. It stays open when the store is closed. */
  pool?: Pool | undefined
  /** The largest number of connections of the store's own pool. @default 10 */
  connections?: number | undefined
  /**
   * Milliseconds after which an operation fails, all attempts and pauses included.
   * @default 10_000
   */
  timeout?: number | undefined
  /**
   * Whether statements are prepared once per connection. Turn it off behind a pooler that gives each
   * transaction another connection, such as PgBouncer below version 1.21. @default true
   */
  prepare?: boolean | undefined
}

export interface Connection {
  /** Runs a statement, and repeats it after a lost connection; `lostAnswer` then tells that it may have run before. */
  run<Row extends QueryResultRow>(
    statement: Statement,
    parameters: readonly unknown[],
  ): Promise<{ rows: Row[]; lostAnswer: boolean }>
  /** Runs statements without parameters, once. */
  execute(text: string): Promise<void>
  /** Opens a separate connection that listens to a channel. Rejects when it cannot be opened. */
  listen(channel: string, onNotice: (payload: string) => void, onEnd: () => void): Promise<Client>
  close(): Promise<void>
}

const ENGINE = 'PostgreSQL'

export function connect(options: PostgresOptions): Connection {
  const { url, timeout = 10_000, connections = 10, prepare = true } = options
  requireTimeout(timeout)
  if (!url && !options.pool) throw new TypeError('postgresStore needs a url or a pool')
  let made: Promise<Pool> | undefined

  async function open(): Promise<Pool> {
    if (options.pool) return options.pool
    const { Pool } = await loadDriver()
    const pool = new Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: Math.ceil(timeout / 3),
      query_timeout: Math.ceil(timeout / 2),
      // With this setting the server ends a statement that the client no longer waits for.
      statement_timeout: Math.ceil(timeout / 2),
      allowExitOnIdle: true,
    })
    // A connection that breaks while idle is replaced at the next statement.
    pool.on('error', () => {})
    return pool
  }

  const pool = () => {
    made ??= open()
    return made
  }

  return {
    async run<Row extends QueryResultRow>(
      { name, text }: Statement,
      parameters: readonly unknown[],
    ) {
      const from = await pool()
      const values = [...parameters]
      let lostAnswer = false
      const { rows } = await withRetries({ timeout, engine: ENGINE, classify }, (mayBeDone) => {
        lostAnswer = mayBeDone
        return from.query<Row>({ text, values, ...(prepare && { name }) })
      })
      return { rows, lostAnswer }
    },
    async execute(text) {
      try {
        await (await pool()).query(text)
      } catch (error) {
        const kind = classify(error)
        throw kind instanceof Error
          ? kind
          : new StoreUnavailable('PostgreSQL cannot be reached', withCause(error))
      }
    },
    async listen(channel, onNotice, onEnd) {
      const { Client } = await loadDriver()
      const client = new Client({
        ...(url ? { connectionString: url } : options.pool?.options),
        connectionTimeoutMillis: Math.ceil(timeout / 3),
        keepAlive: true,
      })
      client.on('error', () => {})
      client.once('end', onEnd)
      client.on('notification', ({ payload }) => onNotice(payload ?? ''))
      await client.connect()
      await client.query(`LISTEN ${channel}`)
      // A connection that only waits for changes must not keep the process running.
      const { stream } = client.connection
      if (stream instanceof Socket) stream.unref()
      return client
    },
    async close() {
      if (!options.pool) await (await made)?.end()
    },
  }
}

async function loadDriver() {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (cause) {
    throw new Error('The PostgreSQL store needs the package pg', { cause })
  }
}

/** SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SERIALIZATION = new Set(['40001', '40P01'])
/** The server is starting, stopping, full of connections, or has become a replica. */
const REFUSED_FOR_NOW = new Set(['57P03', '53300', '25006'])
/** The server has used up its disk or memory, so waiting for seconds does not help. */
const NO_RESOURCES = new Set(['53000', '53100', '53200', '53400', '58030'])
/** The server ended the statement before it answered. */
const ENDED = new Set(['57P01', '57P02', '57014'])

function classify(error: unknown): 'refused' | 'unknown' | Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (SERIALIZATION.has(code) || REFUSED_FOR_NOW.has(code)) return 'refused'
  if (ENDED.has(code) || code.startsWith('08')) return 'unknown'
  const cause = withCause(error)
  if (NO_RESOURCES.has(code)) {
    return new StoreUnavailable('PostgreSQL takes no writes at the moment', cause)
  }
  if (code === '54000') return new ValueTooLarge('PostgreSQL holds no value of this size', cause)
  if (code === '42P01') {
    return new Error("The store's tables do not exist: create them with createTables()", cause)
  }
  if (code === '42501') return new Error('The user of PostgreSQL may not use the tables', cause)
  if (code.startsWith('28')) {
    return new Error('PostgreSQL does not accept the user and password of its URL', cause)
  }
  if (code === '3D000') return new Error('The database of the URL does not exist', cause)
  // Five characters are a SQLSTATE; the codes of Node begin with E and are longer.
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return new Error(`PostgreSQL refused an operation of the store (${code})`, cause)
  }
  return 'unknown'
}

/** Keeps only the message, because the driver's error may hold the values of the statement. */
function withCause(error: unknown): { cause: Error } {
  return { cause: new Error(error instanceof Error ? error.message : String(error)) }
}
