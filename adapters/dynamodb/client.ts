/** How the DynamoDB engine talks to AWS: a client made on first use, requests that end in bounded time, errors in our words. */

import type {
  DynamoDBClient,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb'
import { StoreUnavailable, ValueTooLarge } from '../../src/index.ts'

type Sdk = typeof import('@aws-sdk/client-dynamodb')

/** What `client.send` accepts, by what it answers. */
type Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Parameters<
  typeof DynamoDBClient.prototype.send<Input, Output>
>[0]

export interface DynamoOptions {
  table: string
  /** A client of your own; `region` and `endpoint` then say nothing, its settings hold. */
  client?: DynamoDBClient | undefined
  /** @default what the SDK finds: `AWS_REGION`, the profile */
  region?: string | undefined
  /** @default what the SDK finds: `AWS_ENDPOINT_URL_DYNAMODB`, else AWS itself */
  endpoint?: string | undefined
  /**
   * Milliseconds after which an operation is given up, all attempts and pauses included.
   * @default 10_000
   */
  timeout?: number | undefined
}

/**
 * The condition of a write did not hold. `unsure`: an earlier attempt of the same request got no
 * firm answer, so this may be the write itself that made the condition false.
 */
export class ConditionFailed extends Error {
  override name = 'ConditionFailed'
  readonly unsure: boolean

  constructor(unsure: boolean) {
    super('The condition of the write did not hold')
    this.unsure = unsure
  }
}

export interface Connection {
  /** Throws {@link ConditionFailed}, {@link StoreUnavailable}, {@link ValueTooLarge}, or an error of one clear sentence. */
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: (sdk: Sdk) => Command<Input, Output>,
  ): Promise<Output>
}

/**
 * Attempts of one request, by the SDK's standard retries. Its adaptive ones slow the whole client down
 * for one hot key: with a fifth of the requests throttled, a median write took 1.9 s and every third
 * was given up, where standard retries took 7 ms and gave up none to speak of.
 */
const ATTEMPTS = 4

/** One client per call of this function, made by the first `send`. */
export function connect(options: DynamoOptions): Connection {
  const { table, timeout = 10_000 } = options
  // timers hold 31 bits: beyond them, each operation would be given up at once
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError(`timeout must be from 1 to ${2 ** 31 - 1} milliseconds, not ${timeout}`)
  }
  let made: Promise<{ sdk: Sdk; client: DynamoDBClient }> | undefined

  const make = async () => {
    const sdk = await loadSdk()
    const { region, endpoint } = options
    const client =
      options.client ??
      new sdk.DynamoDBClient({
        ...(region !== undefined && { region }),
        ...(endpoint !== undefined && { endpoint }),
        retryMode: 'standard',
        maxAttempts: ATTEMPTS,
        requestHandler: {
          connectionTimeout: Math.ceil(timeout / 5),
          requestTimeout: Math.ceil(timeout / 3),
          throwOnRequestTimeout: true,
        },
      })
    return { sdk, client }
  }

  return {
    async send(command) {
      made ??= make()
      const { sdk, client } = await made
      const request = command(sdk)
      let unsure = false
      request.middlewareStack.add(
        (next) => async (args) => {
          try {
            return await next(args)
          } catch (error) {
            unsure ||= !isRefusal(error)
            throw error
          }
        },
        // Below the retries, so that it sees every attempt, and above the parsing of answers.
        { step: 'finalizeRequest', priority: 'low', name: 'noteUnsureAttempts' },
      )
      try {
        return await within(timeout, (abortSignal) => client.send(request, { abortSignal }))
      } catch (error) {
        if (nameOf(error) === 'ConditionalCheckFailedException') throw new ConditionFailed(unsure)
        throw translate(error, table)
      }
    },
  }
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-dynamodb')
  } catch (cause) {
    throw new Error('The DynamoDB store needs the package @aws-sdk/client-dynamodb', { cause })
  }
}

/** The signal alone would not do: the SDK does not look at it while it waits for credentials. */
async function within<T>(
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreUnavailable(`DynamoDB did not answer within ${milliseconds} ms`))
      controller.abort()
    }, milliseconds)
  })
  try {
    return await Promise.race([run(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Answered with a 4xx: this attempt has changed nothing. After anything else it may have. */
function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500
}

const THROTTLED = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TooManyRequestsException',
])

const UNREACHABLE = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

const BAD_CREDENTIALS = new Set([
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
])

/** What DynamoDB or the SDK said, in our words: one class for "later", one for "never", one sentence for the rest. */
function translate(error: unknown, table: string): Error {
  if (error instanceof StoreUnavailable) return error
  const name = nameOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const status = statusOf(error)
  // The SDK's own error holds the whole request, signature and sockets included: not for a log.
  const options = { cause: Object.assign(new Error(message), { name }) }

  if (THROTTLED.has(name) || status === 429) {
    return new StoreUnavailable('DynamoDB asks to slow down', options)
  }
  if (status !== undefined && status >= 500) {
    return new StoreUnavailable(`DynamoDB answered with status ${status}`, options)
  }
  if (name === 'TimeoutError' || name === 'AbortError' || UNREACHABLE.has(codeOf(error))) {
    return new StoreUnavailable('DynamoDB cannot be reached', options)
  }
  if (name === 'ResourceNotFoundException') {
    return new Error(`There is no DynamoDB table "${table}" at this endpoint and region`, options)
  }
  if (name === 'AccessDeniedException') {
    return new Error(
      `The AWS credentials may not use the DynamoDB table "${table}" as the store must`,
      options,
    )
  }
  if (name === 'CredentialsProviderError') {
    return new Error('There are no AWS credentials for DynamoDB', options)
  }
  if (BAD_CREDENTIALS.has(name)) {
    return new Error('DynamoDB does not accept the AWS credentials', options)
  }
  if (/^Region is missing/.test(message)) {
    return new Error('There is no AWS region for DynamoDB: set AWS_REGION', options)
  }
  if (name === 'ValidationException' && /item size/i.test(message)) {
    return new ValueTooLarge('DynamoDB holds no item of more than 400 KB', options)
  }
  if (name === 'ValidationException' && SCHEMA.test(message)) {
    return new Error(
      `The DynamoDB table "${table}" has another key schema than pk (string, partition key) and sk (string, sort key)`,
      options,
    )
  }
  return new Error(`A request on the DynamoDB table "${table}" failed: ${message}`, options)
}

/** The ways in which DynamoDB says that a key is not one of this table's. */
const SCHEMA =
  /does not match the schema|type mismatch for key|key schema|number of conditions on the keys|key condition not supported|match schema type|required keys/i

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}
