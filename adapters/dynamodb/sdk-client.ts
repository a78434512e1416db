/** The way to DynamoDB through the AWS SDK: for a client that the caller passes, and for tables. */
import type {
  DynamoDBClient,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb'
import { ATTEMPTS } from './retry-quota.ts'

export type Sdk = typeof import('@aws-sdk/client-dynamodb')

/** A command that `client.send` accepts, by the type of its output. */
export type Command<
  Input extends ServiceInputTypes,
  Output extends ServiceOutputTypes,
> = Parameters<typeof DynamoDBClient.prototype.send<Input, Output>>[0]

export interface SdkClientOptions {
  client: DynamoDBClient | undefined
  region: string | undefined
  endpoint: string | undefined
  /** The time limit of an operation in milliseconds, all attempts included. */
  timeout: number
}

export async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-dynamodb')
  } catch (cause) {
    throw new Error('The DynamoDB store needs the package @aws-sdk/client-dynamodb', { cause })
  }
}

/**
 * The SDK's standard retries. Its adaptive retries slow the whole client down because of one busy key: with
 * a fifth of the requests throttled, a median write took 1.9 s and every third one failed. With standard
 * retries it took 7 ms and almost none failed.
 */
export function createSdkClient(sdk: Sdk, options: SdkClientOptions): DynamoDBClient {
  const { client, region, endpoint, timeout } = options
  return (
    client ??
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
  )
}

/** Calls `onUnsure` for each attempt of a request that failed without a clear refusal. */
export function noteUnsureAttempts<
  Input extends ServiceInputTypes,
  Output extends ServiceOutputTypes,
>(command: Command<Input, Output>, onUnsure: () => void): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        if (!isRefusal(error)) onUnsure()
        throw error
      }
    },
    // This step runs inside the retries, so that it sees every attempt, and around the parsing of answers.
    { step: 'finalizeRequest', priority: 'low', name: 'noteUnsureAttempts' },
  )
}

/** Tells whether the answer was a 4xx. Then this attempt has changed nothing; after any other failure it may have. */
function isRefusal(error: unknown): boolean {
  const status = sdkStatusOf(error)
  return status !== undefined && status >= 400 && status < 500
}

export function sdkStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}
