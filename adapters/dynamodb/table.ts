/** The table of the DynamoDB engine: checks whether it exists and can be used, and creates one for local work. */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreUnavailable } from '../../src/index.ts'
import { ConditionFailed, connect, nameOf } from './client.ts'
import { recordKey } from './item.ts'
import type { DynamoOptions } from './options.ts'

/**
 * Tries every kind of request that the store makes and changes nothing. Throws one sentence that says what
 * is wrong: the table does not exist or has other keys, rights are missing, there are no credentials, or
 * DynamoDB cannot be reached (`StoreUnavailable`). It needs only the rights that the store needs.
 */
export async function checkTable(options: DynamoOptions): Promise<void> {
  const { table } = options
  const { call } = connect(options)
  const key = recordKey(['check', randomUUID()])
  const onKey = { TableName: table, Key: { ...key } }
  // This condition never holds, so nothing is written.
  const never = { ConditionExpression: 'attribute_exists(pk)' }

  const probes = {
    GetItem: call('GetItem', { ...onKey, ConsistentRead: true }),
    PutItem: call('PutItem', { TableName: table, Item: { ...key }, ...never }),
    UpdateItem: call('UpdateItem', { ...onKey, ...never }),
    DeleteItem: call('DeleteItem', { ...onKey, ...never }),
    Query: call('Query', {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :sk AND :sk',
      ExpressionAttributeValues: { ':pk': key.pk, ':sk': key.sk },
      ConsistentRead: true,
    }),
  }
  const failures: { operation: string; error: unknown }[] = []
  await Promise.all(
    Object.entries(probes).map(([operation, probe]) =>
      (probe as Promise<unknown>).catch((error: unknown) => {
        if (!(error instanceof ConditionFailed)) failures.push({ operation, error })
      }),
    ),
  )
  const denied = failures.filter(({ error }) => causeOf(error) === 'AccessDeniedException')
  const other = failures.find((failure) => !denied.includes(failure))
  if (other) throw other.error
  if (denied.length > 0) {
    const rights = denied.map(({ operation }) => `dynamodb:${operation}`).join(', ')
    throw new Error(`The AWS credentials lack ${rights} on the DynamoDB table "${table}"`)
  }
}

/**
 * Creates the table, billed on demand, unless it exists, waits until it can be used, and turns on the
 * deletion of expired items. It is for local work and tests: a deployment declares its table in its template.
 */
export async function createTable(options: DynamoOptions): Promise<void> {
  const { table } = options
  const { send } = connect(options)
  const key = { pk: 'HASH', sk: 'RANGE' } as const
  const create = send(
    (sdk) =>
      new sdk.CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: Object.entries(key).map(([AttributeName, KeyType]) => ({
          AttributeName,
          KeyType,
        })),
        AttributeDefinitions: Object.keys(key).map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
      }),
  )
  await tolerate(create, (name) => name === 'ResourceInUseException')

  await untilActive()
  const expire = send(
    (sdk) =>
      new sdk.UpdateTimeToLiveCommand({
        TableName: table,
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      }),
  )
  await tolerate(
    expire,
    (name, message) =>
      // The stand-in dynalite does not know this operation, so it never deletes expired items.
      name === 'UnknownOperationException' ||
      (name === 'ValidationException' && /already enabled/i.test(message)),
  )
  await checkTable(options)

  async function untilActive(): Promise<void> {
    for (const end = Date.now() + ACTIVE_WITHIN; Date.now() < end; await sleep(200)) {
      try {
        const { Table } = await send((sdk) => new sdk.DescribeTableCommand({ TableName: table }))
        if (Table?.TableStatus === 'ACTIVE') return
      } catch (error) {
        // Just after its creation, some servers of DynamoDB may not know the table yet.
        if (causeOf(error) !== 'ResourceNotFoundException') throw error
      }
    }
    throw new StoreUnavailable(
      `The DynamoDB table "${table}" was not active within ${ACTIVE_WITHIN} ms`,
    )
  }
}

const ACTIVE_WITHIN = 60_000

async function tolerate(
  promise: Promise<unknown>,
  tolerable: (name: string, message: string) => boolean,
): Promise<void> {
  try {
    await promise
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (!(cause instanceof Error) || !tolerable(cause.name, cause.message)) throw error
  }
}

const causeOf = (error: unknown) => (error instanceof Error ? nameOf(error.cause) : '')
