/** Defects that were found once, each shown gone. */
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { JsonValue, McpOptions, Principal, Store, StoreKey } from '../src/index.ts'
import { AuthError, createMcp, memoryStore, StoreUnavailable, ValueTooLarge } from '../src/index.ts'
import { BOTH, fetchEndpoint, LegacyClient, ModernClient, post } from './support/wire.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(() => Promise.all(opened.splice(0).map((endpoint) => endpoint.close())))

function open(options: Partial<McpOptions> = {}) {
  const mcp = createMcp({ name: 'regressions', version: '1', log: () => {}, ...options })
  const endpoint = fetchEndpoint(mcp)
  opened.push(endpoint)
  return { mcp, endpoint }
}

/** What Node would end the process for. */
async function unhandled(act: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = []
  const note = (reason: unknown) => reasons.push(reason)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', note)
  try {
    await act()
    // rejections are reported when the queue of microtasks is empty
    await new Promise((resolve) => setTimeout(resolve, 10))
  } finally {
    process.off('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
  }
  return reasons
}

describe('a store in trouble', () => {
  /** Holds no item beyond a size, and is gone once it has said so. */
  function small(): Store {
    const store = memoryStore()
    let gone = false
    return {
      ...store,
      async append(log, at, entries, options) {
        if (gone && log[1].startsWith('stream/')) throw new StoreUnavailable('gone')
        if (JSON.stringify(entries).length > 10_000) {
          gone = true
          throw new ValueTooLarge('too large')
        }
        return store.append(log, at, entries, options)
      },
    }
  }

  it('ends no process when it fails while a large event is noted as missing', async () => {
    const { mcp, endpoint } = open({ store: small() })
    mcp.tool('large', { description: 'Says a lot' }, async (_, ctx) => {
      ctx.log.info('x'.repeat(20_000))
      return 'done'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reasons = await unhandled(async () => {
      const reply = await client.call('large')
      expect((await reply.result()).content[0].text).toBe('done')
    })
    expect(reasons).toEqual([])
  })

  it('ends no process when nobody waits for the news to be durable', async () => {
    const store = memoryStore()
    const { mcp } = open({
      store: { ...store, put: async () => Promise.reject(new StoreUnavailable('gone')) },
    })
    const reasons = await unhandled(async () => {
      void mcp.notify.toolsChanged()
    })
    expect(reasons).toEqual([])
    await expect(mcp.notify.toolsChanged()).rejects.toThrow(StoreUnavailable)
  })
})

describe('what a store may hold', () => {
  it('memoryStore gives up what was used least before it holds more than it may', async () => {
    const store = memoryStore({ maxLength: 100_000 })
    const expiresAt = Date.now() + 60_000
    await store.put(['p', 'kept'], 'kept', { expiresAt })
    for (let i = 0; i < 50; i++) {
      await store.get(['p', 'kept'])
      await store.put(['p', `r${i}`], 'x'.repeat(5_000), { expiresAt })
      await store.append(['p', `l${i}`], 0, ['x'.repeat(5_000)], { expiresAt })
    }
    let held = 0
    for (let i = 0; i < 50; i++) {
      held += (await store.get(['p', `r${i}`])) ? 1 : 0
      held += (await store.read(['p', `l${i}`], 0)).length
    }
    expect(held).toBeGreaterThan(10)
    expect(held).toBeLessThan(20)
    expect((await store.get(['p', 'kept']))?.value).toBe('kept')
  })

  it('a question after answers that a full store has let go of is asked, and answered', async () => {
    const memory = memoryStore()
    let inbox: StoreKey | undefined
    let reads = 0
    const store: Store = {
      ...memory,
      async read(log, after, limit) {
        if (log[1].startsWith('inbox/')) {
          inbox = log
          if (++reads > 100) throw new StoreUnavailable('asked for what is gone, over and over')
        }
        return memory.read(log, after, limit)
      },
    }
    const { mcp, endpoint } = open({ store, answerTimeout: 2_000 })
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      await ctx.sample({ messages: [], maxTokens: 10 })
      expect(inbox && (await memory.delete(inbox))).toBe(true)
      await ctx.sample({ messages: [], maxTokens: 10 })
      return 'answered twice'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25', {
      capabilities: { sampling: {} },
    })
    const { answer } = await client.converse('tools/call', { name: 'ask', arguments: {} }, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'x' },
    }))
    expect(answer.result.content[0].text).toBe('answered twice')
  })

  it('ctx.session refuses to keep what has no JSON', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('forget', { description: 'Keeps nothing', session: true }, async (_, ctx) => {
      await ctx.session.update('key', () => undefined as unknown as JsonValue)
    })
    mcp.tool(
      'look',
      { description: 'Looks', session: true },
      async (_, ctx) => (await ctx.session.get('key')) ?? 'none',
    )
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await (await client.call('forget')).result()).isError).toBe(true)
    expect((await (await client.call('look')).result()).content[0].text).toBe('none')
  })
})

