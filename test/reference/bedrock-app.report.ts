/** The usage report as an MCP App: what its page is given, and that it equals the text. */
import { describe, expect, it } from 'vitest'
import { readBedrock } from '../../reference/config.ts'
import { PAGE } from '../../reference/tools/bedrock-report/app-page.ts'
import { bedrockReport } from '../../reference/tools/bedrock-report.ts'
import type { CallToolResult } from '../../src/index.ts'
import { group, now, useLogs } from '../support/bedrock-logs.ts'
import { useFakeAws } from '../support/fake-aws.ts'
import { monthOfUsage } from '../support/month-of-usage.ts'
import { serverWith, textOf } from '../support/tool-calls.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

useFakeAws()

const prices = { 'nova-lite-v1:0': { input: 0.06, output: 0.24 } }
const mimeTypes = ['text/html;profile=mcp-app']
const withApps = { capabilities: { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes } } } }

async function call(era: string, options: object, args: object = {}, report: object = {}) {
  await useLogs(monthOfUsage())
  const mcp = serverWith((server) => bedrockReport(server, { clock: () => now, ...report }))
  const endpoint = fetchEndpoint(mcp)
  const client =
    era === 'legacy'
      ? await LegacyClient.open(endpoint, '2025-11-25', options)
      : new ModernClient(endpoint, options)
  const all = { region: 'us-east-1', log_group_name: group, days: 30, ...args }
  const result: CallToolResult = await (await client.call('get_bedrock_usage_report', all)).result()
  // biome-ignore lint/suspicious/noExplicitAny: its schema is tested elsewhere
  return { client, result, text: textOf(result), data: result.structuredContent as any }
}

/** The rows of a section of the text: names, and figures by their labels. */
export function rowsOf(text: string, section: string): [string, Record<string, string>][] {
  const [, part = ''] = text.split(`--- ${section} ---\n`)
  const [lines = ''] = part.split('\n\n')
  return lines.split('\n').map((line) => {
    const [, name = '', figures = ''] = /^(.*): (Requests=.*)$/.exec(line) ?? []
    return [name, Object.fromEntries(figures.split(', ').map((figure) => figure.split('=')))]
  })
}

describe.each(['legacy', 'modern'])('the usage report, for a client of the %s era', (era) => {
  it('has a page that needs no origin, and that its tool names', async () => {
    const { client } = await call(era, withApps)
    const { tools } = await (await client.request('tools/list')).result()
    const uri = 'ui://bedrock-usage'
    expect(tools[0]._meta.ui).toEqual({ resourceUri: uri })
    const { contents } = await (await client.request('resources/read', { uri })).result()
    expect(contents).toEqual([
      { uri, mimeType: mimeTypes[0], text: PAGE, _meta: { ui: { prefersBorder: true } } },
    ])
    expect(PAGE.length).toBeLessThan(16 * 1024)
    expect(PAGE).not.toMatch(
      /\b(src|href)=|https?:\/\/(?!www\.w3\.org\/2000\/svg)|import[ (]|innerHTML/,
    )
  })

  it('gives a page the figures of the text, for a month by day, model and user', async () => {
    const { text, data, result } = await call(era, withApps)
    const sections = [
      ['Daily Totals', data.daily, 'date'],
      ['Model Summary', data.models, 'model'],
      ['User Summary', data.users, 'user'],
    ]
    for (const [section, rows, key] of sections) {
      expect(rows.length, section).toBeGreaterThan(1)
      const told = rows.map((row: Record<string, number | string>) => [
        row[key],
        {
          Requests: String(row.requests),
          Input: String(row.input_tokens),
          Completion: String(row.output_tokens),
          Total: String(row.total_tokens),
        },
      ])
      expect(rowsOf(text, section)).toEqual(told)
    }
    expect(data.daily).toHaveLength(30)
    expect(text).toContain(`Total Tokens: ${data.totals.total_tokens}\n`)
    const byModel: unknown = result._meta?.['streamable-mcp/models-by-day']
    const { days, series } = byModel as { days: string[]; series: { values: number[] }[] }
    const sums = new Map(
      days.map((day, i) => [day, series.reduce((sum, one) => sum + (one.values[i] ?? 0), 0)]),
    )
    for (const { date, total_tokens } of data.daily) expect(sums.get(date), date).toBe(total_tokens)
  })

  it('leaves a client without apps its text and its image', async () => {
    const types = ({ content }: CallToolResult) => content.map(({ type }) => type)
    const plain = await call(era, {}, { chart: true })
    expect(types(plain.result)).toEqual(['text', 'image'])
    expect(plain.result._meta ?? {}).not.toHaveProperty('streamable-mcp/models-by-day')
    const shown = await call(era, withApps, { chart: true })
    expect(types(shown.result)).toEqual(['text'])
    expect(shown.text).toBe(plain.text)
  })

  it('tells the cost where prices are given, and which models have none', async () => {
    const { text, data } = await call(era, withApps, {}, { prices })
    const sum = (rows: { cost?: number }[]) => rows.reduce((all, { cost = 0 }) => all + cost, 0)
    const nova = data.models.find(({ model }: { model: string }) => model === 'nova-lite-v1:0')
    const cost = (nova.input_tokens * 0.06 + nova.output_tokens * 0.24) / 1e6
    expect(data.totals.cost).toBeCloseTo(cost, 9)
    expect(sum(data.models)).toBeCloseTo(cost, 9)
    expect(sum(data.daily)).toBeCloseTo(cost, 9)
    expect(text).toContain(`Estimated Cost: $${cost.toFixed(2)}`)
    expect(data.notes.at(-1)).toMatch(/^Note: no price is known for claude/)
    const [, figures] = rowsOf(text, 'Model Summary').find(([name]) => name === nova.model) ?? []
    expect(figures?.Cost).toBe(`$${cost.toFixed(2)}`)
  })
})

describe('BEDROCK_PRICES', () => {
  it('is read as JSON, and refused where it names no amounts', () => {
    expect(readBedrock({ BEDROCK_PRICES: JSON.stringify(prices) })).toEqual({ prices })
    expect(readBedrock({ BEDROCK_PRICES: '' })).toEqual({})
    for (const value of [
      'x',
      '[]',
      '1',
      '{"a":1}',
      '{"a":{"input":1}}',
      '{"a":{"input":-1,"output":1}}',
    ]) {
      expect(() => readBedrock({ BEDROCK_PRICES: value }), value).toThrow('BEDROCK_PRICES')
    }
  })
})
