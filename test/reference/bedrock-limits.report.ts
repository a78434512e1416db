import { describe, expect, it } from 'vitest'
import type { Era } from '../../src/index.ts'
import { day, insightsDenied, now, report, useLogs } from '../support/bedrock-logs.ts'
import { useFakeAws } from '../support/fake-aws.ts'
import { invocation } from '../support/invocation-log.ts'

useFakeAws()

/** A number of callers with one request each, evenly spread over a period. */
function callers(count: number, from: number, length: number) {
  return Array.from({ length: count }, (_, index) =>
    invocation({
      time: from + Math.floor((index * length) / count),
      modelId: 'm',
      user: `arn:aws:sts::123456789012:assumed-role/app/session-${index}`,
      input: 1,
    }),
  )
}

const month = Array.from({ length: 28 }, (_, index) =>
  invocation({ time: now - (index + 0.5) * day, modelId: 'm', input: 1 }),
)

describe('the row limit of Insights', () => {
  const limits = { rows: 500 }

  it('loses nothing, because windows are split until each answer is complete', async () => {
    const logs = await useLogs(callers(1_200, now - day, day), { maxRows: 500 })
    const { data } = await report({ days: 1 }, { limits })
    expect(data.totals).toMatchObject({ requests: 1_200, input_tokens: 1_200 })
    expect(data.source).toBe('insights')
    // Each of the two days has one answer that is cut, and then four complete answers for a quarter each.
    expect(logs.count('StartQuery')).toBe(10)
    expect(logs.count('FilterLogEvents')).toBe(0)
    expect(String(logs.calls[0]?.body.queryString)).toMatch(/\| limit 500$/)
  })

  it('is avoided by reading line by line if one second has more rows', async () => {
    const logs = await useLogs(callers(700, now - 200, 100), { maxRows: 500 })
    const { data } = await report({ days: 1 }, { limits })
    expect(data.totals.requests).toBe(700)
    expect(data.source).toBe('both')
    expect(logs.count('StartQuery')).toBeLessThan(50)
  })

  it('is avoided by reading line by line when too many queries would be needed', async () => {
    const logs = await useLogs(callers(1_200, now - day, day), { maxRows: 500 })
    const { data } = await report({ days: 1 }, { limits: { ...limits, queries: 1 } })
    expect(data.totals.requests).toBe(1_200)
    expect(logs.count('StartQuery')).toBe(1)
  })

  it('is 10,000, the largest number that AWS allows', async () => {
    const logs = await useLogs(month)
    await report()
    expect(String(logs.calls[0]?.body.queryString)).toMatch(/\| limit 10000$/)
  })
})

describe('tables', () => {
  it('add up rows beyond 10,000 as "(other)", and show the largest', async () => {
    await useLogs(callers(12_000, now - day, day), insightsDenied)
    const { text, data } = await report({ days: 1 })
    expect(data.totals.requests).toBe(12_000)
    expect(data.users).toHaveLength(400)
    expect(data.omitted_rows).toBe(10_001 - 400)
    expect(data.users[0]).toMatchObject({ user: '(other)', requests: 2_000 })
    expect(text).toContain('... and 9601 smaller')
    expect(text).toContain('the rest is added up under "(other)"')
    expect(text.split('\n').length).toBeLessThan(450)
  })

  it('show the newest days if there are too many', async () => {
    const years = Array.from({ length: 450 }, (_, index) =>
      invocation({ time: now - (index + 0.5) * day, modelId: 'm', input: 1 }),
    )
    await useLogs(years)
    const { text, data } = await report({ days: 450, group_by: ['day', 'model'] })
    expect(data.totals.requests).toBe(450)
    for (const list of [data.daily, data.groups]) {
      expect(list).toHaveLength(400)
      expect(list.at(-1)).toMatchObject({ [list === data.daily ? 'date' : 'day']: '2025-04-08' })
    }
    expect(data.omitted_rows).toBe(100)
    expect(text.match(/\.\.\. and 50 earlier/g)).toHaveLength(2)
  })
})

describe('a window that Insights does not answer is read line by line', () => {
  it('when a window lies before the creation of the log group', async () => {
    const logs = await useLogs(month, { created: now - 10 * day })
    const { data, failed } = await report({ days: 28 })
    expect(failed).toBe(false)
    expect(data.totals.requests).toBe(28)
    expect(data.source).toBe('both')
    expect(logs.count('FilterLogEvents')).toBeGreaterThan(0)
  })

  it.each(['Failed', 'Timeout'] as const)('when a query ends with %s', async (ending) => {
    const logs = await useLogs(month, { ending })
    const { data } = await report({ days: 28 })
    expect(data).toMatchObject({ totals: { requests: 28 }, source: 'events', partial: false })
    expect(logs.count('StopQuery')).toBe(0)
  })

  it('when no more queries may run', async () => {
    await useLogs(month, { maxRunning: 0 })
    const { data } = await report({ days: 28 }, { limits: { attempts: 1 } })
    expect(data).toMatchObject({ totals: { requests: 28 }, source: 'events', partial: false })
  })
})

