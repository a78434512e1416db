/** The store contract on every engine. */

import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import { memoryStore } from '../../src/index.ts'
import { describeStore } from '../suites/store-contract.ts'
import { startDynalite } from '../support/dynalite.ts'

describeStore('memoryStore', async (clock) => {
  const store = memoryStore({ clock })
  return { store, peer: store }
})

describeStore('dynamoStore by signed requests on dynalite', async (clock) => {
  const { table, direct, close } = await startDynalite()
  return {
    store: dynamoStore({ table, ...direct(), clock }),
    peer: dynamoStore({ table, ...direct(), clock }),
    close,
  }
})
