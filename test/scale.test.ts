/** What one operation costs stays the same, however much there is of everything else. */
import { afterEach, describe, expect, it } from 'vitest'
import { dynamoStore } from '../adapters/dynamodb/dynamo-store.ts'
import { serve } from '../adapters/node.ts'
import type { Context, JsonSchema, Mcp, McpOptions, Store } from '../src/index.ts'
import { createMcp, memoryStore } from '../src/index.ts'
import { heldBytes } from './support/heap.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from './support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

/** Microseconds of this process's CPU. */
async function cpuOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function times(count: number, run: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await run()
}

function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('resources', () => {
  it('are looked for under many templates nearly as fast as under one', async () => {
    const cpuWith = async (templates: number) => {
      serverOf()
      for (let i = 0; i < templates; i++) {
        mcp.resource(`file:///{a}/x${i}/{b}/{c}`, { name: `r${i}` }, () => 'x')
      }
      const client = new ModernClient(fetchEndpoint(mcp))
      const uri = `file:///${'a'.repeat(8_000)}`
      return cpuOf(async () => {
        for (let i = 0; i < 10; i++) {
          expect(
            (await (await client.request('resources/read', { uri })).answer()).error,
          ).toBeTruthy()
        }
      })
    }
    await cpuWith(1) // to be compiled
    // 100 times and more when each template was held against each character
    expect((await cpuWith(300)) / (await cpuWith(1))).toBeLessThan(15)
  })

  it('are followed up to 100,000 characters of their URIs', async () => {
    serverOf().resource('file:///{name}', { name: 'file' }, () => 'x')
    const endpoint = fetchEndpoint(mcp)
    const uris = Array.from({ length: 30 }, (_, i) => `file:///${i}${'a'.repeat(4_000)}`)

    const stream = await new ModernClient(endpoint).listen({ resourceSubscriptions: uris })
    const { params } = await stream.notification('notifications/subscriptions/acknowledged')
    expect(params.notifications.resourceSubscriptions).toHaveLength(24)
    await stream.leave()

    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const subscribe = async (uri?: string) =>
      (await client.request('resources/subscribe', { uri })).answer()
    for (const uri of uris.slice(0, 24)) expect((await subscribe(uri)).error).toBeUndefined()
    expect((await subscribe(uris[24])).error?.code).toBe(-32602)
    await client.request('resources/unsubscribe', { uri: uris[0] })
    expect((await subscribe(uris[24])).error).toBeUndefined()
  })
})

describe('a key in DynamoDB', () => {
  it('is made as fast of one text as of another, though a client chose it', async () => {
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
    class Empty extends DynamoDBClient {
      override send = async () => ({}) as never
    }
    const store = dynamoStore({ table: 't', client: new Empty({ region: 'eu-west-1' }) })
    const cpuOfKey = (text: string) => cpuOf(() => store.get(['p', text.repeat(2_000_000)]))
    await cpuOfKey('x') // to be compiled
    // 50 times as much when all of it was escaped before it was found too long
    expect((await cpuOfKey('%')) / (await cpuOfKey('x'))).toBeLessThan(8)
  })
})

describe('a list', () => {
  it('is walked at the same cost an item, however long it is', async () => {
    const walk = async (items: number) => {
      serverOf({ pageSize: 20 })
      for (let i = 0; i < items; i++) mcp.resource(`file:///${i}`, { name: `r${i}` }, () => 'x')
      const client = new ModernClient(fetchEndpoint(mcp))
      let found = 0
      let cursor: string | undefined
      do {
        const page = await client.request('resources/list', cursor === undefined ? {} : { cursor })
        const { resources, nextCursor } = await page.result()
        found += resources.length
        cursor = nextCursor
      } while (cursor !== undefined)
      expect(found).toBe(items)
    }
    const short = () => times(10, () => walk(1_000))
    await short() // to be compiled
    // each page wrote all items, and the cursors of those before it: 7 times as much
    expect((await cpuOf(() => walk(10_000))) / (await cpuOf(short))).toBeLessThan(4)
  })
})

describe('pages that clients choose', () => {
  it('are not all kept', async () => {
    serverOf()
    const description = 'x'.repeat(500)
    for (let i = 0; i < 1_000; i++) {
      mcp.resource(`file:///${i}`, { name: `r${i}`, description }, () => 'x')
    }
    const client = new ModernClient(fetchEndpoint(mcp))
    const keyOf = (i: number) => btoa(encodeURIComponent(`file:///${i}`))
    let written = 0
    const before = heldBytes()
    for (let i = 0; i < 400; i++) {
      const page = await client.request('resources/list', { cursor: keyOf(i) })
      written += JSON.stringify(await page.result()).length
    }
    expect(written).toBeGreaterThan(100e6)
    expect(heldBytes() - before).toBeLessThan(written / 2)
  })
})