describe('the bounds of a report', () => {
  it('stops its queries at the time limit, and says what is missing', async () => {
    const logs = await useLogs(month, { ending: 'never' })
    const { text, data, failed } = await report({ days: 28 }, { limits: { time: 10_000 } })
    expect(failed).toBe(false)
    expect(text).toBe(
      'No Bedrock usage data found for the specified period.\n\n' +
        'Note: this report is partial. From 2025-03-11 12:00 to 2025-04-08 12:00 UTC usage is ' +
        'missing, at least in part, because the time limit of 10 seconds was reached.',
    )
    expect(data).toMatchObject({ partial: true, gaps: [{ reason: 'time' }] })
    expect(logs.running).toBe(0)
    expect(logs.count('StopQuery')).toBe(logs.count('StartQuery'))
  })

  it('ends early enough for the host to send the report', async () => {
    const logs = await useLogs(month, { ending: 'never' })
    const { data } = await report(
      {},
      { clock: Date.now },
      { platform: { deadline: Date.now() + 30_000 } },
    )
    expect(data.notes[0]).toMatch(/because the time limit of (19|20) seconds was reached/)
    expect(logs.running).toBe(0)
  })

  it('reads the newest days first, and keeps the result when the time is over', async () => {
    await useLogs(month, {
      refuse: ({ operation, body }) =>
        // Insights refuses windows that begin before the last fifteen days.
        operation === 'StartQuery' && Number(body.startTime) * 1000 < now - 15 * day
          ? { name: 'ThrottlingException' }
          : undefined,
    })
    const { data } = await report({ days: 28 }, { limits: { time: 20_000, attempts: 50 } })
    expect(data.totals.requests).toBe(15)
    expect(data.gaps).toEqual([
      { from: '2025-03-11T12:00:00.500Z', to: '2025-03-25T00:00:00.000Z', reason: 'time' },
    ])
  })

  it('stops at the page limit, and counts the pages it has read', async () => {
    const logs = await useLogs(month, { ...insightsDenied, pageBytes: 1 })
    const { text, data } = await report({ days: 28 }, { limits: { pages: 9 } })
    expect(logs.count('FilterLogEvents')).toBe(9)
    expect(data.partial).toBe(true)
    expect(data.totals.requests).toBeGreaterThanOrEqual(4)
    expect(data.totals.requests).toBeLessThanOrEqual(9)
    expect(text).toContain('because the limit of 9 pages of log lines was reached.')
  })

  it('does not follow a page token that leads to itself', async () => {
    const logs = await useLogs(month, { ...insightsDenied, stuck: true })
    const { data } = await report({ days: 1 })
    expect(data.partial).toBe(true)
    expect(logs.count('FilterLogEvents')).toBe(4)
  })
})

describe.each<[string, Era]>([
  ['a 2025 client', 'legacy'],
  ['a 2026 client', 'modern'],
])('cancellation by %s', (_, era) => {
  it('stops every query that is running', async () => {
    const cancel = new AbortController()
    const logs = await useLogs(month, {
      ending: 'never',
      refuse({ operation, index }) {
        if (operation === 'GetQueryResults' && index === 6) cancel.abort()
        return undefined
      },
    })
    await expect(report({ days: 28 }, {}, { era, signal: cancel.signal })).rejects.toThrow()
    await expect.poll(() => logs.running).toBe(0)
    expect(logs.count('StartQuery')).toBe(4)
    expect(logs.count('StopQuery')).toBe(4)
  })

  it('ends reading line by line', async () => {
    const cancel = new AbortController()
    const logs = await useLogs(month, {
      ...insightsDenied,
      refuse({ operation, index }) {
        if (operation === 'FilterLogEvents' && index === 4) cancel.abort()
        return insightsDenied.refuse?.({ operation } as never)
      },
    })
    await expect(report({ days: 28 }, {}, { era, signal: cancel.signal })).rejects.toThrow()
    const soon = logs.calls.length
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(logs.calls.length).toBeLessThanOrEqual(soon + 4)
    expect(logs.count('FilterLogEvents')).toBeLessThan(12)
  })
})
