/** What the usage costs, where the operator has given prices. */
import type { Row, Usage } from './ledger.ts'
import type { Report } from './report.ts'

/** US dollars for a million tokens. Cache tokens without a price of their own cost nothing here. */
export interface Price {
  readonly input: number
  readonly output: number
  readonly cacheRead?: number
  readonly cacheWrite?: number
}

/** Prices by the names of models, as the report shows them. */
export type Prices = Readonly<Record<string, Price>>

export interface Costs {
  readonly total: number
  readonly models: ReadonlyMap<string, number>
  readonly days: ReadonlyMap<string, number>
  /** Models with usage and without a price. */
  readonly unpriced: readonly string[]
}

/** Adds up the days of each model, so that days, models and the total agree. */
export function costsOf({ modelsByDay }: Report, prices: Prices): Costs {
  const models = new Map<string, number>()
  const days = new Map<string, number>()
  const unpriced = new Set<string>()
  let total = 0
  for (const row of modelsByDay) {
    const [day = '', model = ''] = row.keys
    const price = Object.hasOwn(prices, model) ? prices[model] : undefined
    if (!price) {
      unpriced.add(model)
      continue
    }
    const cost = costOf(row, price)
    total += cost
    models.set(model, (models.get(model) ?? 0) + cost)
    days.set(day, (days.get(day) ?? 0) + cost)
  }
  return { total, models, days, unpriced: [...unpriced] }
}

function costOf(usage: Row | Usage, price: Price): number {
  const { input, output, cacheRead = 0, cacheWrite = 0 } = price
  const millionth =
    usage.inputTokens * input +
    usage.outputTokens * output +
    usage.cacheReadTokens * cacheRead +
    usage.cacheWriteTokens * cacheWrite
  return millionth / 1e6
}

/** Dollars and cents, as text and page show them. */
export const dollars = (cost: number): string =>
  new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' }).format(cost)

/** A sentence for the reader where a part of the usage has no price. */
export function unpricedNote(costs: Costs | undefined): string[] {
  if (!costs || costs.unpriced.length === 0) return []
  return [`Note: no price is known for ${costs.unpriced.join(', ')}: the cost leaves them out.`]
}
