/** A proxy in front of a DynamoDB endpoint, which counts requests and fails as the real service can. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * - `throttle`, `limit`: refused with 400 `ProvisionedThroughputExceededException`, `ThrottlingException`
 * - `deny`: refused with 400 `AccessDeniedException`
 * - `stall`: takes the request and never answers
 * - `error`: 500 without doing anything
 * - `lost-error`: does it, then answers 500
 * - `reset`: closes the connection without doing anything
 * - `lost-reset`: does it, then closes the connection without an answer
 * - `lost-stall`: does it, and never answers
 */
export type Fault =
  | 'throttle'
  | 'limit'
  | 'deny'
  | 'stall'
  | 'error'
  | 'lost-error'
  | 'reset'
  | 'lost-reset'
  | 'lost-stall'

export interface Faults extends AsyncDisposable {
  endpoint: string
  /** The number of requests since the last {@link reset}, by operation: `GetItem`, `PutItem`, … */
  counts: Record<string, number>
  /** The number of requests that failed since then. */
  failed: number
  reset(): void
  /** The share of requests that fail. They rotate through the `kinds`. @default 0 */
  rate: number
  kinds: Fault[]
  /** The faults of the next requests, one each, independent of `rate`; `ok` lets a request pass. */
  script: (Fault | 'ok')[]
  /** The faults of all requests of these operations. */
  operations: Record<string, Fault>
  /** The delay of each request in milliseconds. @default 0 */
  latency: number
  close(): Promise<void>
}

/** The faults that a retry can handle. */
export const PASSING_FAULTS: readonly Fault[] = [
  'throttle',
  'error',
  'lost-error',
  'limit',
  'reset',
  'lost-reset',
]

/** Starts the proxy. With the same `seed` and the same order of requests, a run repeats its faults. */
export async function startFaults(target: string, { seed = 1 } = {}): Promise<Faults> {
  const random = generator(seed)
  let turn = 0

  const server = createServer(async (incoming, outgoing) => {
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
    faults.counts[operation] = (faults.counts[operation] ?? 0) + 1
    const fault = faults.operations[operation] ?? nextFault()
    if (fault) faults.failed += 1
    const body = await readAll(incoming)
    if (faults.latency > 0) await new Promise((resolve) => setTimeout(resolve, faults.latency))
    await answer(incoming, outgoing, body, fault)
  })

  function nextFault(): Fault | undefined {
    const scripted = faults.script.shift()
    if (scripted) return scripted === 'ok' ? undefined : scripted
    if (random() >= faults.rate) return undefined
    turn += 1
    return faults.kinds[turn % faults.kinds.length]
  }

  async function answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
    fault: Fault | undefined,
  ): Promise<void> {
    switch (fault) {
      case 'throttle':
        return refuse(outgoing, 400, 'ProvisionedThroughputExceededException')
      case 'limit':
        return refuse(outgoing, 400, 'ThrottlingException')
      case 'deny':
        return refuse(outgoing, 400, 'AccessDeniedException')
      case 'stall':
        return
      case 'error':
        return refuse(outgoing, 500, 'InternalServerError')
      case 'reset':
        outgoing.destroy()
        return
    }
    const reply = await forward(target, incoming, body).catch(() => undefined)
    if (fault === 'lost-stall') return
    if (fault === 'lost-error') return refuse(outgoing, 500, 'InternalServerError')
    if (fault === 'lost-reset' || !reply) {
      outgoing.destroy()
      return
    }
    outgoing.writeHead(reply.status, reply.headers).end(reply.body)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const faults: Faults = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: {},
    failed: 0,
    reset() {
      faults.counts = {}
      faults.failed = 0
    },
    rate: 0,
    kinds: [...PASSING_FAULTS],
    script: [],
    operations: {},
    latency: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    [Symbol.asyncDispose]: () => faults.close(),
  }
  return faults
}

function refuse(outgoing: ServerResponse, status: number, type: string): void {
  const body = JSON.stringify({
    __type: `com.amazonaws.dynamodb.v20120810#${type}`,
    message: 'Injected by the test',
  })
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body)
}

interface Reply {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method, headers } = incoming
    const outgoing = request(target, { method, headers }, (reply) => {
      readAll(reply).then((answer) => {
        resolve({ status: reply.statusCode ?? 502, headers: reply.headers, body: answer })
      }, reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Returns mulberry32, a small random number generator with the same numbers on every machine. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
