/** Makes the usage report that a caller asks for. Loaded with the first call of the tool. */
import type { ToolContext } from '../../../src/index.ts'
import { image, showsApps, text } from '../../../src/index.ts'
import { pause } from '../pause.ts'
import { chartData, drawChart } from './chart.ts'
import { defaultLimits } from './collect.ts'
import type { BedrockReportOptions, ReportArguments } from './input.ts'
import { openLogs } from './logs-api.ts'
import { costsOf } from './prices.ts'
import { DAY_MS } from './record.ts'
import { createReport } from './report.ts'
import { toStructured } from './structured.ts'
import { reportText } from './text.ts'

/** The time before the host's deadline that is kept for stopping queries, for the chart and for the answer. */
const RESERVE_MS = 10_000

export async function runReport(
  { region, log_group_name, days, aws_account_id, group_by, chart }: ReportArguments,
  ctx: ToolContext<false>,
  options: BedrockReportOptions,
) {
  const { roleArn, prices, clock = Date.now, pause: sleep = pause } = options
  const limits = { ...defaultLimits, ...options.limits }
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
}
