/** The official clients with our servers over HTTP. Most programs that people use are built on them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import type { Mcp } from '../../src/index.ts'
import { group, useLogs } from '../support/bedrock-logs.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { closing, useFakeAws } from '../support/fake-aws.ts'
import { startFakeS3 } from '../support/fake-s3.ts'
import { invocation } from '../support/invocation-log.ts'
import type { Answers, Fetch, Official, Open } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'
import { eventually } from '../support/wire.ts'

const log = () => {}
const connected: Official[] = []

/** Opens a client that is closed after its test. */
async function connect(open: Open, serving: NodeServer, answers?: Answers, fetch?: Fetch) {
  const client = await open(`http://127.0.0.1:${serving.port}/mcp`, answers, fetch)
  connected.push(client)
  return client
}

function served(create: () => Mcp): () => NodeServer {
  let serving: NodeServer | undefined
  beforeAll(async () => {
    serving = await serve(create(), { port: 0, grace: 0, signals: false })
  })
  afterAll(() => serving?.close())
  return () => {
    if (!serving) throw new Error('Not served yet')
    return serving
  }
}

afterEach(async () => {
  await Promise.all(connected.splice(0).map((client) => client.close()))
})

describe.each(OFFICIAL)('the reference server, to the official client %s', (_, era, open) => {
  useFakeAws()
  let now = Date.parse('2026-07-28T12:00:00Z')
  const serving = served(() => createReferenceServer({ log, clock: () => now }))
  const textOf = ({ content }: { content: { text?: string }[] }) => content[0]?.text

  it('offers every tool, prompt and resource (A3–A8)', async () => {
    const client = await connect(open, serving())
    expect(client.era).toBe(era)
    expect(await client.list('tools')).toEqual([
      'greet',
      'multi-greet',
      'get_time',
      'increment_counter',
      'get_counter',
      'get_weather',
      'count_s3_buckets',
      'get_bedrock_usage_report',
    ])
    expect(await client.list('prompts')).toEqual(['greeting-template'])
    expect(await client.list('resources')).toEqual(['greeting-resource', 'bedrock-usage'])
    expect(await client.list('resourceTemplates')).toEqual([])
  })

  it('greets, prompts and reads (A3, A6, A7)', async () => {
    const client = await connect(open, serving())
    expect(textOf(await client.call('greet', { name: 'Ada' }))).toBe('Hello, Ada!')
    expect(textOf(await client.call('get_weather', { city: 'Oslo' }))).toMatch(
      /^The temperature in Oslo is \d\d°C/,
    )
    expect(await client.prompt('greeting-template', { name: 'Ada' })).toBe(
      'Please greet Ada in a friendly manner.',
    )
    expect(await client.read('https://example.com/greetings/default')).toBe('Hello, world!')
  })

  it('counts AWS resources and usage (A5)', async () => {
    process.env.AWS_ENDPOINT_URL_S3 = closing(await startFakeS3(3)).url
    const time = now - 3_600_000
    await useLogs([
      invocation({ time, modelId: 'amazon.nova-lite-v1:0', user: 'me', input: 7, output: 2 }),
    ])
    const client = await connect(open, serving())
    expect(textOf(await client.call('count_s3_buckets'))).toBe('3')
    const report = await client.call('get_bedrock_usage_report', {
      region: 'us-east-1',
      log_group_name: group,
      days: 1,
    })
    expect(textOf(report)).toMatch(/Total Requests: 1\nTotal Input Tokens: 7/)
  })

  it('remembers within a conversation', async () => {
    const client = await connect(open, serving())
    const first = await client.call('increment_counter')
    // 2026 has no sessions, so the model passes on the handle of the first result (C17).
    const handle = first.content.at(-1)?.text?.replace('session: ', '')
    const args = era === 'modern' && handle ? { session: handle } : {}
    expect(textOf(await client.call('increment_counter', args))).toBe('2')
    expect(textOf(await client.call('get_counter', args))).toBe('2')
    expect(textOf(await client.call('get_time', args))).not.toContain('Seconds since last time')
    now += 7_000
    expect(textOf(await client.call('get_time', args))).toContain('Seconds since last time: 7')
  })
})

