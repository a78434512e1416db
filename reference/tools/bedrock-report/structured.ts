/** The report as structured content. */
import type * as v from 'valibot'
import type { Row, Usage } from './ledger.ts'
import { mostRelevant, totalTokens } from './ledger.ts'
import type { Output } from './output.ts'
import type { Costs } from './prices.ts'
import { unpricedNote } from './prices.ts'
import type { Report } from './report.ts'

export function toStructured(report: Report, costs?: Costs): v.InferOutput<typeof Output> {
  const { tables, groups, period } = report
  let omitted = 0
  function list<T>(table: readonly Row[], names: (keys: readonly string[]) => T, byDay = false) {
    const relevant = mostRelevant(table, byDay)
    omitted += relevant.omitted
    return relevant.rows.map((row) => ({ ...names(row.keys), ...figures(row) }))
  }
  return {
    region: report.region,
    days: report.days,
    from: iso(period.from),
    to: iso(period.to),
    totals: { ...figures(report.totals), ...(costs && { cost: costs.total }) },
    daily: list(tables.day, ([date = '']) => ({ date, ...costIn(costs?.days, date) }), true),
    regions: list(tables.region, ([region = '']) => ({ region })),
    models: list(tables.model, ([model = '']) => ({ model, ...costIn(costs?.models, model) })),
    users: list(tables.user, ([user = '']) => ({ user })),
    ...(groups && {
      groups: list(
        groups.rows,
        (keys) => Object.fromEntries(groups.by.map((name, index) => [name, keys[index] ?? ''])),
        groups.by[0] === 'day',
      ),
    }),
    omitted_rows: omitted,
    malformed_lines: report.malformed,
    source: report.source,
    partial: report.gaps.length > 0,
    gaps: report.gaps.map(({ from, to, reason }) => ({ from: iso(from), to: iso(to), reason })),
    notes: [...report.notes, ...unpricedNote(costs)],
  }
}

function costIn(costs: ReadonlyMap<string, number> | undefined, key: string) {
  const found = costs?.get(key)
  return found === undefined ? {} : { cost: found }
}

function figures(sum: Usage) {
  return {
    requests: sum.requests,
    input_tokens: sum.inputTokens,
    output_tokens: sum.outputTokens,
    total_tokens: totalTokens(sum),
    cache_read_tokens: sum.cacheReadTokens,
    cache_write_tokens: sum.cacheWriteTokens,
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
