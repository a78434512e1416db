/** Middleware around calls: order, typed results, errors, and each way in which a call can run. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { connect } from '../../adapters/testing.ts'
import type { CallKind, LogEntry, Mcp, McpOptions, Middleware } from '../../src/index.ts'
import { bearer, failure, McpError, memoryStore, text } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { manualServer } from '../support/tasks.ts'
import type { TestEndpoint, WireClient } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const SURE = v.object({ sure: v.boolean() })
const yes = () => ({ action: 'accept', content: { sure: true } })
const capabilities = { elicitation: {} }

function serverWith(options: Partial<McpOptions> = {}): { mcp: Mcp; endpoint: TestEndpoint } {
  const { mcp, endpoint } = openServer(options)
  const input = v.object({ a: v.pipe(v.string(), v.transform(Number)) })
  mcp.tool('double', { description: 'Doubles', input }, ({ a }) => 2 * a)
  mcp.tool(
    'person',
    { description: 'Tells a secret', output: v.object({ name: v.string(), key: v.string() }) },
    async () => ({ name: 'Ann', key: 'secret' }),
  )
  mcp.tool('sorry', { description: 'Throws a failure' }, () => {
    throw failure('not today')
  })
  mcp.tool('bug', { description: 'Throws' }, () => {
    throw new Error('a secret of the server')
  })
  mcp.tool('safe', { description: 'Needs a scope', scopes: ['write'], stepUp: true }, () => 4)
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const { action } = await ctx.elicit('Sure?', SURE)
    return action
  })
  mcp.prompt(
    'hello',
    { description: 'Greets', input: v.object({ who: v.string() }) },
    ({ who }) => {
      if (who === 'bug') throw new Error('a secret of the server')
      return `Hello ${who}`
    },
  )
  mcp.prompt(
    'city',
    {
      description: 'Describes a city',
      input: v.object({ city: v.string() }),
      complete: { city: () => ['Bern', 'Basel'] },
    },
    ({ city }) => city,
  )
  mcp.resource('note://{id}', { name: 'note' }, ({ id }) => `Note ${id}`)
  mcp.resource('note://fixed', { name: 'fixed' }, () => 'The fixed note')
  return { mcp, endpoint }
}

const ERAS = ['2025-11-25', '2026-07-28'] as const

const open = async (endpoint: TestEndpoint, era: (typeof ERAS)[number]): Promise<WireClient> =>
  era === '2026-07-28'
    ? new ModernClient(endpoint, { capabilities })
    : LegacyClient.open(endpoint, era, { capabilities })

const answerOf = async (client: WireClient, method: string, params: object) =>
  (await client.request(method, params)).answer()

const REQUESTS: readonly [CallKind, string, object, object][] = [
  [
    'tool',
    'tools/call',
    { name: 'double', arguments: { a: '2' } },
    { name: 'double', arguments: { a: 2 } },
  ],
  [
    'prompt',
    'prompts/get',
    { name: 'hello', arguments: { who: 'Ann' } },
    { name: 'hello', arguments: { who: 'Ann' } },
  ],
  [
    'resource',
    'resources/read',
    { uri: 'note://1' },
    { name: 'note://{id}', uri: 'note://1', arguments: { id: '1' } },
  ],
  ['list', 'tools/list', {}, { name: 'tools', arguments: {} }],
  ['list', 'prompts/list', {}, { name: 'prompts' }],
  ['list', 'resources/list', {}, { name: 'resources' }],
  ['list', 'resources/templates/list', {}, { name: 'resourceTemplates' }],
  [
    'completion',
    'completion/complete',
    {
      ref: { type: 'ref/prompt', name: 'city' },
      argument: { name: 'city', value: 'B' },
      context: { arguments: { land: 'CH' } },
    },
    { name: 'city', argument: 'city', value: 'B', arguments: { land: 'CH' } },
  ],
]

describe.each(ERAS)('middleware, for a client of %s,', (era) => {
  it.each(REQUESTS)(
    'runs around a call of the kind %s (%s) and sees what is called',
    async (kind, method, params, facts) => {
      const { mcp, endpoint } = serverWith()
      const plain = await answerOf(await open(endpoint, era), method, params)
      const seen: unknown[] = []
      mcp.use(async (call, next) => {
        expect(call.signal.aborted).toBe(false)
        const { kind, request } = call
        seen.push({ ...call, kind, era: request.era, revision: request.revision })
        return next()
      })
      mcp.use(kind, (_, next) => next() as never)
      for (const other of ['tool', 'prompt', 'list'] as const) {
        if (other !== kind) mcp.use(other, () => expect.unreachable() as never)
      }
      const answer = await answerOf(await open(endpoint, era), method, params)
      expect(answer.result).toEqual(plain.result)
      const name = era === '2026-07-28' ? 'modern' : 'legacy'
      expect(seen).toMatchObject([{ kind, ...facts, era: name, revision: era }])
    },
  )

  it('runs in the order of registration, the first one outermost', async () => {
    const { mcp, endpoint } = serverWith()
    const order: string[] = []
    const noting =
      (name: string): Middleware =>
      async (_, next) => {
        order.push(`${name} in`)
        const result = await next()
        order.push(`${name} out`)
        return result
      }
    mcp.use(noting('a'))
    mcp.use('tool', noting('b') as Middleware<'tool'>)
    mcp.use(noting('c'))
    await answerOf(await open(endpoint, era), 'tools/call', {
      name: 'double',
      arguments: { a: '1' },
    })
    expect(order).toEqual(['a in', 'b in', 'c in', 'c out', 'b out', 'a out'])
  })

  it('changes arguments and results', async () => {
    const { mcp, endpoint } = serverWith()
    mcp.use('tool', async (call, next) => {
      if (call.name === 'double') call.arguments = { a: 21 }
      const result = await next()
      return {
        ...result,
        content: [...result.content, text('checked')],
        _meta: { 'example.com/checked': true },
      }
    })
    mcp.use('prompt', (call, next) => {
      call.arguments = { who: 'Bob' }
      return next()
    })
    mcp.use('resource', async (call, next) => {
      call.arguments = { id: '7' }
      const { contents } = await next()
      return { contents: [...contents, { uri: 'note://more', text: 'More' }] }
    })
    const client = await open(endpoint, era)
    const { result } = await answerOf(client, 'tools/call', {
      name: 'double',
      arguments: { a: '1' },
    })
    expect(result.content).toEqual([text('42'), text('checked')])
    expect(result._meta['example.com/checked']).toBe(true)
    const prompt = await answerOf(client, 'prompts/get', {
      name: 'hello',
      arguments: { who: 'Ann' },
    })
    expect(prompt.result.messages[0].content.text).toBe('Hello Bob')
    const { contents } = (await answerOf(client, 'resources/read', { uri: 'note://1' })).result
    expect(contents).toEqual([
      { uri: 'note://1', text: 'Note 7' },
      { uri: 'note://more', text: 'More' },
    ])
  })

  it('redacts a structured result, which still has to fit the output schema', async () => {
    const { mcp, endpoint } = serverWith()
    let broken = false
    mcp.use('tool', async (_, next) => {
      const result = await next()
      const { structuredContent } = result as { structuredContent: object }
      const redacted = broken ? { name: 1 } : { ...structuredContent, key: '***' }
      return { content: [text(JSON.stringify(redacted))], structuredContent: redacted }
    })
    const client = await open(endpoint, era)
    const { result } = await answerOf(client, 'tools/call', { name: 'person' })
    expect(result.structuredContent).toEqual({ name: 'Ann', key: '***' })
    expect(JSON.stringify(result)).not.toContain('secret')
    broken = true
    const wrong = await answerOf(client, 'tools/call', { name: 'person' })
    expect(wrong.result).toMatchObject({ isError: true })
    expect(wrong.result.content[0].text).toMatch(/^Internal error \(\w{8}\)$/)
  })

  it('answers a call without its handler', async () => {
    const { mcp, endpoint } = serverWith()
    const inner: string[] = []
    mcp.use('tool', (call, next) => (call.name === 'bug' ? { content: [text('cached')] } : next()))
    mcp.use('list', () => ({ tools: [] }))
    mcp.use('completion', () => ({ values: ['Chur'], hasMore: false }))
    mcp.use((call, next) => {
      inner.push(call.kind)
      return next()
    })
    const client = await open(endpoint, era)
    const { result } = await answerOf(client, 'tools/call', { name: 'bug' })
    expect(result).toMatchObject({ content: [text('cached')] })
    const list = (await answerOf(client, 'tools/list', {})).result
    expect(list.tools).toEqual([])
    if (era === '2026-07-28') {
      const caching = { ttlMs: 60_000, cacheScope: 'private' }
      expect(list).toMatchObject({ resultType: 'complete', ...caching })
    }
    const [, , params] = REQUESTS.at(-1) ?? []
    const found = await answerOf(client, 'completion/complete', params ?? {})
    expect(found.result.completion).toEqual({ values: ['Chur'], hasMore: false })
    expect(inner).toEqual([])
  })

  it('changes a list for one caller alone: neither the written list nor a public cache keeps it', async () => {
    const { mcp, endpoint } = serverWith({ cache: { ttlMs: 1_000, scope: 'public' } })
    let hides = true
    mcp.use('list', async (_, next) => {
      const page = await next()
      if (hides) page.tools = page.tools?.filter(({ name }) => name !== 'bug') ?? []
      return page
    })
    const client = await open(endpoint, era)
    const names = async () => {
      const { tools, cacheScope } = (await answerOf(client, 'tools/list', {})).result
      expect(cacheScope).toBe(era === '2026-07-28' ? 'private' : undefined)
      return tools.map(({ name }: { name: string }) => name)
    }
    expect(await names()).not.toContain('bug')
    hides = false
    expect(await names()).toContain('bug')
  })

  it('comes after authorization and validation', async () => {
    const { mcp, endpoint } = serverWith({
      auth: bearer({
        tokens: [{ token: 'a-token-of-some-length', subject: 'ann', scopes: ['read'] }],
      }),
    })
    const subjects: unknown[] = []
    mcp.use((call, next) => {
      subjects.push(call.principal?.subject)
      return next()
    })
    const headers = { authorization: 'Bearer a-token-of-some-length' }
    const client =
      era === '2026-07-28'
        ? new ModernClient(endpoint, { headers })
        : await LegacyClient.open(endpoint, era, { headers })
    expect((await client.call('safe')).status).toBe(403)
    expect((await (await client.call('double', { a: 1 })).result()).isError).toBe(true)
    expect((await answerOf(client, 'prompts/get', { name: 'hello' })).error?.code).toBe(-32602)
    expect((await answerOf(client, 'tools/list', { cursor: 'x' })).error?.code).toBe(-32602)
    expect((await answerOf(client, 'tools/call', { name: 'none' })).error?.code).toBe(-32602)
    expect(subjects).toEqual([])
    await (await client.call('double', { a: '1' })).result()
    expect(subjects).toEqual(['ann'])
  })

  it('gets a failure of a tool as a result, and any other exception as it was thrown', async () => {
    const { mcp, endpoint } = serverWith()
    const seen: unknown[] = []
    mcp.use('tool', async (_, next) => {
      try {
        const result = await next()
        seen.push(result.isError)
        return result
      } catch (error) {
        seen.push(error)
        throw error
      }
    })
    const client = await open(endpoint, era)
    mcp.tool('wrong', { description: 'Lies', output: v.object({ a: v.number() }) }, () => ({
      a: 'x' as unknown as number,
    }))
    await answerOf(client, 'tools/call', { name: 'wrong' })
    expect(seen.splice(0)).toEqual([
      expect.objectContaining({ message: expect.stringContaining('breaks the output schema') }),
    ])
    const sorry = await answerOf(client, 'tools/call', { name: 'sorry' })
    expect(sorry.result).toMatchObject({ isError: true, content: [text('not today')] })
    const bug = await answerOf(client, 'tools/call', { name: 'bug' })
    expect(bug.result).toMatchObject({ isError: true })
    expect(JSON.stringify(bug)).not.toContain('secret')
    expect(seen).toEqual([true, new Error('a secret of the server')])
  })

  it('throws errors of the call: a failure, a JSON-RPC error, and nothing internal', async () => {
    const logged: LogEntry[] = []
    const { mcp, endpoint } = serverWith({ log: (entry) => logged.push(entry) })
    let error: unknown
    mcp.use(() => {
      throw error
    })
    const client = await open(endpoint, era)
    error = failure('switched off')
    const off = await answerOf(client, 'tools/call', { name: 'double', arguments: { a: '1' } })
    expect(off.result).toMatchObject({ isError: true, content: [text('switched off')] })
    for (const [, method, params] of REQUESTS) {
      error = new McpError(-32099, 'told', { why: 1 })
      expect((await answerOf(client, method, params)).error).toEqual({
        code: -32099,
        message: 'told',
        data: { why: 1 },
      })
      error = new Error('a secret of the server')
      const answer = await answerOf(client, method, params)
      expect(JSON.stringify(answer)).toMatch(/Internal error \(\w{8}\)/)
      expect(JSON.stringify(answer)).not.toContain('secret')
      expect(JSON.stringify(logged.filter(({ level }) => level === 'error').at(-1))).toContain(
        'secret',
      )
    }
  })

  it('that returns nothing is a bug of its author, and not an empty result', async () => {
    const logged: LogEntry[] = []
    const { mcp, endpoint } = serverWith({ log: (entry) => logged.push(entry) })
    mcp.use(async (_, next) => {
      await next()
      return undefined as never
    })
    const client = await open(endpoint, era)
    const { result } = await answerOf(client, 'tools/call', { name: 'person' })
    expect(result).toMatchObject({ isError: true })
    expect(JSON.stringify(logged)).toContain('Middleware returned no result')
  })

  it('may run the handler again', async () => {
    const { mcp, endpoint } = serverWith()
    let fails = 2
    mcp.tool('flaky', { description: 'Fails twice' }, () => {
      if (fails-- > 0) throw new Error('busy')
      return 'done'
    })
    mcp.use('tool', async (_, next) => {
      for (let n = 0; n < 2; n++) await next().catch(() => {})
      return next()
    })
    const { result } = await answerOf(await open(endpoint, era), 'tools/call', { name: 'flaky' })
    expect(result.content).toEqual([text('done')])
  })

  it('asks the person, and runs in each round of a call of 2026', async () => {
    const { mcp, endpoint } = serverWith()
    const rounds: string[] = []
    mcp.use('tool', async (call, next) => {
      rounds.push('begin')
      const { action } = await call.elicit('May it run?', SURE)
      if (action !== 'accept') throw failure('not allowed')
      const result = await next()
      rounds.push('end')
      return result
    })
    const client = await open(endpoint, era)
    const params = { name: 'ask', arguments: {} }
    const { answer, questions } = await client.converse('tools/call', params, yes)
    expect(answer.result.content).toEqual([text('accept')])
    expect(questions.map(({ params, method }) => params?.message ?? method)).toHaveLength(2)
    const begins = era === '2026-07-28' ? ['begin', 'begin', 'begin'] : ['begin']
    expect(rounds).toEqual([...begins, 'end'])
  })

  it('cannot keep a call from waiting for the person by catching everything', async () => {
    const { mcp, endpoint } = serverWith()
    let handled = 0
    mcp.tool('once', { description: 'Asks' }, async (_, ctx) => {
      handled += 1
      return (await ctx.elicit('Sure?', SURE)).action
    })
    mcp.use('tool', async (_, next) => {
      for (let n = 0; n < 3; n++) {
        try {
          return await next()
        } catch {
          // As a middleware that tries again does.
        }
      }
      return { content: [text('fallback')] }
    })
    const client = await open(endpoint, era)
    const params = { name: 'once', arguments: {} }
    const { answer } = await client.converse('tools/call', params, yes)
    expect(answer.result.content).toEqual([text('accept')])
    expect(handled).toBe(era === '2026-07-28' ? 2 : 1)
  })

  it('learns of the time limit when the client does, and no later next() runs the handler', async () => {
    const { mcp, endpoint } = serverWith()
    let handled = 0
    const seen: unknown[] = []
    mcp.tool('slow', { description: 'Never returns', timeout: 50 }, () => {
      handled += 1
      return new Promise(() => {})
    })
    mcp.use('tool', async (call, next) => {
      for (let n = 0; n < 2; n++) await next().catch((error) => seen.push(error.message))
      seen.push(call.signal.aborted)
      return { content: [] }
    })
    const { result } = await answerOf(await open(endpoint, era), 'tools/call', { name: 'slow' })
    const message = 'The call did not finish within 0.1 seconds'
    expect(result).toMatchObject({ isError: true, content: [text(message)] })
    await expect.poll(() => seen).toEqual([message, message, true])
    expect(handled).toBe(1)
  })

  it('is part of the time limit itself', async () => {
    const { mcp, endpoint } = serverWith({ callTimeout: 50 })
    mcp.use(() => new Promise(() => {}))
    const client = await open(endpoint, era)
    const { result } = await answerOf(client, 'tools/call', { name: 'person' })
    expect(result).toMatchObject({ isError: true })
    const prompt = await answerOf(client, 'prompts/get', { name: 'hello', arguments: { who: 'A' } })
    expect(prompt.error?.message).toContain('did not finish')
  })

  it('sends progress and log messages before and after those of the handler', async () => {
    const { mcp, endpoint } = serverWith()
    mcp.tool('count', { description: 'Counts' }, async (_, ctx) => {
      ctx.progress(2)
      await sleep(1)
      return 'counted'
    })
    mcp.use('tool', async (call, next) => {
      call.progress(1)
      const result = await next()
      call.progress(3)
      return result
    })
    const client = await open(endpoint, era)
    const reply = await client.call('count', {}, { meta: { progressToken: 1 } })
    const told = (await reply.rest()).filter(({ method }) => method === 'notifications/progress')
    expect(told.map(({ params }) => params.progress)).toEqual([1, 2, 3])
  })
})

describe('middleware', () => {
  it('runs around each call of a batch', async () => {
    const { mcp, endpoint } = serverWith()
    const names: string[] = []
    mcp.use('tool', (call, next) => {
      names.push(call.name)
      if (call.name === 'person') throw failure('no')
      return next()
    })
    const client = await LegacyClient.open(endpoint, '2025-03-26')
    const one = (id: number, name: string, args = {}) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    })
    const reply = await client.send([
      one(1, 'double', { a: '4' }),
      one(2, 'person'),
      one(3, 'sorry'),
    ])
    const answers = await reply.rest()
    expect(answers.map(({ result }) => result.content[0].text)).toEqual(['8', 'no', 'not today'])
    expect(names).toEqual(['double', 'person', 'sorry'])
  })

  it('runs again when a suspended call of 2025-11-25 goes on, on another instance', async () => {
    const store = memoryStore()
    const runs: string[] = []
    const instances = ['a', 'b'].map((name) => {
      const { mcp, endpoint } = serverWith({ store, suspendAfter: 20 })
      mcp.use('tool', async (_, next) => {
        runs.push(`${name} begins`)
        const result = await next().catch(() => ({ content: [text('caught')] }))
        runs.push(`${name} ends`)
        return { content: [...result.content, text('checked')] }
      })
      return endpoint
    })
    let chosen = 0
    const at = () => instances[chosen] as TestEndpoint
    const endpoint: TestEndpoint = {
      url: at().url,
      fetch: (input, init) => at().fetch(input, init),
      close: async () => {},
    }
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    await reply.rest()
    chosen = 1
    await client.respond(question.id, { result: yes() })
    const id = reply.events.findLast((event) => event.id !== undefined)?.id ?? ''
    const resumed = await client.get(id)
    expect((await resumed.result()).content).toEqual([text('accept'), text('checked')])
    expect(runs).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('runs in each turn of a task around its handler, and what it returns is the result that is kept', async () => {
    let runs = 0
    const { client, turn } = manualServer((mcp) => {
      mcp.use('tool', async (call, next) => {
        runs += 1
        expect(call.principal).toBeUndefined()
        const result = await next()
        return { ...result, content: [...result.content, text(`${call.kind} ${call.name}`)] }
      })
      mcp.tool('work', { description: 'Works', task: {} }, async (_, ctx) => {
        await ctx.elicit('Sure?', SURE, { key: 'sure' })
        return 'done'
      })
    })
    const id = await client.create('work')
    expect(runs).toBe(0)
    expect(await turn(id)).toBe('asks')
    await client.answer(id, { sure: yes() })
    expect(await turn(id)).toBe('done')
    expect((await client.get(id)).result.content).toEqual([text('done'), text('tool work')])
    expect(runs).toBe(2)
  })

  it('runs for each call with one idempotency key, and the handler once', async () => {
    const { mcp, endpoint } = serverWith()
    let handled = 0
    let seen = 0
    mcp.tool('order', { description: 'Orders', idempotent: () => 'one' }, () => ++handled)
    mcp.use('tool', (_, next) => {
      seen += 1
      return next()
    })
    const client = new ModernClient(endpoint)
    for (let n = 0; n < 2; n++) {
      expect((await (await client.call('order')).result()).content).toEqual([text('1')])
    }
    expect([handled, seen]).toEqual([1, 2])
  })

  it('uses the session of a tool that has one', async () => {
    const { mcp, endpoint } = serverWith()
    mcp.tool('count', { description: 'Counts', session: true }, (_, ctx) =>
      ctx.session.update('n', (n: number = 0) => n + 1),
    )
    const counts: unknown[] = []
    mcp.use('tool', async (call, next) => {
      const result = await next()
      counts.push(await call.session.get('n'))
      return result
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    for (let n = 0; n < 2; n++) await (await client.call('count')).result()
    expect(counts).toEqual([1, 2])
  })

  it('is refused when it is not a function, or the kind is unknown', () => {
    const { mcp } = openServer()
    expect(() => mcp.use(undefined as never)).toThrow(TypeError)
    expect(() => mcp.use('tool', undefined as never)).toThrow(TypeError)
    expect(() => mcp.use('tools' as never, (_, next) => next())).toThrow(
      'the kinds are tool,prompt,resource,list,completion',
    )
  })

  it('passes the calls of the official clients of both versions', async () => {
    const { mcp } = serverWith()
    mcp.use(async (_, next) => next())
    mcp.use('tool', async (_, next) => {
      const result = await next()
      return { ...result, content: [...result.content, text('checked')] }
    })
    for (const era of ['modern', 'legacy'] as const) {
      const client = await connect(mcp, { era })
      const { tools } = await client.listTools()
      expect(tools.length).toBeGreaterThan(3)
      const result = await client.callTool({ name: 'double', arguments: { a: '2' } })
      expect(result.content).toEqual([text('4'), text('checked')])
      await client.close()
    }
  })
})