describe('the reference server, to all official clients at once', () => {
  const serving = served(() => createReferenceServer({ log }))

  it('greets each several times, with logs and progress on the way (A4)', async () => {
    const greeted = OFFICIAL.map(async ([name, , open]) => {
      const client = await connect(open, serving())
      const progress: number[] = []
      const { content } = await client.call('multi-greet', { name }, (done) => progress.push(done))
      return { name, heard: client.heard, progress, text: content[0]?.text }
    })
    for (const { name, heard, progress, text } of await Promise.all(greeted)) {
      expect(text).toBe(`Good morning, ${name}!`)
      expect(progress).toEqual([0, 1, 2])
      expect(heard).toEqual([
        `debug: Starting multi-greet for ${name}`,
        `info: Sending first greeting to ${name}`,
        `info: Sending second greeting to ${name}`,
      ])
    }
  })
})

describe.each(OFFICIAL)('the behaviour server, to the official client %s', (_, era, open) => {
  const serving = served(() => createBehaviourServer({ log }))
  const answers: Answers = {
    elicit: (message) => ({
      action: 'accept',
      content: message.startsWith('Where')
        ? { city: 'Oslo' }
        : message.startsWith('Order')
          ? { sure: true }
          : { name: 'Ada' },
    }),
    sample: () => 'Old pond',
    roots: () => ['file:///work', 'file:///home'],
  }
  const text = async (client: Official, tool: string, args?: Record<string, unknown>) =>
    (await client.call(tool, args)).content[0]?.text

  it('asks for forms, URLs, samples and roots, and gets its answers', async () => {
    const client = await connect(open, serving(), answers)
    expect(await text(client, 'greet_person')).toBe('Hello, Ada!')
    expect(await text(client, 'sign_in')).toBe('accept')
    expect(await text(client, 'write')).toBe('official-model: Old pond')
    expect(await text(client, 'places')).toBe('file:///work file:///home')
    expect(await text(client, 'three_at_once')).toBe('Ada / Old pond / 2')
    expect(await text(client, 'order', { item: 'tea' })).toBe('order 1: tea to Oslo')
    expect(await client.prompt('interview', {})).toBe('Interview Ada.')
    expect(await client.read('test://asking')).toBe('for Ada')
  })

  it('gives results that match their schemas for the client', async () => {
    const client = await connect(open, serving())
    await client.list('tools') // after this the client validates structured content
    expect((await client.call('add', { a: 1, b: 2 })).structuredContent).toEqual({ sum: 3 })
    expect((await client.call('range', { count: 2 })).structuredContent).toEqual(
      era === 'modern' ? [0, 1] : { result: [0, 1] },
    )
    const { content } = await client.call('everything')
    expect(content.map(({ type }) => type)).toEqual([
      'text',
      'image',
      'audio',
      'resource_link',
      'resource',
    ])
    expect((await client.call('fail')).isError).toBe(true)
    expect(await client.complete('introduce', 'name', 'A')).toEqual(['Ada', 'Alan'])
  })

  it('reports changed lists to a client that listens (B24, C32)', async () => {
    const client = await connect(open, serving())
    await client.listen()
    for (const what of ['tools', 'prompts', 'resources']) {
      // A client of 2025 opens its stream in the background, and a test cannot see when it is open.
      await eventually(async () => {
        await client.call('announce', { what })
        expect(client.heard).toContain(`notifications/${what}/list_changed`)
      })
    }
  })

  it('never mixes up two clients with the same request ids (A33)', async () => {
    const ids: unknown[][] = [[], []]
    const recording =
      (which: number): Fetch =>
      (url, init) => {
        if (typeof init?.body === 'string') ids[which]?.push(JSON.parse(init.body).id)
        return fetch(url, init)
      }
    const pair = [
      await connect(open, serving(), answers, recording(0)),
      await connect(open, serving(), { ...answers, sample: () => 'Other pond' }, recording(1)),
    ] as const
    const count = async (client: Official, to: number) => {
      const progress: number[] = []
      const { content } = await client.call('count', { to, everyMs: 1 }, (done) =>
        progress.push(done),
      )
      return [content[0]?.text, progress.length]
    }
    const results = await Promise.all([
      count(pair[0], 9),
      count(pair[1], 5),
      text(pair[0], 'write'),
      text(pair[1], 'write'),
      count(pair[0], 4),
      count(pair[1], 7),
    ])
    expect(results).toEqual([
      ['counted to 9', 9],
      ['counted to 5', 5],
      'official-model: Old pond',
      'official-model: Other pond',
      ['counted to 4', 4],
      ['counted to 7', 7],
    ])
    const numbers = (sent: unknown[] = []) => sent.filter((id) => typeof id === 'number')
    expect(numbers(ids[0]).length).toBeGreaterThan(3)
    expect(numbers(ids[0])).toEqual(numbers(ids[1]))
  })
})

