/** What a caller may ask of the usage report, and what its operator decides. */
import * as v from 'valibot'
import type { pause } from '../pause.ts'
import type { Limits } from './collect.ts'
import type { Prices } from './prices.ts'

export const Input = v.object({
  // The region becomes part of a host name, so other characters are refused.
  region: v.pipe(
    v.string(),
    v.regex(/^[a-z]{2,4}(-[a-z]+)+-[0-9]+$/, 'Must be an AWS region such as us-east-1'),
    v.description('AWS region for CloudWatch Logs, such as us-east-1'),
  ),
  log_group_name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9_./#-]{1,512}$/, 'Must be the name of a log group'),
    v.description('Name of the CloudWatch log group that has the Bedrock invocation logs'),
  ),
  days: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(3_650),
    v.description('Number of past days to report on'),
  ),
  aws_account_id: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{12}$/, 'Must be an account number of 12 digits'),
      v.description("Read another AWS account's log, through a role the server may assume there"),
    ),
  ),
  group_by: v.optional(
    v.pipe(
      v.array(v.picklist(['day', 'region', 'model', 'user'])),
      v.minLength(1),
      v.maxLength(4),
      v.description(
        'One more table, by these together: ["day", "model"] is each model on each day',
      ),
    ),
  ),
  chart: v.optional(
    v.pipe(v.boolean(), v.description('Also draw the tokens per day by model, as a PNG')),
  ),
})

export type ReportArguments = v.InferOutput<typeof Input>

export interface BedrockReportOptions {
  /**
   * The role to assume when a caller names an account: its number replaces the one in this ARN. Without a
   * role, other accounts are refused.
   */
  roleArn?: string | undefined
  limits?: Partial<Limits> | undefined
  /** Prices by model: then the report tells what the usage costs. @default no costs */
  prices?: Prices | undefined
  clock?: (() => number) | undefined
  pause?: typeof pause
}
