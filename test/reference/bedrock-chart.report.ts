import { describe, expect, it } from 'vitest'
import { chartData, shortNumber } from '../../reference/tools/bedrock-report/chart.ts'
import { modelName } from '../../reference/tools/bedrock-report/model-name.ts'
import type { Report } from '../../reference/tools/bedrock-report/report.ts'
import { day, now, report, useLogs } from '../support/bedrock-logs.ts'
import { useFakeAws } from '../support/fake-aws.ts'
import { invocation, nthInvocation } from '../support/invocation-log.ts'

useFakeAws()

const week = Array.from({ length: 400 }, (_, index) =>
  invocation(nthInvocation(index, 400, now - 7 * day, now)),
)

describe('chart', () => {
  it('adds a PNG of 1500 by 900 pixels to the report', async () => {
    await useLogs(week)
    const { text, images } = await report({ chart: true })
    expect(text).toContain('Total Requests: 400')
    expect(images).toHaveLength(1)
    const [image] = images
    expect(image?.mimeType).toBe('image/png')
    const bytes = Buffer.from(image?.data ?? '', 'base64')
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1500, 900])
    // The image has bars, axes and letters. An empty one of this size has only a few kilobytes.
    expect(bytes.length).toBeGreaterThan(20_000)
  }, 20_000)

  it('is missing when it is not requested, and when there is nothing to draw', async () => {
    await useLogs(week)
    expect((await report()).images).toEqual([])
    await useLogs([])
    expect((await report({ chart: true })).images).toEqual([])
  })

  it('has every day of the period, the largest models, and one series for the rest', () => {
    const usage = { requests: 1, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
    const models = Array.from({ length: 10 }, (_, index) => ({
      keys: [`model-${index}`],
      inputTokens: 100 - index,
      ...usage,
    }))
    const { days, series } = chartData({
      period: { from: now - 3 * day, to: now },
      tables: { model: models },
      modelsByDay: models.map(({ keys, ...sums }) => ({ keys: ['2025-04-06', ...keys], ...sums })),
    } as unknown as Report)
    expect(days).toEqual(['2025-04-05', '2025-04-06', '2025-04-07', '2025-04-08'])
    expect(series.map(({ name }) => name)).toEqual([
      ...models.slice(0, 8).map(({ keys }) => keys[0]),
      '(other)',
    ])
    expect(series[0]?.values).toEqual([0, 100, 0, 0])
    expect(series.at(-1)?.values).toEqual([0, 92 + 91, 0, 0])
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [1_500, '1.5k'],
    [2_000_000, '2M'],
    [3_250_000_000, '3.3B'],
  ])('labels %d as %s', (value, label) => {
    expect(shortNumber(value)).toBe(label)
  })
})

describe('modelName', () => {
  it.each([
    ['anthropic.claude-3-sonnet-20240229-v1:0', 'claude-3-sonnet-20240229-v1:0'],
    ['us.anthropic.claude-3-5-sonnet-20241022-v2:0', 'claude-3-5-sonnet-20241022-v2:0'],
    ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', 'claude-3-haiku-20240307-v1:0'],
    ['global.anthropic.claude-sonnet-4-20250514-v1:0', 'claude-sonnet-4-20250514-v1:0'],
    ['zai.glm-4.7', 'glm-4.7'],
    ['us.zai.glm-4.7', 'glm-4.7'],
    ['ai21.jamba-1-5-large-v1:0', 'jamba-1-5-large-v1:0'],
    [
      'arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v1',
      'titan-embed-text-v1',
    ],
    [
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0',
      'nova-pro-v1:0',
    ],
    [
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3',
      'application-inference-profile/a1b2c3',
    ],
    ['arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x9', 'provisioned-model/x9'],
    [
      'arn:aws:bedrock:us-east-1:1:custom-model/amazon.titan-text-lite-v1:0:4k/abc',
      'custom-model/abc',
    ],
    ['my-own-model', 'my-own-model'],
    ['folder/my-own-model', 'my-own-model'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('of %s is %s (A5)', (id, name) => {
    expect(modelName(id)).toBe(name)
  })
})
