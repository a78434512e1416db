import { describe, expect, it } from 'vitest'
import { day, insightsDenied, now, report, useLogs } from '../support/bedrock-logs.ts'
import { useFakeAws } from '../support/fake-aws.ts'
import { invocation } from '../support/invocation-log.ts'

useFakeAws()

const grace = 'arn:aws:sts::123456789012:assumed-role/agents/grace'

/** Requests of one model on one day, whose tokens have exactly these sums. */
function requests(date: string, count: number, input: number, output: number, modelId: string) {
  return Array.from({ length: count }, (_, index) => {
    const share = (sum: number) => Math.floor(sum / count) + (index < sum % count ? 1 : 0)
    const time = Date.parse(`${date}T00:00:00Z`) + Math.floor((index * 43_000_000) / count)
    return invocation({ time, modelId, user: grace, input: share(input), output: share(output) })
  })
}

/** The report in the earlier server's README (A5): 13,060 requests over 7 days. */
const week = [
  ...requests('2025-04-02', 61, 237_835, 10_586, 'us.anthropic.claude-3-5-haiku-20241022-v1:0'),
  ...requests('2025-04-06', 8_175, 1_639_992, 141_463, 'anthropic.claude-3-5-haiku-20241022-v1:0'),
  ...requests('2025-04-06', 93, 177_416, 30_331, 'amazon.nova-lite-v1:0'),
  ...requests('2025-04-06', 62, 845, 0, 'amazon.titan-embed-text-v1'),
  ...requests('2025-04-07', 4_669, 936_299, 71_744, 'us.anthropic.claude-3-5-haiku-20241022-v1:0'),
]

const weekText = `Bedrock Daily Usage Report (Past 7 days - us-east-1)
Total Requests: 13060
Total Input Tokens: 2992387
Total Completion Tokens: 254124
Total Tokens: 3246511

--- Daily Totals ---
2025-04-02: Requests=61, Input=237835, Completion=10586, Total=248421
2025-04-06: Requests=8330, Input=1818253, Completion=171794, Total=1990047
2025-04-07: Requests=4669, Input=936299, Completion=71744, Total=1008043

--- Region Summary ---
us-east-1: Requests=13060, Input=2992387, Completion=254124, Total=3246511

--- Model Summary ---
claude-3-5-haiku-20241022-v1:0: Requests=12905, Input=2814126, Completion=223793, Total=3037919
nova-lite-v1:0: Requests=93, Input=177416, Completion=30331, Total=207747
titan-embed-text-v1: Requests=62, Input=845, Completion=0, Total=845

--- User Summary ---
${grace}: Requests=13060, Input=2992387, Completion=254124, Total=3246511`