describe('news', () => {
  it('of many resources in one turn cost as much each as of few', async () => {
    serverOf()
    const tell = (changes: number) => {
      const uris = Array.from({ length: changes }, (_, i) => `file:///src/${i}.ts`)
      return Promise.all(uris.map((uri) => mcp.notify.resourceUpdated(uri)))
    }
    const few = () => times(50, () => tell(1_000))
    await few() // to be compiled
    // each was compared with all before it: 40 times as much
    expect((await cpuOf(() => tell(50_000))) / (await cpuOf(few))).toBeLessThan(15)
  })
})

describe('a session', () => {
  it('takes subscriptions that come at once with few more operations than one by one', async () => {
    const memory = memoryStore()
    let operations = 0
    const slowly = async () => {
      operations++
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const store: Store = {
      ...memory,
      get: (key) => slowly().then(() => memory.get(key)),
      put: (key, value, options) => slowly().then(() => memory.put(key, value, options)),
    }
    serverOf({ store }).resource('file:///{name}', { name: 'file' }, () => 'x')
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    operations = 0
    const uris = Array.from({ length: 40 }, (_, i) => `file:///${i}`)
    await Promise.all(
      uris.map(async (uri) => (await client.request('resources/subscribe', { uri })).result()),
    )
    // 3 each; they were 1,700 when all raced and one won
    expect(operations).toBeLessThan(200)
    const session = await memory.get([`session/anyone/${client.sessionId}`, 'session'])
    expect(session?.value).toMatchObject({ subscriptions: expect.arrayContaining(uris) })
  })
})

describe('a stream', () => {
  const big = 'x'.repeat(9_000_000)

  it('brings a result of any size, live and when it is resumed', async () => {
    serverOf().tool('big', { description: 'Says much' }, (_, ctx) => {
      ctx.progress(1)
      return big
    })
    const { port, close } = await serve(mcp, { port: 0, signals: false })
    const endpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const live = await client.call('big', {}, { meta: { progressToken: 1 } })
    const events = await live.response.text()
    expect(events).toMatch(/x{9}"}]}}\n\n$/)
    const again = await client.get(/^id: (.+)/.exec(events)?.[1])
    expect(await again.response.text()).toMatch(/x{9}"}]}}\n\n$/)
    await close()
  })

  it('is given up when its client takes nothing while more comes', async () => {
    const { promise: over, resolve } = deferred()
    serverOf().tool('on', { description: 'Goes on' }, async (_, ctx) => {
      for (let i = 1; i <= 8 && !ctx.signal.aborted; i++) {
        ctx.progress(i, 8, big)
        await new Promise((done) => setTimeout(done, 5))
      }
      resolve()
    })
    const client = new ModernClient(fetchEndpoint(mcp))
    const reply = await client.call('on', {}, { meta: { progressToken: 1 } })
    await over
    await expect(reply.rest()).rejects.toThrow('too slowly')
  })
})

describe('arguments under plain JSON Schema', () => {
  async function said(input: JsonSchema, args: object): Promise<string> {
    serverOf().tool('take', { description: 'Takes', input }, () => 'taken')
    const { content } = await (
      await new ModernClient(fetchEndpoint(mcp)).call('take', args)
    ).result()
    return content[0].text
  }
  const schemaOf = (property: JsonSchema) => ({ type: 'object', properties: { a: property } })

  it('are tried against the format "url" in time that does not double with each character', async () => {
    const schema = schemaOf({ type: 'string', format: 'url' })
    expect(await said(schema, { a: 'https://example.com/a?b=c' })).toBe('taken')
    const cpuOfLength = (length: number) =>
      cpuOf(async () => {
        const a = `http://${'a'.repeat(length)} `
        expect(await said(schema, { a })).toMatch('Invalid arguments')
      })
    await cpuOfLength(10) // to be compiled
    // 500 times as much
    expect((await cpuOfLength(28)) / (await cpuOfLength(10))).toBeLessThan(20)
  })

  it('are looked through for duplicates as far as that is no work for minutes', async () => {
    const schema = schemaOf({ type: 'array', uniqueItems: true })
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
    expect(await said(schema, { a: numbers(3_000) })).toBe('taken')
    expect(await said(schema, { a: [...numbers(3_000), 0] })).toMatch('Duplicate items')
    expect(await said(schema, { a: numbers(8_000) })).toMatch('too much to look through')
    expect(await said(schema, { a: numbers(60).map(() => numbers(1_000)) })).toMatch('too much')
    expect(await said(schema, { a: numbers(1_000).map((i) => 'x'.repeat(4_000) + i) })).toMatch(
      'too much',
    )
  })

  it('may be long where no duplicates are looked for', async () => {
    const tags = { type: 'array', uniqueItems: true }
    const a = Array.from({ length: 100_000 }, (_, i) => i)
    const beside = { type: 'object', properties: { a: { type: 'array' }, tags } }
    expect(await said(beside, { a, tags: ['x'] })).toBe('taken')
    expect(await said(beside, { a, tags: ['x', 'x'] })).toMatch('Duplicate items')
    expect(await said(beside, { a: ['x', 'x'], tags: a })).toMatch('too much')
    // where it cannot be told which arrays are meant, all count
    for (const some of [
      { additionalProperties: tags },
      { patternProperties: { '^a': tags } },
      { properties: { a: { anyOf: [tags, { type: 'null' }] } } },
      { properties: { a: { $ref: '#/$defs/tags' } }, $defs: { tags } },
      { properties: { a: { $ref: '#/properties/tags' }, tags } },
    ]) {
      expect(await said({ type: 'object', ...some }, { a })).toMatch('too much')
    }
  })

  it('are compared with the words of the schema, not with what is made of its formats', async () => {
    const schema = schemaOf({ const: { format: 'url', uniqueItems: true } })
    expect(await said(schema, { a: { format: 'url', uniqueItems: true } })).toBe('taken')
  })

  it('with more problems than a stack holds are refused like others', async () => {
    const schema = schemaOf({ type: 'object', properties: { b: { items: { type: 'string' } } } })
    const b = Array.from({ length: 150_000 }, () => 0)
    expect(await said(schema, { a: { b } })).toMatch('Invalid arguments')
  })
})

describe('a process', () => {
  it('hears of no leak when many listen, and a call waits for many answers', async () => {
    const warnings: string[] = []
    const note = ({ name }: Error) => warnings.push(name)
    process.on('warning', note)
    const ask = async (_: unknown, ctx: Context) => {
      await Promise.all(Array.from({ length: 12 }, () => ctx.roots()))
    }
    serverOf().tool('ask', { description: 'Asks' }, ask)
    const endpoint = fetchEndpoint(mcp)
    const client = new ModernClient(endpoint)
    const streams = await Promise.all(
      Array.from({ length: 12 }, () => client.listen({ toolsListChanged: true })),
    )
    const asked = await LegacyClient.open(endpoint, '2025-11-25', { capabilities: { roots: {} } })
    const call = await asked.call('ask')
    for (let i = 0; i < 12; i++) await call.find(({ method }) => method === 'roots/list')
    await mcp.close({ grace: 0 })
    // they end in good order
    for (const stream of streams) expect(await stream.answer()).toMatchObject({ result: {} })
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('a call that asks', () => {
  const capabilities = { sampling: {} }
  const answer = () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } })

  /** How many entries of logs are read, and how often, while a tool asks so many questions. */
  async function readsOf(ask: (question: () => Promise<unknown>) => Promise<unknown>) {
    const memory = memoryStore()
    const reads = { entries: 0, operations: 0 }
    const store: Store = {
      ...memory,
      async read(log, after, limit) {
        const entries = await memory.read(log, after, limit)
        reads.operations++
        reads.entries += entries.length
        return entries
      },
    }
    const params = { messages: [], maxTokens: 10 }
    serverOf({ store }).tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ask(() => ctx.sample(params))
      return 'answered'
    })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
    const call = await client.converse('tools/call', { name: 'ask', arguments: {} }, answer)
    expect(call.answer.result.content[0].text).toBe('answered')
    return reads
  }

  it('reads each answer a few times, however many came before it', async () => {
    const { entries } = await readsOf((question) => times(50, question))
    // 5,050 when each question and each answer read all that there were
    expect(entries).toBeLessThan(400)
  })

  it('asks many questions at once with a few reads each', async () => {
    const { operations } = await readsOf((question) =>
      Promise.all(Array.from({ length: 50 }, question)),
    )
    // 1,500 when they raced
    expect(operations).toBeLessThan(300)
  })
})
