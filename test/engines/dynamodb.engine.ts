/** The store contract on DynamoDB through its SDK, and on an endpoint that `TEST_DYNAMODB_ENDPOINT` names. */
import { randomUUID } from 'node:crypto'
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { it } from 'vitest'
import { createTable, dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import { describeStore } from '../suites/store-contract.ts'
import { startDynalite } from '../support/dynalite.ts'

describeStore('dynamoStore through the SDK on dynalite', async (clock) => {
  const { table, client, close } = await startDynalite()
  return {
    store: dynamoStore({ table, client: client(), clock }),
    peer: dynamoStore({ table, client: client(), clock }),
    close,
  }
})

const endpoint = process.env.TEST_DYNAMODB_ENDPOINT

if (endpoint) {
  describeStore(`dynamoStore on ${endpoint}`, async (clock) => {
    const table = `streamable-mcp-test-${randomUUID()}`
    const client = new DynamoDBClient({ endpoint })
    await createTable({ table, client })
    return {
      store: dynamoStore({ table, client, clock }),
      peer: dynamoStore({ table, client, clock }),
      async close() {
        await client.send(new DeleteTableCommand({ TableName: table }))
        client.destroy()
      },
    }
  })
} else {
  const title = 'the store contract, dynamoStore on TEST_DYNAMODB_ENDPOINT: not set, so not run'
  console.error(title)
  // This part needs an endpoint from the environment. Without one it shows as skipped.
  it.skip(title)
}