describe('get_bedrock_usage_report', () => {
  it("prints 13,060 requests over 7 days in the earlier server's layout (A5)", async () => {
    const logs = await useLogs(week)
    const answer = await report()
    expect(answer.text).toBe(weekText)
    expect(answer.data.source).toBe('insights')
    expect(logs.count('FilterLogEvents')).toBe(0)
    expect(logs.calls.every(({ region }) => region === 'us-east-1')).toBe(true)
  })

  it('gives the same report line by line when Insights is forbidden', async () => {
    const logs = await useLogs(week, { ...insightsDenied, emptyPageEvery: 3 })
    const answer = await report()
    expect(answer.text).toBe(weekText)
    expect(answer.data.source).toBe('events')
    expect(logs.count('FilterLogEvents')).toBeGreaterThan(7)
    // Each of the four windows that run at the same time is refused once, and Insights is not called again.
    expect(logs.count('StartQuery')).toBe(4)
  })

  it('gives the same report to a client of 2026, with its progress', async () => {
    await useLogs(week)
    const answer = await report({}, {}, { era: 'modern' })
    expect(answer.text).toBe(weekText)
    expect(answer.progress.at(-1)).toMatchObject({ progress: 7, total: 7 })
  })

  it('also returns the figures as structured content that matches its output schema', async () => {
    await useLogs(week)
    const { data } = await report()
    expect(data.totals).toEqual({
      requests: 13_060,
      input_tokens: 2_992_387,
      output_tokens: 254_124,
      total_tokens: 3_246_511,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
    })
    expect(data.daily.map(({ date }: { date: string }) => date)).toEqual([
      '2025-04-02',
      '2025-04-06',
      '2025-04-07',
    ])
    expect(data).toMatchObject({
      region: 'us-east-1',
      days: 7,
      from: '2025-04-01T12:00:00.500Z',
      to: '2025-04-08T12:00:00.500Z',
      users: [{ user: grace, requests: 13_060 }],
      malformed_lines: 0,
      omitted_rows: 0,
      partial: false,
      gaps: [],
      notes: [],
    })
  })

  it.each([
    ['Insights', {}],
    ['FilterLogEvents', insightsDenied],
  ])('tells its progress through %s, growing up to the whole period', async (_, options) => {
    await useLogs(week, options)
    const { progress } = await report()
    const done = progress.map((one) => one.progress)
    expect(done.length).toBeGreaterThanOrEqual(7)
    expect(done).toEqual([...new Set(done)].sort((a, b) => a - b))
    expect(progress.at(-1)).toMatchObject({ progress: 7, total: 7 })
    // A query scans whole seconds, so a few lines are scanned twice, but counted once.
    expect(progress.at(-1)?.message).toMatch(/^7 of 7 days, 1306\d log lines$/)
  })

  it('adds a table by the dimensions that group_by names', async () => {
    await useLogs(week)
    const { text, data } = await report({ group_by: ['day', 'model'] })
    expect(text).toContain(`--- Grouped by day, model ---
2025-04-02 | claude-3-5-haiku-20241022-v1:0: Requests=61, Input=237835, Completion=10586, Total=248421
2025-04-06 | claude-3-5-haiku-20241022-v1:0: Requests=8175,`)
    expect(data.groups).toHaveLength(5)
    expect(data.groups[2]).toMatchObject({
      day: '2025-04-06',
      model: 'nova-lite-v1:0',
      requests: 93,
    })
  })

  it('shows cache tokens where they are logged', async () => {
    const time = now - day
    await useLogs([
      invocation({ time, modelId: 'm', input: 5, output: 1, cacheRead: 900, cacheWrite: 70 }),
      invocation({ time, modelId: 'm', input: 6, output: 2 }),
    ])
    const { text, data } = await report()
    expect(text).toContain(`Total Tokens: 14
Total Cache Read Tokens: 900
Total Cache Write Tokens: 70
`)
    expect(text).toContain(
      'm: Requests=2, Input=11, Completion=3, Total=14, CacheRead=900, CacheWrite=70',
    )
    expect(data.models).toMatchObject([{ cache_read_tokens: 900, cache_write_tokens: 70 }])
    expect(text).not.toContain('User Summary')
  })

  it.each([
    ['Insights', {}],
    ['FilterLogEvents', insightsDenied],
  ])('counts lines that are not records through %s, and goes on (A5)', async (_, options) => {
    const time = now - day
    const record = JSON.parse(invocation({ time, modelId: 'm', input: 5 }).message)
    const line = (value: unknown) => ({ timestamp: time, message: JSON.stringify(value) })
    await useLogs(
      [
        { timestamp: time, message: 'Permissions are correctly set for Amazon Bedrock logs.' },
        { timestamp: time, message: '{"timestamp": "2025-04-0' },
        line(['a', 'list']),
        line({ level: 'info' }),
        line({ ...record, timestamp: 'yesterday, about noon' }),
        line({ ...record, timestamp: undefined }),
        line({ ...record, timestamp: '2025-04-05T23:59:59Z' }),
        line({ ...record, identity: null, input: 'none', output: { outputTokenCount: 'many' } }),
      ],
      options,
    )
    const { text, data, failed } = await report()
    expect(failed).toBe(false)
    expect(data.malformed_lines).toBe(4)
    expect(data.daily).toMatchObject([
      { date: '2025-04-05', requests: 1, input_tokens: 5 },
      { date: '2025-04-07', requests: 3, input_tokens: 10 },
    ])
    expect(text).toContain('Note: 4 log lines are not invocation records and were not counted.')
  })

  it('counts the tokens of a conversation too long for field discovery', async () => {
    const time = now - day
    await useLogs([
      invocation({ time, modelId: 'm', user: grace, input: 41, output: 17, messages: 300 }),
    ])
    expect((await report()).data.totals).toMatchObject({ input_tokens: 41, output_tokens: 17 })
  })

  it.each([
    ['Insights', {}],
    ['FilterLogEvents', insightsDenied],
  ])('counts each event once through %s, also on the bounds of its windows', async (_, options) => {
    const from = now - 7 * day
    const bounds = Array.from({ length: 8 }, (_, index) => from + index * day)
    const times = [...bounds.flatMap((time) => [time - 1, time]), ...bounds.map((t) => t + 1)]
    await useLogs(
      times.map((time) => invocation({ time, modelId: 'm', input: 1 })),
      options,
    )
    const inside = times.filter((time) => time >= from && time < now).length
    expect((await report()).data.totals.requests).toBe(inside)
  })

  it('reports that there is no usage in the period', async () => {
    await useLogs([invocation({ time: now - 30 * day, modelId: 'm', input: 1 })])
    const answer = await report()
    expect(answer.text).toBe('No Bedrock usage data found for the specified period.')
    expect(answer.data.totals.requests).toBe(0)
  })

  it.each([
    [{ region: 'us-east-1.evil.example#' }],
    [{ region: '' }],
    [{ log_group_name: 'a b' }],
    [{ days: 0 }],
    [{ days: 1.5 }],
    [{ aws_account_id: '12345' }],
    [{ group_by: ['colour'] }],
  ])('refuses %j before it asks AWS', async (args) => {
    const logs = await useLogs([])
    const answer = await report(args).catch((error: Error) => ({
      text: error.message,
      failed: true,
    }))
    expect(answer.failed).toBe(true)
    expect(answer.text).toContain(Object.keys(args)[0])
    expect(logs.calls).toEqual([])
  })
})
