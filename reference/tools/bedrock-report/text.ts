/** The report as text, in the layout of the earlier server's report (A5). */
import type { Row, Usage } from './ledger.ts'
import { mostRelevant, totalTokens } from './ledger.ts'
import type { Costs } from './prices.ts'
import { dollars, unpricedNote } from './prices.ts'
import type { Report } from './report.ts'

const NOTHING_FOUND = 'No Bedrock usage data found for the specified period.'

export function reportText(report: Report, costs?: Costs): string {
  const { totals, tables } = report
  const notes = [...report.notes, ...unpricedNote(costs)]
  if (totals.requests === 0) return [NOTHING_FOUND, ...notes].join('\n\n')
  const cached = totals.cacheReadTokens + totals.cacheWriteTokens > 0
  const head = [
    `Bedrock Daily Usage Report (Past ${report.days} days - ${report.region})`,
    `Total Requests: ${totals.requests}`,
    `Total Input Tokens: ${totals.inputTokens}`,
    `Total Completion Tokens: ${totals.outputTokens}`,
    `Total Tokens: ${totalTokens(totals)}`,
  ]
  if (cached) {
    head.push(`Total Cache Read Tokens: ${totals.cacheReadTokens}`)
    head.push(`Total Cache Write Tokens: ${totals.cacheWriteTokens}`)
  }
  if (costs) head.push(`Estimated Cost: ${dollars(costs.total)}`)
  const sections = [
    section('Daily Totals', tables.day, cached, true, costs?.days),
    section('Region Summary', tables.region, cached),
    section('Model Summary', tables.model, cached, false, costs?.models),
  ]
  if (tables.user.length > 0) sections.push(section('User Summary', tables.user, cached))
  if (report.groups) {
    const { by, rows } = report.groups
    sections.push(section(`Grouped by ${by.join(', ')}`, rows, cached, by[0] === 'day'))
  }
  return [head.join('\n'), ...sections, ...notes].join('\n\n').trimEnd()
}

function section(
  title: string,
  table: readonly Row[],
  cached: boolean,
  byDay = false,
  costs?: ReadonlyMap<string, number>,
): string {
  const { rows, omitted } = mostRelevant(table, byDay)
  const lines = rows.map((row) => {
    const cost = costs?.get(row.keys[0] ?? '')
    const price = cost === undefined ? '' : `, Cost=${dollars(cost)}`
    return `${row.keys.join(' | ')}: ${figures(row, cached)}${price}`
  })
  if (omitted > 0) lines.push(`... and ${omitted} ${byDay ? 'earlier' : 'smaller'}`)
  return [`--- ${title} ---`, ...lines].join('\n')
}

function figures(usage: Usage, cached: boolean): string {
  const plain =
    `Requests=${usage.requests}, Input=${usage.inputTokens}, ` +
    `Completion=${usage.outputTokens}, Total=${totalTokens(usage)}`
  if (!cached) return plain
  return `${plain}, CacheRead=${usage.cacheReadTokens}, CacheWrite=${usage.cacheWriteTokens}`
}
