/** `mount()`: servers of both official SDKs and other `createMcp()`s inside a server, for clients of both eras. */
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer } from '@modelcontextprotocol/server'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { mount } from '../../adapters/mount.ts'
import { connect } from '../../adapters/testing.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { bearer, createMcp, extension, failure } from '../../src/index.ts'
import { lambdaFetch } from '../support/lambda-fetch.ts'
import { createV1Server, createV2Server } from '../support/mounted-servers.ts'
import type { Answers, Fetch } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

function createServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: 'whole', version: '1.0.0', log: () => {}, ...options })
  open.push({ close: () => mcp.close({ grace: 0 }) })
  return mcp
}

const HOSTS: readonly [string, (mcp: Mcp) => Fetch][] = [
  ['mcp.fetch', (mcp) => async (url, init) => mcp.fetch(new Request(url, init))],
  ['the Lambda adapter', lambdaFetch],
]

const SERVERS = [
  ['v1', createV1Server],
  ['v2', createV2Server],
] as const

const CASES = SERVERS.flatMap(([sdk, create]) =>
  HOSTS.flatMap(([host, toFetch]) =>
    OFFICIAL.filter(([client]) => host === 'mcp.fetch' || /v1|pinned/.test(client)).map(
      ([client, , opens]) => ({ sdk, create, host, toFetch, client, opens }),
    ),
  ),
)

describe.each(CASES)(
  'a mounted server of SDK $sdk, for $client through $host',
  ({ create, toFetch, opens, host }) => {
    const connected = async (answers: Answers = {}) => {
      const mcp = createServer(host === 'mcp.fetch' ? {} : { listening: false })
      mcp.tool('own', { description: 'Ours' }, () => 'own')
      const mounted = create()
      await mount(mcp, mounted.server, { prefix: 'w_' })
      const client = await opens('http://localhost/mcp', answers, toFetch(mcp))
      open.push(client)
      return { mcp, client, mounted }
    }

    it('serves its tools, prompts, resources and completions', async () => {
      const { client } = await connected()
      expect(await client.list('tools')).toEqual(
        expect.arrayContaining(['own', 'w_get_weather', 'w_count', 'w_book']),
      )
      expect(await client.call('w_get_weather', { city: 'Oslo' })).toMatchObject({
        structuredContent: { degrees: 4, unit: 'C' },
        _meta: { 'example.com/city': 'Oslo' },
      })
      expect(await client.list('prompts')).toEqual(['w_travel'])
      expect(await client.prompt('w_travel', { city: 'Rome' })).toBe('Plan a journey to Rome')
      expect(await client.complete('w_travel', 'city', 'Os')).toEqual(['Oslo', 'Osaka'])
      expect(await client.list('resources')).toEqual(['about'])
      expect(await client.read('weather://about')).toBe('All about the weather')
      expect(await client.list('resourceTemplates')).toEqual(['city'])
      expect(await client.read('weather://cities/Oslo')).toBe('The city Oslo')
    })

    it('answers wrong arguments and exceptions as its SDK does', async () => {
      const { client } = await connected()
      const wrong = await client.call('w_get_weather', { city: 1 })
      expect(wrong).toMatchObject({ isError: true })
      expect(wrong.content[0]?.text).toContain('city')
      expect(await client.call('w_fail')).toMatchObject({
        isError: true,
        content: [{ type: 'text', text: 'no such city' }],
      })
    })

    it('passes progress and log messages on', async () => {
      const { client } = await connected()
      const progress: number[] = []
      await client.call('w_count', {}, (done) => progress.push(done))
      expect(progress).toEqual([1, 2, 3])
      expect(client.heard).toContain('info: counted')
    })

    it('asks the person, the model and for roots', async () => {
      const asked: string[] = []
      const { client } = await connected({
        elicit: (message) => {
          asked.push(message)
          return { action: 'accept', content: { sure: true } }
        },
        sample: () => 'cat, hat',
        roots: () => ['file:///home'],
      })
      const booked = await Promise.all(
        ['Oslo', 'Rome'].map((city) => client.call('w_book', { city })),
      )
      expect(booked.map(({ content }) => content[0]?.text)).toEqual([
        'booked Oslo: true',
        'booked Rome: true',
      ])
      expect(asked.toSorted()).toEqual(['Book a room in Oslo?', 'Book a room in Rome?'])
      expect((await client.call('w_rhyme')).content[0]?.text).toBe('cat, hat file:///home')
    })
  },
)

/** The modern client, or another one, of a server in this process. */
async function clientOf(mcp: Mcp, client = 'v2 pinned to 2026-07-28', answers: Answers = {}) {
  const [, , opens] = OFFICIAL.find(([name]) => name === client) ?? OFFICIAL[0] ?? []
  if (!opens) throw new Error('No client')
  const opened = await opens('http://localhost/mcp', answers, async (url, init) =>
    mcp.fetch(new Request(url, init)),
  )
  open.push(opened)
  return opened
}

