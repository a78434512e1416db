/** Calls the usage report with a stand-in for CloudWatch Logs. */
import type { BedrockReportOptions } from '../../reference/tools/bedrock-report.ts'
import { bedrockReport } from '../../reference/tools/bedrock-report.ts'
import { pause } from '../../reference/tools/pause.ts'
import { closing } from './fake-aws.ts'
import type { FakeLogs, FakeLogsOptions } from './fake-logs.ts'
import { logGroup, startFakeLogs } from './fake-logs.ts'
import type { LogEvent } from './insights-query.ts'
import type { Calling, Progress } from './tool-calls.ts'
import { callTool, serverWith, textOf } from './tool-calls.ts'

export const day = 86_400_000
/** A time within a second, so that tests can distinguish limits in milliseconds from limits in seconds. */
export const now = Date.parse('2025-04-08T12:00:00.500Z')
export const group = '/aws/bedrock/modelinvocations'

export async function useLogs(
  events: readonly LogEvent[],
  options: Partial<FakeLogsOptions> & { created?: number } = {},
): Promise<FakeLogs> {
  const { created, ...rest } = options
  const logs = closing(
    await startFakeLogs({ groups: { [group]: logGroup(events, created) }, polls: 1, ...rest }),
  )
  process.env.AWS_ENDPOINT_URL_CLOUDWATCH_LOGS = logs.url
  return logs
}

export interface ReportAnswer {
  text: string
  failed: boolean
  // biome-ignore lint/suspicious/noExplicitAny: checked against the output schema by the client
  data: any
  images: { data: string; mimeType: string }[]
  progress: Progress[]
}

/** Calls the tool. Pauses take a fiftieth of their time. */
export async function report(
  args: Record<string, unknown> = {},
  options: BedrockReportOptions = {},
  calling: Calling = {},
): Promise<ReportAnswer> {
  const mcp = serverWith((server) =>
    bedrockReport(server, {
      clock: () => now,
      pause: (milliseconds, stop) => pause(milliseconds / 50, stop),
      ...options,
    }),
  )
  const progress: Progress[] = []
  const result = await callTool(
    mcp,
    'get_bedrock_usage_report',
    { region: 'us-east-1', log_group_name: group, days: 7, ...args },
    { ...calling, onprogress: (one) => progress.push(one) },
  )
  return {
    text: textOf(result),
    failed: result.isError === true,
    data: result.structuredContent,
    images: result.content.flatMap((block) => (block.type === 'image' ? [block] : [])),
    progress,
  }
}

/** Makes Insights fail, so that every report uses FilterLogEvents. */
export const insightsDenied: Partial<FakeLogsOptions> = {
  refuse: ({ operation }) =>
    operation === 'StartQuery' ? { name: 'AccessDeniedException' } : undefined,
}