describe.each(OFFICIAL.filter(([, era]) => era === 'legacy'))(
  'a stream cut in the middle, to the official client %s',
  (_, __, open) => {
    const serving = served(() => createBehaviourServer({ log }))

    /** Cuts each stream of one call after a number of bytes, also in the middle of an event. */
    function cutting(...afterBytes: number[]): {
      fetch: Fetch
      cuts: () => number
      resumed: string[]
    } {
      let cuts = 0
      const resumed: string[] = []
      const cut = async (response: Response): Promise<Response> => {
        const limit = afterBytes[cuts]
        if (limit === undefined || !response.body) return response
        cuts += 1
        let left = limit
        const reader = response.body.getReader()
        const broken = new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              // The bytes before the cut are read first, as from a socket.
              if (left <= 0) {
                await reader.cancel()
                return controller.error(new TypeError('terminated'))
              }
              const { done, value } = await reader.read()
              if (done) return controller.close()
              controller.enqueue(value.subarray(0, left))
              left -= value.byteLength
            },
            cancel: (reason) => reader.cancel(reason),
          },
          { highWaterMark: 0 },
        )
        return new Response(broken, response)
      }
      return {
        cuts: () => cuts,
        resumed,
        async fetch(url, init) {
          const lastEventId = new Headers(init?.headers).get('last-event-id')
          if (lastEventId) resumed.push(lastEventId)
          const response = await fetch(url, init)
          const calls = typeof init?.body === 'string' && init.body.includes('"tools/call"')
          return calls || lastEventId ? cut(response) : response
        },
      }
    }

    it('is resumed without a lost or doubled event (B16–B18, B30)', async () => {
      const { fetch: broken, cuts, resumed } = cutting(500, 333, 1_000, 80)
      const client = await connect(open, serving(), {}, broken)
      const progress: number[] = []
      const { content } = await client.call('count', { to: 30, everyMs: 5 }, (done) =>
        progress.push(done),
      )
      expect(content[0]?.text).toBe('counted to 30')
      expect(progress).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
      expect(cuts()).toBeGreaterThan(2)
      expect(new Set(resumed.map((id) => id.split('.')[0])).size).toBe(1)
    })

    it('carries a question that was asked before the cut, once', async () => {
      const { fetch: broken, cuts } = cutting(60)
      let asked = 0
      const elicit = () => {
        asked += 1
        return { action: 'accept' as const, content: { name: 'Ada' } }
      }
      const client = await connect(open, serving(), { elicit }, broken)
      // The cut is inside the question, so the client knows only the first id of the stream.
      const { content } = await client.call('greet_person')
      expect(content[0]?.text).toBe('Hello, Ada!')
      expect([asked, cuts()]).toEqual([1, 1])
    })

    it('is disconnected by the server, and comes back when the server says (SEP-1699)', async () => {
      const client = await connect(open, serving())
      const waiting = client.call('detach', { until: 'ready', retryMs: 30 })
      await client.call('remember', { key: 'ready', value: 'now' })
      expect((await waiting).content[0]?.text).toBe('ready is "now"')
    })
  },
)
