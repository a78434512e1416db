/** Reads the messages of a response: one JSON body, or a stream of events (WHATWG HTML, section 9.2.6). */

import type { Message } from './peer.ts'
import { isJson } from './peer.ts'

/** One event, or the whole of a JSON body. */
export interface Received {
  readonly message: Message | undefined
  /** The id to resume after. */
  readonly id?: string
  /** Milliseconds to wait before a reconnection. */
  readonly retry?: number
}

/** Characters of one message at most, so that a server cannot fill the memory. */
const LONGEST = 64 * 1024 * 1024

/** Yields what arrives. Ends when the body does; throws for a body that is not JSON. */
export async function* received(response: Response): AsyncGenerator<Received> {
  const { body } = response
  if (!body) return
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    const text = await response.text()
    if (text) yield { message: toMessage(text) }
    return
  }
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true })
    if (rest.length > LONGEST) throw new Error('A message of the other server is too long')
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/)
    rest = blocks.pop() ?? ''
    for (const block of blocks) yield toEvent(block)
  }
}

function toEvent(block: string): Received {
  let data: string | undefined
  let id: string | undefined
  let retry: number | undefined
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
    if (field === 'id') id = value
    if (field === 'retry' && /^\d+$/.test(value)) retry = Number(value)
  }
  return {
    message: data ? toMessage(data) : undefined,
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry }),
  }
}

function toMessage(text: string): Message {
  const value: unknown = JSON.parse(text)
  if (!isJson(value)) throw new Error('The other server sent JSON that is not a message')
  const message: unknown = value
  return message as Message
}
