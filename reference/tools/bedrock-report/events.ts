/** Reads usage through FilterLogEvents, the fallback: AWS sends every line, page by page. */
import type { LogsApi, Window } from './logs-api.ts'
import type { Entry } from './record.ts'
import { parseRecord } from './record.ts'

/**
 * Reads one window to its end, or until `mayRead` returns false. Returns whether it reached the end.
 * Only the current page is kept in memory.
 */
export async function readEvents(
  logs: LogsApi,
  group: string,
  window: Window,
  {
    signal,
    mayRead,
    onEntry,
    onMalformed,
    onPage,
  }: {
    signal: AbortSignal
    /** Is called before each page. */
    mayRead: () => boolean
    onEntry: (entry: Entry) => void
    onMalformed: (lines: number) => void
    /** Is called after each page with its number of lines and the time of its last line (epoch milliseconds). */
    onPage: (lines: number, reached: number) => void
  },
): Promise<boolean> {
  let token: string | undefined
  do {
    if (!mayRead()) return false
    const page = await logs.events(group, window, token, signal)
    let reached = window.from
    for (const { timestamp, message } of page.events) {
      const entry = parseRecord(message, timestamp)
      if (entry) onEntry(entry)
      else onMalformed(1)
      if (timestamp > reached) reached = timestamp
    }
    onPage(page.events.length, reached)
    // An empty page with a token is normal. The same token again would lead to an endless loop.
    if (page.nextToken === token && token !== undefined) return false
    token = page.nextToken
  } while (token)
  return true
}
