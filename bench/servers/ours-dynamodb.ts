/** Our own server on the DynamoDB table that the environment names. */
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import { serveOurs } from './our-tools.ts'

await serveOurs({ store: dynamoStore({ table: process.env.MCP_TABLE ?? 'bench' }) })
