/** How the DynamoDB engine talks to AWS: a client made on first use, requests with a time limit, and errors that are translated. */

import type {
  DeleteItemCommandInput,
  DeleteItemCommandOutput,
  DynamoDBClient,
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  ServiceInputTypes,
  ServiceOutputTypes,
  UpdateItemCommandInput,
  UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb'
import type { StoreStats } from '../../src/index.ts'
import { StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import type { DirectClient } from './direct-client.ts'
import { createDirectClient, DynamoError, MalformedAnswer } from './direct-client.ts'
import type { DynamoOptions } from './options.ts'
import type { Command, Sdk } from './sdk-client.ts'
import { createSdkClient, loadSdk, noteUnsureAttempts, sdkStatusOf } from './sdk-client.ts'
import { directSettings } from './settings.ts'

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

/** The operations on items that the store uses, each with its input and output. */
export interface ItemOperations {
  GetItem: [GetItemCommandInput, GetItemCommandOutput]
  PutItem: [PutItemCommandInput, PutItemCommandOutput]
  UpdateItem: [UpdateItemCommandInput, UpdateItemCommandOutput]
  DeleteItem: [DeleteItemCommandInput, DeleteItemCommandOutput]
  Query: [QueryCommandInput, QueryCommandOutput]
}

/** Its methods throw {@link ConditionFailed}, {@link StoreUnavailable}, {@link ValueTooLarge}, or an error of one clear sentence. */
export interface Connection {
  /** Runs an operation on items: by a signed request of our own where the settings allow it, otherwise by the SDK. */
  call<Name extends keyof ItemOperations>(
    operation: Name,
    input: ItemOperations[Name][0],
  ): Promise<Omit<ItemOperations[Name][1], '$metadata'>>
  /** Runs any other operation, always by the SDK. */
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: (sdk: Sdk) => Command<Input, Output>,
  ): Promise<Output>
  /** Counts of this client; its members are read again at each use. */
  readonly stats: StoreStats
}

/** Creates a client. It connects at its first operation. */
export function connect(options: DynamoOptions): Connection {
  const { table, timeout = 10_000 } = options
  // A timer holds 31 bits. With a larger timeout it would fire at once and fail every operation.
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError(`timeout must be from 1 to ${2 ** 31 - 1} milliseconds, not ${timeout}`)
  }
  const stats = { operations: 0, throttles: 0 }
  let direct: Promise<DirectClient | undefined> | undefined
  let viaSdk: Promise<{ sdk: Sdk; client: DynamoDBClient }> | undefined

  function openDirect(): Promise<DirectClient | undefined> {
    direct ??= directSettings(options).then(
      (settings) =>
        settings &&
        createDirectClient(settings, {
          attemptTimeout: Math.ceil(timeout / 3),
          onThrottle: () => stats.throttles++,
        }),
    )
    direct.catch(() => {
      direct = undefined
    })
    return direct
  }

  function openSdk() {
    viaSdk ??= loadSdk().then((sdk) => {
      const { client, region, endpoint } = options
      return { sdk, client: createSdkClient(sdk, { client, region, endpoint, timeout }) }
    })
    return viaSdk
  }

  /** Runs an operation within its time limit, and translates its errors. */
  async function run<T>(
    operate: (signal: AbortSignal, onUnsure: () => void) => Promise<T>,
  ): Promise<T> {
    let unsure = false
    const onUnsure = () => {
      unsure = true
    }
    try {
      return await within(timeout, (signal) => operate(signal, onUnsure))
    } catch (error) {
      if (nameOf(error) === 'ConditionalCheckFailedException') throw new ConditionFailed(unsure)
      throw translate(error, table)
    }
  }

  async function sendBySdk<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    make: (sdk: Sdk) => Command<Input, Output>,
    abortSignal: AbortSignal,
    onUnsure: () => void,
  ): Promise<Output> {
    const { sdk, client } = await openSdk()
    const command = make(sdk)
    noteUnsureAttempts(command, onUnsure)
    return client.send(command, { abortSignal })
  }

  return {
    call<Name extends keyof ItemOperations>(operation: Name, input: ItemOperations[Name][0]) {
      stats.operations++
      return run(async (signal, onUnsure) => {
        const client = await openDirect()
        const output: object = client
          ? await client.send(operation, input, signal, onUnsure)
          : await sendBySdk((sdk) => itemCommand(sdk, operation, input), signal, onUnsure)
        // Both ways return the operation's output: DynamoDB's JSON has the form of the SDK's types.
        return output as ItemOperations[Name][1]
      })
    },
    stats,
    send: (make) => run((signal, onUnsure) => sendBySdk(make, signal, onUnsure)),
  }
}

/** Returns the SDK's command for an operation on items. */
function itemCommand(
  sdk: Sdk,
  operation: keyof ItemOperations,
  input: ItemOperations[keyof ItemOperations][0],
): Command<ServiceInputTypes, ServiceOutputTypes> {
  const commands = {
    GetItem: sdk.GetItemCommand,
    PutItem: sdk.PutItemCommand,
    UpdateItem: sdk.UpdateItemCommand,
    DeleteItem: sdk.DeleteItemCommand,
    Query: sdk.QueryCommand,
  }
  const ItemCommand = commands[operation] as new (
    input: ServiceInputTypes,
  ) => Command<ServiceInputTypes, ServiceOutputTypes>
  return new ItemCommand(input)
}

/** Rejects when the signal aborts. The SDK alone does not, because it ignores the signal while it waits for credentials. */
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

/** Translates an error of DynamoDB or the SDK: one class for "try later", one for "never", one sentence for the rest. */
function translate(error: unknown, table: string): Error {
  if (error instanceof StoreUnavailable) return error
  const name = nameOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const status = statusOf(error)
  // The SDK's own error must not reach a log: it holds the whole request, with its signature.
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
  if (error instanceof MalformedAnswer) {
    return new StoreUnavailable('The answer did not come from DynamoDB, or was damaged', options)
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

/** Messages of DynamoDB which mean that the table has other keys. */
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
  return error instanceof DynamoError ? error.status : sdkStatusOf(error)
}
