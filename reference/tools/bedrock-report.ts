/** `get_bedrock_usage_report`: tokens used on Amazon Bedrock, by day, region, model and user (A5). */
import * as v from 'valibot'
import type { Mcp } from '../../src/index.ts'
import { app, image, showsApps, text } from '../../src/index.ts'
import { chartData, drawChart } from './bedrock-report/chart.ts'
import type { Limits } from './bedrock-report/collect.ts'
import { defaultLimits } from './bedrock-report/collect.ts'
import { openLogs } from './bedrock-report/logs-api.ts'
import type { Prices } from './bedrock-report/prices.ts'
import { costsOf } from './bedrock-report/prices.ts'
import { DAY_MS } from './bedrock-report/record.ts'
import { createReport } from './bedrock-report/report.ts'
import { Output, toStructured } from './bedrock-report/structured.ts'
import { reportText } from './bedrock-report/text.ts'
import { pause } from './pause.ts'

/** The time before the host's deadline that is kept for stopping queries, for the chart and for the answer. */
const RESERVE_MS = 10_000

const Input = v.object({
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

export function bedrockReport(mcp: Mcp, options: BedrockReportOptions = {}): void {
  const { roleArn, prices, clock = Date.now, pause: sleep = pause } = options
  const limits = { ...defaultLimits, ...options.limits }
  const page = app(mcp, 'bedrock-usage', {
    title: 'Bedrock usage',
    description: 'Usage by day, model and user',
    html: async () => (await import('./bedrock-report/app-page.ts')).PAGE,
    prefersBorder: true,
  })
  mcp.tool(
    'get_bedrock_usage_report',
    {
      ui: page,
      title: 'Bedrock usage report',
      description:
        'Get the daily usage of Amazon Bedrock from its model invocation log: requests, tokens, ' +
        'by day, region, model and user',
      input: Input,
      output: Output,
      annotations: { readOnlyHint: true },
    },
    async ({ region, log_group_name, days, aws_account_id, group_by, chart }, ctx) => {
      const timeLeft = (deadline = Number.POSITIVE_INFINITY) =>
        Math.max(0, deadline - clock() - RESERVE_MS)
      const logs = await openLogs({
        region,
        accountId: aws_account_id,
        roleArn,
      })
      try {
        const report = await createReport(
          logs,
          { region, group: log_group_name, days, groupBy: group_by },
          {
            signal: ctx.signal,
            limits: { ...limits, time: Math.min(limits.time, timeLeft(ctx.deadline)) },
            now: clock,
            sleep,
            onProgress(covered, lines) {
              const done = Math.round((covered / DAY_MS) * 100) / 100
              ctx.progress(done, days, `${done} of ${days} days, ${lines} log lines`)
            },
          },
        )
        const costs = prices && costsOf(report, prices)
        // A page draws the chart itself, in more ways than the image.
        const hasPage = showsApps(ctx)
        const drawn = chart === true && report.totals.requests > 0 && !hasPage
        return {
          content: [
            text(reportText(report, costs)),
            ...(drawn ? [image(await drawChart(report), 'image/png')] : []),
          ],
          structuredContent: toStructured(report, costs),
          ...(hasPage && { _meta: { 'streamable-mcp/models-by-day': chartData(report) } }),
        }
      } finally {
        logs.close()
      }
    },
  )
}
