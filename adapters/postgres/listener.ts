/** LISTEN/NOTIFY of the PostgreSQL engine: one connection for all waits of a process. */
import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import type { Statements } from './schema.ts'

export interface ChangeListener {
  /** Resolves when changes of the place are announced to this process from now on. */
  watch(place: string): Promise<void>
  unwatch(place: string): void
  onNotice(listener: (place: string) => void): void
  /** Called when announcements may have been missed: after a lost connection. */
  onGap(listener: () => void): void
  close(): Promise<void>
}

/** Seconds for which changes of a watched place are announced. Waits subscribe again every 15 s, which renews it. */
const WATCH_SECONDS = 60

export function createChangeListener(
  connection: Connection,
  sql: Statements,
  channel: string,
): ChangeListener {
  const instance = randomUUID()
  const watched = new Set<string>()
  let notice = (_place: string) => {}
  let gap = () => {}
  let listening: ReturnType<Connection['listen']> | undefined
  let closed = false

  function listen(): ReturnType<Connection['listen']> {
    listening ??= connection
      .listen(
        channel,
        (place) => notice(place),
        () => {
          listening = undefined
          if (!closed) gap()
        },
      )
      .catch((error) => {
        listening = undefined
        throw error
      })
    return listening
  }

  return {
    async watch(place) {
      watched.add(place)
      await listen()
      // The row exists before the caller reads the place, so every later change finds the row and is announced.
      await connection.run(sql.watch, [place, instance, WATCH_SECONDS])
    },
    unwatch(place) {
      watched.delete(place)
      if (closed) return
      void connection
        .run(sql.unwatch, [place, instance])
        // A wait that began meanwhile wrote its row before this removal, so the row has to be written again.
        .then(() => (watched.has(place) ? this.watch(place) : undefined))
        // If this fails, the row stays until it expires.
        .catch(() => {})
    },
    onNotice(listener) {
      notice = listener
    },
    onGap(listener) {
      gap = listener
    },
    async close() {
      closed = true
      const client = await listening?.catch(() => undefined)
      await client?.end()
    },
  }
}
