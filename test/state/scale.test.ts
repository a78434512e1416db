/** The simulation behind the table of costs at scale, in its quick form. */
import { describe, expect, it } from 'vitest'
import { dollars, isWithinLimits, measure } from '../../bench/scale.ts'

const QUICK = { few: 2, more: 6, seconds: 60 }

describe('ten thousand instances that listen on DynamoDB', () => {
  it('stay below the limits of one partition, and far below them with eight copies', async () => {
    const one = (await measure('polled', 1, QUICK))(10_000)
    expect(isWithinLimits(one.busiest)).toBe(true)
    expect(one.busiest.readUnits).toBeGreaterThan(2_000)
    const eight = (await measure('polled', 8, QUICK))(10_000)
    expect(eight.busiest.readUnits).toBeLessThan(one.busiest.readUnits / 4)
  }, 60_000)

  it('cost no more than the table says, and neither do open questions', async () => {
    const row = (await measure('polled', 1, QUICK))(10_000)
    expect(dollars(row.listening)).toBeLessThan(1_400)
    expect(dollars(row.questions)).toBeLessThan(3_000)
    expect(row.calls.readUnits).toBeCloseTo(1_000_000 / 600)
    expect(row.calls.writeUnits).toBe(0)
  }, 60_000)
})

it('a store that wakes its waiters is asked for less than half as much', async () => {
  const polled = (await measure('polled', 1, QUICK))(1_000)
  const waking = (await measure('waking', 1, QUICK))(1_000)
  expect(waking.questions.operations).toBeLessThan(polled.questions.operations / 2)
  expect(waking.listening.operations).toBeLessThan(polled.listening.operations)
}, 60_000)
