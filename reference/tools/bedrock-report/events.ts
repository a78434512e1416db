/** Usage through FilterLogEvents: every line travels, page by page; the fallback. */
import type { LogsApi, Window } from './logs-api.ts'
import type { Entry } from './record.ts'
import { parseRecord } from './record.ts'

/**
 * Reads one window to its end, or until `mayRead` says no. Returns whether it got to the end.
 * Nothing is kept but the page at hand.
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
    /** Asked before each page. */
    mayRead: () => boolean
    onEntry: (entry: Entry) => void
    onMalformed: (lines: number) => void
    /** After each page: how many lines it had, and up to when it reached (epoch milliseconds). */
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
    // An empty page with a token is normal; a token that leads to itself would never end.
    if (page.nextToken === token && token !== undefined) return false
    token = page.nextToken
  } while (token)
  return true
}
