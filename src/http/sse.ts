/** Server-sent events as text. */

/**
 * One event (WHATWG HTML, section 9.2.6). JSON text has no raw line breaks, so one `data` line holds it.
 */
export function sseEvent(data: string, id?: string): string {
  return id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`
}

/** An event with only an id to resume from, and the time to wait before reconnecting (B17, B18). */
export function ssePriming(id: string, retryMs?: number): string {
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
  return `id: ${id}\n${retry}data: \n\n`
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const
