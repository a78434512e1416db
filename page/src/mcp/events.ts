/** Server-sent events from a stream of bytes (WHATWG HTML, section 9.2.6). */

export interface StreamEvent {
  readonly id?: string
  readonly data?: string
  readonly retry?: number
}

/** Yields each event as it arrives. `onText` gets every piece of text before it is parsed. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const text = decoder.decode(value, { stream: true })
      onText(text)
      rest += text
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/)
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield parseEvent(block)
    }
  } finally {
    // A caller that has its answer leaves the stream.
    await reader.cancel().catch(() => {})
  }
}

function parseEvent(block: string): StreamEvent {
  const event: { id?: string; data?: string; retry?: number } = {}
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`
    else if (field === 'id') event.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) event.retry = Number(value)
  }
  return event
}