describe.each(SERVERS)('a mounted server of SDK %s', (sdk, create) => {
  it('shows its tools as it lists them', async () => {
    const mcp = createServer()
    await mount(mcp, create().server)
    const client = await connect(mcp)
    open.push(client)
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'get_weather')).toMatchObject({
      title: 'Weather',
      description: 'Current weather',
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/kind': 'weather' },
      inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
      outputSchema: { type: 'object', required: ['degrees', 'unit'] },
    })
  })

  it('is told when a client cancels a call', async () => {
    const mcp = createServer()
    const { server, cancelled } = create()
    await mount(mcp, server)
    const client = await connect(mcp)
    open.push(client)
    const stop = new AbortController()
    const call = client.callTool({ name: 'wait' }, { signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    await expect(call).rejects.toThrow()
    await expect.poll(() => cancelled).toEqual(['wait'])
  })

  it('takes the path of a person who cancels, in a run that ends with a question', async () => {
    const mcp = createServer()
    const { server, booked } = create()
    await mount(mcp, server)
    const asked: string[] = []
    const client = await clientOf(mcp, 'v2 pinned to 2026-07-28', {
      elicit: (message) => {
        asked.push(message)
        return { action: 'accept', content: { sure: false } }
      },
    })
    expect((await client.call('book', { city: 'Oslo' })).content[0]?.text).toBe(
      'booked Oslo: false',
    )
    expect(asked).toHaveLength(1)
    // The SDK's v2 ends such a run itself, before its handler sees an answer.
    expect(booked).toEqual([...(sdk === 'v1' ? ['nothing, aborted'] : []), 'booked Oslo: false'])
  })

  it('says which capability a client lacks', async () => {
    const mcp = createServer()
    await mount(mcp, create().server)
    const client = await connect(mcp, { era: 'legacy' })
    open.push(client)
    const { isError, content } = await client.callTool({
      name: 'book',
      arguments: { city: 'Rome' },
    })
    expect(isError).toBe(true)
    expect(JSON.stringify(content)).toContain('elicitation')
  })

  it('knows the caller and never gets the token', async () => {
    const token = 'a-token-of-thirty-two-characters-or-more'
    const mcp = createServer({
      auth: bearer({ tokens: [{ token, subject: 'ann', scopes: ['read'] }] }),
    })
    await mount(mcp, create().server)
    const client = await connect(mcp, {
      headers: { authorization: `Bearer ${token}` },
      clientInfo: { name: 'caller', version: '1' },
    })
    open.push(client)
    const { content } = await client.callTool({ name: 'who' })
    expect(content).toEqual([{ type: 'text', text: 'ann read "" caller' }])
  })

  it('is followed when its lists change, and gone when it is closed', async () => {
    const mcp = createServer()
    const { server, addTool } = create()
    const mounted = await mount(mcp, server)
    const client = await clientOf(mcp)
    await client.listen()
    addTool('new_one')
    await expect.poll(() => client.heard).toContain('notifications/tools/list_changed')
    expect(await client.list('tools')).toContain('new_one')
    await mounted.close()
    expect(mcp.registered.tools.size).toBe(0)
    expect(mcp.registered.templates.size).toBe(0)
  })

  it('has the options that this server gives to its tools', async () => {
    const mcp = createServer()
    await mount(mcp, create().server, {
      tools: ({ name }) =>
        name === 'get_weather' ? { title: 'Own title', scopes: ['weather'] } : false,
    })
    expect([...mcp.registered.tools.keys()]).toEqual(['get_weather'])
    expect(mcp.registered.tools.get('get_weather')?.options).toMatchObject({
      title: 'Own title',
      scopes: ['weather'],
    })
  })

  it('is refused as a whole when one name is taken', async () => {
    const mcp = createServer()
    mcp.prompt('travel', { description: 'Ours' }, () => 'ours')
    await expect(mount(mcp, create().server)).rejects.toThrow('"travel" is registered already')
    expect(mcp.registered.tools.size).toBe(0)
    const again = create()
    await mount(mcp, again.server, { prefix: 'w_' })
    expect(mcp.registered.prompts.size).toBe(2)
  })
})