describe('an update that writes to the value it is to replace', () => {
  afterEach(() => vi.useRealTimers())

  it('ends, with an error', async () => {
    const { mcp, endpoint } = open()
    let runs = 0
    mcp.tool(
      'count',
      { description: 'Never agrees with itself', session: true },
      async (_, ctx) => {
        await ctx.session.update('n', async () => {
          await ctx.session.set('n', ++runs)
          return 0
        })
      },
    )
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let result: { isError?: boolean } | undefined
    const called = client.call('count').then(async (reply) => {
      result = await reply.result()
    })
    while (!result && runs < 10_000) await vi.advanceTimersByTimeAsync(200)
    expect(result).toMatchObject({ isError: true })
    await called
  })
})

describe('input without measure', () => {
  it('refuses a batch of ten thousand messages before it does anything for it', async () => {
    const { endpoint } = open()
    const client = await LegacyClient.open(endpoint, '2025-03-26')
    const cancel = (requestId: number) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    })
    const reply = await client.send(Array.from({ length: 10_000 }, (_, i) => cancel(i)))
    expect(reply.status).toBe(400)
    expect((await client.send(Array.from({ length: 100 }, (_, i) => cancel(i)))).status).toBe(202)
  })

  it('answers a million wrong values in a few words', async () => {
    const { mcp, endpoint } = open()
    mcp.tool(
      'sum',
      { description: 'Adds', input: v.object({ of: v.array(v.number()) }) },
      ({ of }) => of.length,
    )
    const of = Array.from({ length: 20_000 }, () => 'x')
    const result = await (await new ModernClient(endpoint).call('sum', { of })).result()
    expect(result.isError).toBe(true)
    expect(result.content[0].text).toMatch(/^Invalid arguments: of.0: /)
    expect(result.content[0].text.length).toBeLessThan(5_000)
  })

  it.each([
    ['x:///{+path}{?q}', `x:///${'?'.repeat(300_000)}#`],
    ['x:///{+a}/{+b}/{+c}', `x:///${'/'.repeat(300_000)}\n`],
    ['x:///{a}{b}{c}', `x:///${'a'.repeat(300_000)}/`],
  ])('a URI made to keep the template %s busy does not', async (template, uri) => {
    const { mcp, endpoint } = open()
    mcp.resource(template, { name: 'any' }, () => 'found')
    const start = performance.now()
    const { error } = await (
      await new ModernClient(endpoint).request('resources/read', { uri })
    ).answer()
    expect(error?.code).toBe(-32602)
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('no variable of a URI template climbs out of its place (C37)', async () => {
    const { mcp, endpoint } = open()
    mcp.resource('file:///{name}', { name: 'file' }, ({ name }) => `read ${name}`)
    mcp.resource('tree:///{+path}', { name: 'tree' }, ({ path }) => `read ${path}`)
    const client = new ModernClient(endpoint)
    const read = async (uri: string) => (await client.request('resources/read', { uri })).answer()
    for (const uri of [
      'file:///..',
      'file:///%2e%2e%2Fetc%2fpasswd',
      'file:///a%5C..%5Cb',
      'tree:///a/../../etc/passwd',
      'tree:///%2e%2e/etc',
    ]) {
      expect((await read(uri)).error?.code, uri).toBe(-32602)
    }
    expect((await read('file:///a..b')).result.contents[0].text).toBe('read a..b')
    expect((await read('tree:///a/b.txt')).result.contents[0].text).toBe('read a/b.txt')
    expect((await read('file:///a%2Fb')).result.contents[0].text).toBe('read a/b')
  })
})

