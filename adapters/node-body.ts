/** Reads a request's body from Node's own request, because reading it through the `Request` copies the bytes. */
import { IncomingMessage } from 'node:http'

/**
 * A request that records whether an app in front has read or cloned its body. Then the app's stream takes
 * the bytes, and a second reader would miss them. The record is made when `rawBody` is read, because
 * @hono/node-server reads `rawBody` before it creates the stream.
 */
export class BodyAwareMessage extends IncomingMessage {
  declare asked?: true
  get rawBody(): undefined {
    this.asked = true
    return undefined
  }
}

/**
 * Reads the body as bytes. Resolves with undefined when it is longer than `limit`. Returns undefined when
 * the body has to be read from the `Request` instead.
 */
export function readBody(
  incoming: BodyAwareMessage,
  limit: number,
): Promise<Uint8Array | undefined> | undefined {
  if (Number(incoming.headers['content-length']) > limit) return Promise.resolve(undefined)
  // The body was read already, or the client left after it had sent the whole body.
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
