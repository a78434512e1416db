/** Adds up usage along several dimensions at once, in memory that does not grow with the log. */
import { modelName } from './model-name.ts'
import type { Entry } from './record.ts'

export type Dimension = 'day' | 'region' | 'model' | 'user'

export interface Usage {
  requests: number
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
}

/** One row of a table: the values of its dimensions, in their order, and the sums. */
export interface Row extends Usage {
  readonly keys: readonly string[]
}

export interface Ledger {
  add(entry: Entry): void
  addMalformed(lines: number): void
  readonly totals: Readonly<Usage>
  readonly malformed: number
  /** Returns the rows of a table that was named at creation: by day if it has days, otherwise the largest first. */
  table(dimensions: readonly Dimension[]): Row[]
  /** Whether a table was full, so that further values were added to a row named `other`. */
  readonly overflowed: boolean
}

/** The largest number of rows of one table in the report, to spare a model's context. It is more than a year has days. */
const MOST_ROWS_SHOWN = 400

/** Keeps the newest days of a table by day, and the largest rows of any other table. */
export function mostRelevant(
  rows: readonly Row[],
  byDay: boolean,
): { rows: readonly Row[]; omitted: number } {
  const omitted = Math.max(0, rows.length - MOST_ROWS_SHOWN)
  return { rows: byDay ? rows.slice(omitted) : rows.slice(0, MOST_ROWS_SHOWN), omitted }
}

/** The key of the row to which a full table adds further values. */
export const OTHER = '(other)'

/**
 * @param tables The sets of dimensions to add up by. An entry without a caller is left out of the
 * table of users alone (A5), and reads `unknown` in any other.
 */
export function createLedger(
  tables: readonly (readonly Dimension[])[],
  { maxRows = 10_000 }: { maxRows?: number } = {},
): Ledger {
  const totals = noUsage()
  const sums = new Map(
    tables.map((dimensions) => [dimensions.join(), { dimensions, rows: new Map<string, Row>() }]),
  )
  let malformed = 0
  let overflowed = false

  return {
    add(entry) {
      addTo(totals, entry)
      const values = {
        day: entry.day,
        region: entry.region,
        model: modelName(entry.modelId),
        user: entry.user,
      }
      for (const [name, { dimensions, rows }] of sums) {
        if (name === 'user' && entry.user === undefined) continue
        let keys = dimensions.map((dimension) => values[dimension] ?? 'unknown')
        let row = rows.get(keys.join('\0'))
        if (!row && rows.size >= maxRows) {
          overflowed = true
          keys = dimensions.map(() => OTHER)
          row = rows.get(keys.join('\0'))
        }
        if (!row) {
          row = { keys, ...noUsage() }
          rows.set(keys.join('\0'), row)
        }
        addTo(row, entry)
      }
    },
    addMalformed(lines) {
      malformed += lines
    },
    totals,
    table(dimensions) {
      const found = [...(sums.get(dimensions.join())?.rows.values() ?? [])]
      return dimensions[0] === 'day' ? found.sort(byKeys) : found.sort(bySize)
    },
    get malformed() {
      return malformed
    },
    get overflowed() {
      return overflowed
    },
  }
}

export function totalTokens(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens
}

function noUsage(): Usage {
  return { requests: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
}

function addTo(sum: Usage, usage: Usage): void {
  sum.requests += usage.requests
  sum.inputTokens += usage.inputTokens
  sum.outputTokens += usage.outputTokens
  sum.cacheReadTokens += usage.cacheReadTokens
  sum.cacheWriteTokens += usage.cacheWriteTokens
}

function byKeys(a: Row, b: Row): number {
  return compare(a.keys.join('\0'), b.keys.join('\0'))
}

function bySize(a: Row, b: Row): number {
  return totalTokens(b) - totalTokens(a) || b.requests - a.requests || byKeys(a, b)
}

/** Compares by code unit, so that the order does not depend on the locale of the host. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