describe('rounds (A.5)', () => {
  it('carry answers of half a megabyte', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      const one = await ctx.sample({ messages: [], maxTokens: 1 })
      await ctx.roots()
      return `${one.content.text.length}`
    })
    const client = new ModernClient(endpoint, { capabilities: { sampling: {}, roots: {} } })
    const { answer } = await client.converse('tools/call', { name: 'ask' }, ({ method }) =>
      method === 'roots/list'
        ? { roots: [] }
        : { role: 'assistant', model: 'm', content: { type: 'text', text: 'x'.repeat(500_000) } },
    )
    expect(answer.result?.content[0].text).toBe('500000')
  })

  it('take no answer to an earlier question for one to the question that took its place', async () => {
    const { mcp, endpoint } = open()
    let files = 5
    mcp.tool('delete', { description: 'Deletes' }, async (_, ctx) => {
      const sure = await ctx.elicit(`Delete ${files} files?`, v.object({ yes: v.boolean() }))
      await ctx.roots()
      return sure.action === 'accept' && sure.content.yes ? `deleted ${files}` : 'kept'
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {}, roots: {} } })
    const asked: string[] = []
    const { answer } = await client.converse('tools/call', { name: 'delete' }, (question) => {
      if (question.method === 'roots/list') {
        files = 7
        return { roots: [] }
      }
      asked.push(question.params.message)
      return { action: 'accept', content: { yes: question.params.message === 'Delete 5 files?' } }
    })
    expect(asked).toEqual(['Delete 5 files?', 'Delete 7 files?'])
    expect(answer.result.content[0].text).toBe('kept')
  })

  it('say so when there is more to carry than a client could bring back', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      await ctx.sample({ messages: [], maxTokens: 1 })
      await ctx.roots()
      return 'done'
    })
    const client = new ModernClient(endpoint, { capabilities: { sampling: {}, roots: {} } })
    const { answer, questions } = await client.converse('tools/call', { name: 'ask' }, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'x'.repeat(3_000_000) },
    }))
    expect(questions.map(({ method }) => method)).toEqual(['sampling/createMessage'])
    expect(answer.error?.message).toMatch(/too much/)
  })
})

