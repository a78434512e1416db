/**
 * A stand-in for the Bedrock runtime's ConverseStream over HTTP/2, for AWS's clients. They reach it
 * through `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`.
 */
import type { ServerHttp2Session } from 'node:http2'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'

export interface ConverseRequest {
  readonly modelId: string
  readonly messages: readonly { readonly role: string; readonly content: readonly Block[] }[]
  readonly toolConfig?: { readonly tools: readonly { readonly toolSpec: { name: string } }[] }
}

export interface Block {
  readonly text?: string
  readonly toolUse?: { readonly name: string; readonly input: unknown }
  readonly toolResult?: { readonly content: readonly { readonly text?: string }[] }
}

/** An answer of the model: pieces of text, a tool call, or an error of AWS. */
export type Answer =
  | { readonly text: AsyncIterable<string> | Iterable<string> }
  | { readonly tool: string; readonly input: Record<string, unknown> }
  | { readonly refuse: string; readonly status: number }

export interface FakeBedrock {
  readonly url: string
  readonly requests: readonly ConverseRequest[]
  /** The number of answers that the caller cancelled. */
  readonly cancelled: number
  close(): Promise<void>
}

export async function startFakeBedrock(
  model: (request: ConverseRequest) => Answer,
): Promise<FakeBedrock> {
  const requests: ConverseRequest[] = []
  const sessions = new Set<ServerHttp2Session>()
  let cancelled = 0
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => {})
    stream.on('aborted', () => cancelled++)
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const [, id = ''] = /^\/model\/([^/]+)\/converse-stream$/.exec(headers[':path'] ?? '') ?? []
    const request = {
      ...JSON.parse(Buffer.concat(chunks).toString()),
      modelId: decodeURIComponent(id),
    } as ConverseRequest
    requests.push(request)
    const answer = model(request)
    if ('refuse' in answer) {
      stream.respond({ ':status': answer.status, 'x-amzn-errortype': answer.refuse })
      stream.end(JSON.stringify({ message: 'refused' }))
      return
    }
    stream.respond({ ':status': 200, 'content-type': 'application/vnd.amazon.eventstream' })
    for await (const [type, payload] of events(answer)) {
      if (stream.destroyed) break
      stream.write(encode(type, payload))
    }
    if (!stream.destroyed) stream.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get cancelled() {
      return cancelled
    },
    async close() {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function* events(
  answer: Exclude<Answer, { refuse: string }>,
): AsyncGenerator<[type: string, payload: object]> {
  yield ['messageStart', { role: 'assistant' }]
  if ('tool' in answer) {
    const toolUse = { toolUseId: `use-${Math.random()}`, name: answer.tool }
    yield ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse } }]
    const input = JSON.stringify(answer.input)
    yield ['contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input } } }]
  } else {
    for await (const text of answer.text) {
      yield ['contentBlockDelta', { contentBlockIndex: 0, delta: { text } }]
    }
  }
  yield ['contentBlockStop', { contentBlockIndex: 0 }]
  yield ['messageStop', { stopReason: 'tool' in answer ? 'tool_use' : 'end_turn' }]
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  yield ['metadata', { usage, metrics: { latencyMs: 1 } }]
}

/** Encodes a message of `application/vnd.amazon.eventstream`: lengths, headers, payload, checksums. */
function encode(type: string, payload: object): Buffer {
  const body = Buffer.from(JSON.stringify(payload))
  const headers = Buffer.concat(
    Object.entries({
      ':event-type': type,
      ':content-type': 'application/json',
      ':message-type': 'event',
    }).flatMap(([name, value]) => [
      Buffer.from([name.length]),
      Buffer.from(name),
      // 7 means a string, with its length in two bytes.
      Buffer.from([7, value.length >> 8, value.length & 0xff]),
      Buffer.from(value),
    ]),
  )
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(12 + headers.length + body.length + 4, 0)
  prelude.writeUInt32BE(headers.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const message = Buffer.concat([prelude, headers, body])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(message), 0)
  return Buffer.concat([message, checksum])
}
