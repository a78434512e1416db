/** The schema of the report as structured content. */
import * as v from 'valibot'

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
