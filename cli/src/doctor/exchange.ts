/** Sends plain HTTP requests to a server under examination, and records everything with its time. */

import type { FetchLike } from '@modelcontextprotocol/client'
import { isObject, parseJson } from '../json.ts'
import { Problem } from '../problem.ts'

/** The largest number of characters of one answer, against servers whose answer never ends. */
const LONGEST_ANSWER = 2_000_000

export interface ServerEvent {
  readonly id?: string
  readonly data: string
  /** Milliseconds since the request was sent. */
  readonly at: number
}

export interface Exchange {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body, or in a stream the message with an id. */
  readonly json: unknown
  readonly events: readonly ServerEvent[]
  /** Milliseconds until the headers came, and until the body ended. */
  readonly firstByte: number
  readonly total: number
}

export interface ExchangeOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** Milliseconds. @default 15000 */
  readonly timeout?: number
  /** Returns true to stop reading a stream early. */
  readonly until?: (event: ServerEvent) => boolean
}

/** Sends a request and reads its whole answer. A stream that is still open at the timeout ends without an error. */
export async function exchange(
  fetch: FetchLike,
  url: string | URL,
  { method = 'GET', headers = {}, body, timeout = 15_000, until }: ExchangeOptions = {},
): Promise<Exchange> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeout)
  const started = performance.now()
  const since = (): number => performance.now() - started
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: controller.signal,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const firstByte = since()
    const streaming = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    const { text, events } = await drain(response, streaming, since, controller.signal, until)
    controller.abort()
    const json = streaming
      ? events.map(({ data }) => parseJson(data)).find(isReply)
      : parseJson(text)
    return {
      status: response.status,
      headers: response.headers,
      text,
      json,
      events,
      firstByte,
      total: since(),
    }
  } finally {
    clearTimeout(timer)
  }
}

async function drain(
  response: Response,
  streaming: boolean,
  since: () => number,
  signal: AbortSignal,
  until: ExchangeOptions['until'],
): Promise<{ text: string; events: ServerEvent[] }> {
  const events: ServerEvent[] = []
  let text = ''
  let parsed = 0
  const reader = response.body?.getReader()
  const abort = (): void => void reader?.cancel().catch(() => {})
  signal.addEventListener('abort', abort, { once: true })
  const decoder = new TextDecoder()
  try {
    for (;;) {
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) break
      text += decoder.decode(chunk.value, { stream: true })
      if (text.length > LONGEST_ANSWER) throw new Problem('The answer does not end.')
      if (!streaming) continue
      for (;;) {
        const end = /\r?\n\r?\n/.exec(text.slice(parsed))
        if (end === null) break
        const event = parseEvent(text.slice(parsed, parsed + end.index), since())
        parsed += end.index + end[0].length
        if (event === undefined) continue
        events.push(event)
        if (until?.(event)) return { text, events }
      }
    }
  } catch (error) {
    // Some streams never end by themselves, so the answer is everything until the timeout.
    if (!streaming || error instanceof Problem) throw error
  }
  if (!streaming) signal.throwIfAborted()
  return { text, events }
}

function parseEvent(block: string, at: number): ServerEvent | undefined {
  const fields = block.split(/\r?\n/).map((line) => /^(\w+):? ?(.*)$/.exec(line))
  const values = (name: string): string[] =>
    fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []))
  const data = values('data')
  const id = values('id').at(-1)
  if (data.length === 0 && id === undefined) return undefined
  return { data: data.join('\n'), at, ...(id !== undefined && { id }) }
}

function isReply(message: unknown): boolean {
  return isObject(message) && ('result' in message || 'error' in message)
}
