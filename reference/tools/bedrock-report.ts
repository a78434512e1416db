/** `get_bedrock_usage_report`: tokens used on Amazon Bedrock, by day, region, model and user (A5). */
import type { Mcp } from '../../src/index.ts'
import { app } from '../../src/index.ts'
import type { BedrockReportOptions } from './bedrock-report/input.ts'
import { Input } from './bedrock-report/input.ts'
import { Output } from './bedrock-report/output.ts'

export type { BedrockReportOptions } from './bedrock-report/input.ts'

export function bedrockReport(mcp: Mcp, options: BedrockReportOptions = {}): void {
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
    async (args, ctx) => {
      // Most functions that have this tool answer other calls, whose first one should not wait for its code.
      const { runReport } = await import('./bedrock-report/run.ts')
      return runReport(args, ctx, options)
    },
  )
}
