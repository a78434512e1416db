/** The options of every way to DynamoDB. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

/** Which table, and how to reach it. */
export interface DynamoOptions {
  /** The name of the table. It has the text keys `pk` and `sk`, and its time to live on `ttl`. */
  table: string
  /** A client of your own. Its settings are used, and `region` and `endpoint` are ignored. */
  client?: DynamoDBClient | undefined
  /** @default what the SDK finds: `AWS_REGION`, the profile */
  region?: string | undefined
  /** @default what the SDK finds: `AWS_ENDPOINT_URL_DYNAMODB`, else AWS itself */
  endpoint?: string | undefined
  /**
   * Milliseconds after which an operation fails, all attempts and pauses included.
   * @default 10_000
   */
  timeout?: number | undefined
}
