/**
 * The direct way to DynamoDB: a signed HTTPS request on a connection that is kept. The AWS SDK sorts its
 * middleware, serializes and signs anew for each call, which takes it several times as long.
 */
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import zlib from 'node:zlib'
import { createSigner } from '../shared/signature.ts'
import type { FailureKind } from './retry-quota.ts'
import { createRetryQuota } from './retry-quota.ts'
import type { DirectSettings } from './settings.ts'

/** DynamoDB's refusal of a request. `name` is its exception, such as `ThrottlingException`. */
export class DynamoError extends Error {
  readonly status: number

  constructor(name: string, message: string, status: number) {
    super(message)
    this.name = name
    this.status = status
  }
}

/** The answer does not come from DynamoDB: it is a page of a proxy, or its body was cut or changed on the way. */
export class MalformedAnswer extends Error {
  override name = 'MalformedAnswer'
}

/** DynamoDB did not answer within the time of one attempt. */
class AttemptTimeout extends Error {
  override name = 'TimeoutError'
}

export interface DirectClient {
  /** Returns the output of an operation. `onUnsure` is called when an attempt failed without a clear refusal. */
  send(
    operation: string,
    input: object,
    signal: AbortSignal,
    onUnsure: () => void,
  ): Promise<Record<string, unknown>>
}

const API_VERSION = 'DynamoDB_20120810'

const THROTTLING = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TooManyRequestsException',
])

/** Refusals that may mean that this machine's clock is wrong. */
const SKEWED = new Set([
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])

/** Milliseconds by which DynamoDB's clock and this one may differ. DynamoDB's own limit is 5 minutes. */
const TOLERATED_SKEW = 4 * 60_000

const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'UnrecognizedClientException'])

/** The largest number of connections to DynamoDB; the SDK has the same. */
const SOCKETS = 50

export interface DirectOptions {
  /** The time limit of one attempt, in milliseconds. */
  attemptTimeout: number
  /** The time of this machine in epoch milliseconds. @default Date.now */
  clock?: () => number
  /** Called for each attempt that DynamoDB refused because there were too many. */
  onThrottle?: () => void
}

export async function createDirectClient(
  settings: DirectSettings,
  { attemptTimeout, clock = Date.now, onThrottle }: DirectOptions,
): Promise<DirectClient> {
  const { endpoint } = settings
  const { Agent, request } = await loadHttp(endpoint.protocol)
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS })
  const sign = createSigner('dynamodb', settings.region)
  const quota = createRetryQuota()
  /** DynamoDB's clock minus this machine's, in milliseconds. */
  let clockOffset = 0

  async function attempt(
    operation: string,
    body: string,
    renewCredentials: boolean,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const credentials = await settings.credentials(renewCredentials)
    const unsigned = {
      'content-type': 'application/x-amz-json-1.0',
      host: endpoint.host,
      'x-amz-target': `${API_VERSION}.${operation}`,
    }
    const signed = sign({ headers: unsigned, body }, credentials, clock() + clockOffset)
    const headers = { ...signed, 'content-length': String(Buffer.byteLength(body)) }
    const { promise, resolve, reject } = withResolvers<IncomingMessage>()
    const outgoing = request(endpoint, { method: 'POST', agent, headers, signal }, resolve)
    // This signal also ends an answer that stops in the middle.
    const timer = setTimeout(() => {
      outgoing.destroy(new AttemptTimeout(`No answer within ${attemptTimeout} ms`))
    }, attemptTimeout)
    outgoing.on('error', reject)
    outgoing.end(body)
    try {
      const response = await promise
      const bytes = await readBody(response)
      if (response.statusCode === 200) return toOutput(response, bytes)
      const error = toError(response, bytes)
      adjustClock(error, response)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  function adjustClock(error: DynamoError, { headers }: IncomingMessage): void {
    const theirs = Date.parse(headers.date ?? '')
    if (!SKEWED.has(error.name) || Number.isNaN(theirs)) return
    const offset = theirs - clock()
    if (Math.abs(offset - clockOffset) < TOLERATED_SKEW) return
    clockOffset = offset
    error.name = 'RequestTimeTooSkewed'
  }

  return {
    async send(operation, input, signal, onUnsure) {
      const body = JSON.stringify(input)
      let lastFailure: FailureKind | undefined
      let renewed = false
      for (let count = 1; ; count++) {
        const renew = renewed && count === 2
        try {
          const output = await attempt(operation, body, renew, signal)
          quota.succeeded(lastFailure)
          return output
        } catch (error) {
          const refused = error instanceof DynamoError && error.status < 500
          if (!refused) onUnsure()
          if (signal.aborted) throw error
          if (refused && EXPIRED.has(error.name) && count === 1) {
            // Credentials can expire during the request, or be withdrawn before they expire.
            renewed = true
            continue
          }
          const kind = kindOf(error)
          if (kind === 'throttled') onThrottle?.()
          const pause = kind && quota.pause(count, kind)
          if (pause === undefined) throw error
          lastFailure = kind
          await delay(pause, undefined, { signal })
        }
      }
    },
  }
}

/** Tells whether another attempt can help; undefined for a refusal that would be the same again. */
function kindOf(error: unknown): FailureKind | undefined {
  if (!(error instanceof DynamoError)) return 'failed'
  if (THROTTLING.has(error.name)) return 'throttled'
  if (error.status === 429) return 'throttled'
  return error.status >= 500 || error.name === 'RequestTimeTooSkewed' ? 'failed' : undefined
}

/** Gets Node's modules without an import, which would add 40 ms to a cold start of Node 24; the built-in lookup takes 4. */
async function loadHttp(protocol: string) {
  const name = protocol === 'http:' ? 'node:http' : 'node:https'
  return process.getBuiltinModule?.(name) ?? import(name)
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/** Throws for an answer of another form, so that it is never read as "there is no such item". */
function toOutput({ headers }: IncomingMessage, bytes: Buffer): Record<string, unknown> {
  const checksum = headers['x-amz-crc32']
  // Node has this function since 20.15.
  if (checksum !== undefined && zlib.crc32 && zlib.crc32(bytes) !== Number(checksum)) {
    throw new MalformedAnswer('The checksum of the answer does not fit')
  }
  const output = parseObject(bytes)
  if (!/^application\/x-amz-json/.test(headers['content-type'] ?? '') || !output) {
    throw new MalformedAnswer("The answer is not DynamoDB's JSON")
  }
  return output
}

function toError({ headers, statusCode = 0 }: IncomingMessage, bytes: Buffer): DynamoError {
  const body = parseObject(bytes) ?? {}
  // com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException
  const type = String(headers['x-amzn-errortype'] ?? body.__type ?? `Status${statusCode}`)
  const name = type.split(':')[0]?.split('#').at(-1) ?? type
  return new DynamoError(name, String(body.message ?? body.Message ?? ''), statusCode)
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((...functions) => {
    ;[resolve, reject] = functions
  })
  return { promise, resolve, reject }
}
