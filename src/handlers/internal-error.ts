/** Exceptions of handlers and of ours: the log gets them, the client only an id. */
import type { Server } from '../server.ts'

/** Logs an exception under a correlation id; returns the message for the client, which names only that id. */
export function logInternal({ log }: Server, message: string, error: unknown): string {
  const correlation = crypto.randomUUID().slice(0, 8)
  log({ level: 'error', message, correlation, error: describe(error) })
  return `Internal error (${correlation})`
}

/** The text of an exception, for the log only. A thrown object may itself throw when it is converted to text. */
export function describe(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? String(error)) : String(error)
  } catch {
    return 'An exception that cannot be converted to text'
  }
}