describe('the end of a call', () => {
  it('comes at once when the client had gone before the handler looked at its signal (C8)', async () => {
    const { mcp, endpoint } = open()
    const leave = new AbortController()
    mcp.tool('wait', { description: 'Waits for ever' }, (_, ctx) => {
      leave.abort()
      expect(ctx.signal.aborted).toBe(true)
      return new Promise<string>(() => {})
    })
    const client = new ModernClient({
      ...endpoint,
      fetch: async (input, init) =>
        mcp.fetch(new Request(input, { ...init, signal: leave.signal })),
    })
    expect((await client.call('wait')).status).toBe(202)
  })

  it('was asked for before the handler looked at its signal (B52)', async () => {
    const { mcp, endpoint } = open()
    let look = () => {}
    const reasons: unknown[] = []
    mcp.tool('wait', { description: 'Waits' }, async (_, ctx) => {
      ctx.log.info('begun')
      await new Promise<void>((resolve) => {
        look = resolve
      })
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      reasons.push(ctx.signal.reason)
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('wait', {}, { id: 'early' })
    await reply.notification('notifications/message')
    // a clock has to tell the cancellation from the look
    await new Promise((resolve) => setTimeout(resolve, 5))
    await client.notify('notifications/cancelled', { requestId: 'early' })
    await new Promise((resolve) => setTimeout(resolve, 5))
    look()
    expect(await reply.rest()).toHaveLength(1)
    expect(reasons).toHaveLength(1)
  })

  it('is the end of its lease, also of a renewal under way', async () => {
    const store = memoryStore()
    let renew = () => {}
    const renewing = new Promise<void>((resolve) => {
      renew = resolve
    })
    let renewals = 0
    let finish = () => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { mcp, endpoint } = open({
      streamLease: 30,
      store: {
        ...store,
        async put(key, value, options) {
          if (key[1].startsWith('lease/')) {
            renewals++
            renew()
            await slow
          }
          return store.put(key, value, options)
        },
      },
    })
    mcp.tool('work', { description: 'Works' }, async (_, ctx) => {
      ctx.log.info('begun')
      await renewing
      return 'done'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    await (await client.call('work')).rest()
    finish()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(renewals).toBe(1)
  })

  it('takes back the question that is still open (B49)', async () => {
    const { mcp, endpoint } = open({ callTimeout: 100 })
    mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ctx.roots()
      return 'answered'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities: { roots: {} } })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'roots/list')
    const { params } = await reply.notification('notifications/cancelled')
    expect(params.requestId).toBe(question.id)
    expect((await reply.result()).isError).toBe(true)
  })

  it('a stream resumed on a server that is stopping ends with the word to come back', async () => {
    const { mcp, endpoint } = open()
    let finish = (_: string) => {}
    const done = new Promise<string>((resolve) => {
      finish = resolve
    })
    mcp.tool('slow', { description: 'Is slow' }, async (_, ctx) => {
      ctx.log.info('begun')
      return done
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('slow')
    await reply.notification('notifications/message')
    const closing = mcp.close({ grace: 2_000 })
    const resumed = await client.get(reply.events.at(-1)?.id)
    await resumed.rest()
    expect(resumed.events.at(-1)?.retry).toBeGreaterThan(0)
    finish('done')
    expect((await reply.result()).content[0].text).toBe('done')
    await closing
  })
})

describe('what an author may say', () => {
  it.each(['callTimeout', 'answerTimeout', 'keepAlive', 'listenTimeout', 'streamLease'] as const)(
    '%s that no timer can hold is refused at the start, not taken for nothing',
    (name) => {
      for (const value of [Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN, 0, -1]) {
        expect(() => createMcp({ name: 'n', version: '1', [name]: value })).toThrow(name)
      }
    },
  )

  it('the same for the timeout of a tool', () => {
    const { mcp } = open()
    const add = (timeout: number) => mcp.tool('t', { description: 't', timeout }, () => 'ok')
    expect(() => add(Number.POSITIVE_INFINITY)).toThrow('timeout')
  })

  it('a valibot tuple is described in the dialect that clients assume (B60, C22)', async () => {
    const { mcp, endpoint } = open()
    mcp.tool(
      'at',
      { description: 'Where', input: v.object({ at: v.tuple([v.number(), v.string()]) }) },
      () => 'ok',
    )
    const { tools } = await (await new ModernClient(endpoint).request('tools/list')).result()
    expect(tools[0].inputSchema.properties.at).toEqual({
      type: 'array',
      prefixItems: [{ type: 'number' }, { type: 'string' }],
      minItems: 2,
    })
  })

  it.each([
    ['an object in an object', v.object({ a: v.object({ b: v.string() }) })],
    ['a list of numbers', v.object({ a: v.array(v.number()) })],
    ['a value or null', v.object({ a: v.nullable(v.string()) })],
  ])('a form asks for plain values only, so not for %s (B66)', async (_, schema) => {
    const problems: unknown[] = []
    const { mcp, endpoint } = open({
      log: ({ level, error }) => level === 'error' && problems.push(error),
    })
    mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ctx.elicit('?', schema)
    })
    const capabilities = { elicitation: {} }
    const client = new ModernClient(endpoint, { capabilities })
    const result = await (await client.call('ask')).result()
    expect(result.isError).toBe(true)
    expect(problems).toEqual([expect.stringMatching(/property "a"/)])
  })

  it('a form may ask for text, numbers, yes or no, and choices (B66, B68)', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ctx.elicit(
        '?',
        v.object({
          text: v.pipe(v.string(), v.email()),
          number: v.optional(v.pipe(v.number(), v.integer()), 3),
          sure: v.boolean(),
          one: v.picklist(['a', 'b']),
          many: v.array(v.picklist(['a', 'b'])),
        }),
      )
      await ctx.elicit('?', type({ one: "'a' | 'b'" }))
      await ctx.elicit('?', {
        type: 'object',
        properties: {
          titled: { type: 'string', oneOf: [{ const: 'a', title: 'A' }] },
          several: { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] } },
        },
      })
      return 'done'
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {} } })
    const { answer, questions } = await client.converse('tools/call', { name: 'ask' }, () => ({
      action: 'decline',
    }))
    expect(answer.result?.content[0].text).toBe('done')
    expect(questions[1]?.params.requestedSchema.properties).toEqual({
      one: { type: 'string', enum: ['a', 'b'] },
    })
  })

  it('waits for whatever has then(), a Promise or not', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('rows', { description: 'Finds rows' }, () => ({
      // biome-ignore lint/suspicious/noThenProperty: this is what query builders are
      then: (resolve: (rows: object) => void) => resolve({ id: 1 }),
    }))
    const result = await (await new ModernClient(endpoint).call('rows')).result()
    expect(result.structuredContent).toEqual({ id: 1 })
  })

  it('returns an object that happens to have no content', async () => {
    const { mcp, endpoint } = open()
    const output = v.object({ content: v.array(v.string()), total: v.number() })
    mcp.tool('search', { description: 'Searches', output }, () => ({ content: [], total: 0 }))
    mcp.tool('nothing', { description: 'Is empty' }, () => ({ content: [], isError: true }))
    const client = new ModernClient(endpoint)
    const found = await (await client.call('search')).result()
    expect(found.structuredContent).toEqual({ content: [], total: 0 })
    expect(await (await client.call('nothing')).result()).toMatchObject({
      content: [],
      isError: true,
    })
  })

  it('ctx.session takes values of declared interfaces', async () => {
    interface Cart {
      items: string[]
    }
    const { mcp, endpoint } = open()
    mcp.tool('put', { description: 'Puts', session: true }, async (_, ctx) => {
      const cart: Cart = { items: ['book'] }
      await ctx.session.set('cart', cart)
      return (await ctx.session.get<Cart>('cart'))?.items[0]
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await (await client.call('put')).result()).content[0].text).toBe('book')
  })

  it('progress that has no JSON is no progress (B53)', async () => {
    const { mcp, endpoint } = open()
    mcp.tool('run', { description: 'Runs' }, (_, ctx) => {
      ctx.progress(Number.POSITIVE_INFINITY)
      ctx.progress(1, Number.POSITIVE_INFINITY)
      ctx.progress(2, 3)
      return 'done'
    })
    const reply = await new ModernClient(endpoint).call('run', {}, { meta: { progressToken: 't' } })
    const messages = await reply.rest()
    expect(messages.flatMap(({ params }) => params ?? [])).toEqual([
      { progressToken: 't', progress: 1 },
      { progressToken: 't', progress: 2, total: 3 },
    ])
  })
})

describe('a verifier of the author', () => {
  it('is waited for whatever it returns with then(), a Promise or not', async () => {
    const refused = {
      // biome-ignore lint/suspicious/noThenProperty: a library's own promises have it
      then: (_: unknown, no: (error: Error) => void) => no(new AuthError('No.')),
    }
    const { endpoint } = open({
      auth: {
        verify: () => refused as unknown as Promise<Principal>,
        challenge: () => new Response(null, { status: 401 }),
      },
    })
    const response = await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect(response.status).toBe(401)
  })
})

describe('pages of other origins', () => {
  it('cannot read that they were refused (B3)', async () => {
    const { endpoint } = open()
    const headers = { origin: 'https://evil.example', accept: BOTH }
    const reply = await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers)
    expect(reply.status).toBe(403)
    expect(reply.header('access-control-allow-origin')).toBe(null)
    expect(reply.header('vary')).toMatch(/origin/i)
  })
})

describe('a list that a server does not offer', () => {
  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])(
    '%s is refused by its own name',
    async (method) => {
      const client = await LegacyClient.open(open().endpoint, '2025-11-25')
      const { error } = await (await client.request(method)).answer()
      expect(error).toMatchObject({ code: -32601, message: `Method not found: ${method}` })
    },
  )
})
