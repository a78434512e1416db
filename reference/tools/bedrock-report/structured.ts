/** The report as structured content, and its schema. */
import * as v from 'valibot'
import type { Row, Usage } from './ledger.ts'
import { mostRelevant, totalTokens } from './ledger.ts'
import type { Costs } from './prices.ts'
import { unpricedNote } from './prices.ts'
import type { Report } from './report.ts'

const usage = {
  requests: v.number(),
  input_tokens: v.number(),
  output_tokens: v.number(),
  total_tokens: v.pipe(v.number(), v.description('Input and output; cache tokens are not in it')),
  cache_read_tokens: v.number(),
  cache_write_tokens: v.number(),
}

const cost = v.optional(v.pipe(v.number(), v.description('US dollars, where prices are known')))

export const Output = v.object({
  region: v.string(),
  days: v.number(),
  from: v.pipe(v.string(), v.description('Begin of the period, ISO 8601')),
  to: v.pipe(v.string(), v.description('End of the period, ISO 8601')),
  totals: v.object({ ...usage, cost }),
  daily: v.array(v.object({ date: v.string(), ...usage, cost })),
  regions: v.array(v.object({ region: v.string(), ...usage })),
  models: v.array(v.object({ model: v.string(), ...usage, cost })),
  users: v.array(v.object({ user: v.string(), ...usage })),
  groups: v.optional(
    v.array(
      v.object({
        day: v.optional(v.string()),
        region: v.optional(v.string()),
        model: v.optional(v.string()),
        user: v.optional(v.string()),
        ...usage,
      }),
    ),
  ),
  omitted_rows: v.pipe(
    v.number(),
    v.description('Rows left out of the lists: the smallest, and the oldest days'),
  ),
  malformed_lines: v.pipe(v.number(), v.description('Log lines that are not invocation records')),
  source: v.picklist(['insights', 'events', 'both']),
  partial: v.pipe(v.boolean(), v.description('Whether usage is missing; see gaps')),
  gaps: v.array(
    v.object({
      from: v.string(),
      to: v.string(),
      reason: v.picklist(['time', 'pages', 'throttled', 'unreachable', 'broken']),
    }),
  ),
  notes: v.array(v.string()),
})

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
