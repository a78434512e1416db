/** Reads a request's body from Node itself: through the Request its bytes would be copied. */
import { IncomingMessage } from 'node:http'

/**
 * A request that knows whether an app in front has asked for its body or cloned it. Then the stream that
 * the app was given takes the bytes, and a second reader would miss them. Before @hono/node-server makes
 * that stream, it looks at `rawBody` for a body that its host has read already.
 */
export class BodyAwareMessage extends IncomingMessage {
  declare asked?: true
  get rawBody(): undefined {
    this.asked = true
    return undefined
  }
}

/**
 * The body as bytes. Resolves with undefined when it is longer than `limit`. Returns undefined when the
 * body has to be read from the Request instead.
 */
export function readBody(
  incoming: BodyAwareMessage,
  limit: number,
): Promise<Uint8Array | undefined> | undefined {
  if (Number(incoming.headers['content-length']) > limit) return Promise.resolve(undefined)
  // Something has read it already, or the client left after it had sent all of it.
  if (incoming.readableDidRead || incoming.destroyed || incoming.asked) return undefined
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= limit) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(undefined)
      }
    })
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    incoming.on('error', reject)
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(new Error('The client left before its request was whole'))
    })
  })
}