describe('what cannot be carried over', () => {
  const experimental = { experimental: { 'example.com/x': {} } }

  it.each([
    ['v1', () => new McpServerV1({ name: 'x', version: '1' }, { capabilities: experimental })],
    ['v2', () => new McpServer({ name: 'x', version: '1' }, { capabilities: experimental })],
  ])('is refused by name, with what to do: a capability of SDK %s', async (_, create) => {
    const mcp = createServer()
    await expect(mount(mcp, create())).rejects.toThrow(
      "'experimental.example.com/x', which cannot be carried over: offer it with createMcp(), or leave it out with { without: ['experimental.example.com/x'] }",
    )
    await mount(mcp, create(), { without: ['experimental.example.com/x'] })
  })

  it('is refused by name: a method of its own', async () => {
    const server = new McpServerV1({ name: 'x', version: '1' })
    const schema = z.object({ method: z.literal('example/hello') })
    server.server.setRequestHandler(schema, () => ({}))
    await expect(mount(createServer(), server)).rejects.toThrow("'example/hello'")
  })

  it('is refused by name: a tool that runs only as a task', async () => {
    const server = new McpServerV1({ name: 'x', version: '1' }, { capabilities: { tools: {} } })
    server.server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [
        {
          name: 'long',
          inputSchema: { type: 'object' },
          execution: { taskSupport: 'required' },
        },
      ],
    }))
    await expect(mount(createServer(), server)).rejects.toThrow(/Tool "long" runs only as a task/)
  })

  it('is refused by name: an extension of another createMcp()', async () => {
    const child = createMcp({ name: 'child', version: '1.0.0' })
    child.tool('greet', { description: 'Greets' }, () => 'Hello')
    child.extend(extension('com.example/notes', {}))
    const mcp = createServer()
    await expect(mount(mcp, child)).rejects.toThrow("'extensions.com.example/notes'")
    expect(mcp.registered.tools.size).toBe(0)
    mcp.extend(extension('com.example/notes', {}))
    await mount(mcp, child)
  })

  it('is refused: anything but a server, and the server itself', async () => {
    const mcp = createServer()
    await expect(mount(mcp, mcp)).rejects.toThrow('into itself')
    await expect(mount(mcp, {} as never)).rejects.toThrow('is an McpServer of')
  })
})

describe.each(OFFICIAL)('another createMcp(), for %s', (name) => {
  it('gives its tools, prompts, resources, tasks and sessions', async () => {
    const child = createMcp({ name: 'child', version: '1.0.0' })
    const input = v.object({ city: v.string() })
    child.tool('greet', { description: 'Greets', input }, ({ city }) => `Hello, ${city}`)
    child.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
      return answer.action === 'accept' ? `${answer.content.sure}` : answer.action
    })
    child.tool('later', { description: 'Durable', task: {} }, async (_, ctx) => {
      await ctx.step('one', () => 1)
      return 'done'
    })
    child.prompt('plan', { description: 'Plans', input }, ({ city }) => `Plan for ${city}`)
    child.resource('test://{id}', { name: 'thing' }, ({ id }) => `thing ${id}`)
    const mcp = createServer()
    await mount(mcp, child, { prefix: 'c_' })
    const accept = { action: 'accept' as const, content: { sure: true } }
    const client = await clientOf(mcp, name, { elicit: () => accept })
    expect(await client.list('tools')).toEqual(
      expect.arrayContaining(['c_greet', 'c_ask', 'c_later']),
    )
    expect((await client.call('c_greet', { city: 'Oslo' })).content[0]?.text).toBe('Hello, Oslo')
    expect((await client.call('c_ask')).content[0]?.text).toBe('true')
    expect((await client.call('c_later')).content[0]?.text).toBe('done')
    expect(await client.prompt('c_plan', { city: 'Rome' })).toBe('Plan for Rome')
    expect(await client.read('test://7')).toBe('thing 7')
  })
})

describe('the middleware of another createMcp()', () => {
  it('runs around its own calls alone, under its own names', async () => {
    const heard: string[] = []
    const child = createMcp({ name: 'child', version: '1.0.0' })
    child.tool(
      'greet',
      { description: 'Greets', input: v.object({ to: v.string() }) },
      ({ to }) => to,
    )
    child.tool('hidden', { description: 'Hidden' }, () => 'hidden')
    child.prompt('plan', { description: 'Plans' }, () => 'Plan')
    child.use((call, next) => {
      heard.push(`child ${call.kind} ${call.name}`)
      return next()
    })
    child.use('tool', async (call, next) => {
      if (call.name === 'hidden') throw failure('off')
      call.arguments = { to: `${call.arguments.to}!` }
      return next()
    })
    child.use('list', async (_, next) => {
      const page = await next()
      return page.tools
        ? { ...page, tools: page.tools.filter((tool) => tool.name !== 'hidden') }
        : page
    })
    const mcp = createServer()
    mcp.use((call, next) => {
      heard.push(`whole ${call.kind} ${call.name}`)
      return next()
    })
    mcp.tool('hidden', { description: 'Ours' }, () => 'ours')
    await mount(mcp, child, { prefix: 'c_' })
    mcp.tool('last', { description: 'Ours' }, () => 'last')
    const client = await clientOf(mcp)
    expect(await client.list('tools')).toEqual(['hidden', 'c_greet', 'last'])
    expect((await client.call('c_greet', { to: 'Ann' })).content[0]?.text).toBe('Ann!')
    expect(await client.call('c_hidden')).toMatchObject({ isError: true })
    expect((await client.call('hidden')).content[0]?.text).toBe('ours')
    expect(await client.prompt('c_plan', {})).toBe('Plan')
    expect(heard).toEqual([
      'whole list tools',
      'child list tools',
      'whole tool c_greet',
      'child tool greet',
      'whole tool c_hidden',
      'child tool hidden',
      'whole tool hidden',
      'whole prompt c_plan',
      'child prompt plan',
    ])
  })
})
