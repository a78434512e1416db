/** Limits the size of answers, because an answer that never ends would take all memory. */

import type { FetchLike } from '@modelcontextprotocol/client'
import { exitCodes, Problem } from './problem.ts'

/** The largest number of bytes of a body, or of one event of a stream. */
export const MESSAGE_LIMIT = 16 * 1024 * 1024

/** Wraps a `fetch`. `exceeded` receives the error, because the client library loses it for a stream. */
export function limitedFetch(
  fetch: FetchLike,
  limit = MESSAGE_LIMIT,
  exceeded: (reason: Problem) => void = () => {},
): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (response.body === null) return response
    const events = response.headers.get('content-type')?.includes('text/event-stream') === true
    const { status, statusText, headers } = response
    const limited = new Response(response.body.pipeThrough(limiter(limit, events, exceeded)), {
      status,
      statusText,
      headers,
    })
    // A response that is created here has no URL, but the library reads it.
    Object.defineProperty(limited, 'url', { value: response.url })
    return limited
  }
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** Counts bytes; in a stream of events, the bytes since the last empty line. */
function limiter(
  limit: number,
  events: boolean,
  exceeded: (reason: Problem) => void,
): TransformStream<Uint8Array, Uint8Array> {
  let count = 0
  let lineIsEmpty = true
  return new TransformStream({
    transform(chunk, controller) {
      count += chunk.length
      if (events) {
        for (let index = 0; index < chunk.length; index++) {
          const byte = chunk[index]
          if (byte === CARRIAGE_RETURN) continue
          if (byte === LINE_FEED && lineIsEmpty) count = chunk.length - index - 1
          lineIsEmpty = byte === LINE_FEED
        }
      }
      if (count <= limit) {
        controller.enqueue(chunk)
        return
      }
      const reason = tooLarge(limit)
      exceeded(reason)
      controller.error(reason)
    },
  })
}

function tooLarge(limit: number): Problem {
  const size = limit >= 1_048_576 ? `${limit / 1_048_576} MiB` : `${limit} bytes`
  return new Problem(`The server sent more than ${size} in one message.`, {
    exit: exitCodes.unreachable,
    next: 'Ask it for less, or look at what it sends with --debug.',
  })
}
