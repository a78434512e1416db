/** Long keys of the DynamoDB store. */
import { describe, expect, it } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'

import { cpuOf } from '../support/cpu-time.ts'

describe('a key in DynamoDB', () => {
  it('takes the same time for every text', async () => {
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
    class Empty extends DynamoDBClient {
      override send = async () => ({}) as never
    }
    const store = dynamoStore({ table: 't', client: new Empty({ region: 'eu-west-1' }) })
    const cpuOfKey = (text: string) => cpuOf(() => store.get(['p', text.repeat(2_000_000)]))
    await cpuOfKey('x') // Compiles the code.
    // This took 50 times as long when the whole text was escaped first.
    expect((await cpuOfKey('%')) / (await cpuOfKey('x'))).toBeLessThan(8)
  })
})
