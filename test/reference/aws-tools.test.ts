import { describe, expect, it } from 'vitest'
import { countS3Buckets } from '../../reference/tools/count-s3-buckets.ts'
import { getWeather, temperatureOf } from '../../reference/tools/get-weather.ts'
import { closing, useFakeAws } from '../support/fake-aws.ts'
import { startFakeS3 } from '../support/fake-s3.ts'
import { callTool, serverWith, textOf } from '../support/tool-calls.ts'

describe('count_s3_buckets', () => {
  useFakeAws()

  async function count(...args: Parameters<typeof startFakeS3>) {
    const s3 = closing(await startFakeS3(...args))
    process.env.AWS_ENDPOINT_URL_S3 = s3.url
    return { s3, result: await callTool(serverWith(countS3Buckets), 'count_s3_buckets') }
  }

  it('counts the buckets of every page', async () => {
    const { s3, result } = await count(2_500)
    expect(textOf(result)).toBe('2500')
    expect(result.structuredContent).toEqual({ count: 2_500 })
    expect(s3.tokens).toEqual([null, btoa('1000'), btoa('2000')])
  })

  it('reports zero buckets', async () => {
    const { result } = await count(0)
    expect(textOf(result)).toBe('0')
  })

  it.each([
    ['AccessDenied', 403, 's3:ListAllMyBuckets'],
    ['SlowDown', 503, 'throttling'],
    ['InvalidAccessKeyId', 403, 'no valid AWS credentials'],
    ['InternalError', 500, 'failed on its side'],
  ])('tells what to do about %s, in words of its own', async (code, status, words) => {
    const { result } = await count(2_500, (index) => (index > 0 ? { code, status } : undefined))
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain(words)
    expect(textOf(result)).not.toContain('secret')
  })
})

describe('get_weather', () => {
  const noon = Date.parse('2025-04-08T12:00:00Z')
  const ask = (city: string, time: number) =>
    callTool(
      serverWith((mcp) => getWeather(mcp, () => time)),
      'get_weather',
      { city },
    )

  it('says that it is simulated', async () => {
    const result = await ask('Berlin', noon)
    const temperature = temperatureOf('Berlin', '2025-04-08')
    expect(textOf(result)).toBe(`The temperature in Berlin is ${temperature}°C (simulated)`)
    expect(result.structuredContent).toEqual({
      city: 'Berlin',
      temperature,
      date: '2025-04-08',
      simulated: true,
    })
  })

  it('stays the same for a city all day, and changes with the city and the day', async () => {
    const morning = await ask('Berlin', Date.parse('2025-04-08T00:00:00Z'))
    const night = await ask('berlin', Date.parse('2025-04-08T23:59:59Z'))
    expect(textOf(night).replace('berlin', 'Berlin')).toBe(textOf(morning))
    const days = Array.from({ length: 9 }, (_, index) =>
      temperatureOf('Berlin', `2025-04-0${index}`),
    )
    expect(new Set(days).size).toBeGreaterThan(3)
    expect(temperatureOf(' BERLIN ', '2025-04-08')).toBe(temperatureOf('Berlin', '2025-04-08'))
  })

  it('is 15 to 35 °C, with every value', () => {
    const seen = new Set(
      Array.from({ length: 2_000 }, (_, index) => temperatureOf(`city ${index}`, '2025-04-08')),
    )
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => 15 + i))
  })
})
