/** What every way to DynamoDB is told. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'

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
