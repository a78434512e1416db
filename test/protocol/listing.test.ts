/** Groups, templates that list their resources, and the metadata of requests. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { McpOptions, ResourceListing } from '../../src/index.ts'
import { bearer } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import type { TestEndpoint, WireClient } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const TOKEN = 'a-token-of-some-length'
const headers = { authorization: `Bearer ${TOKEN}` }
const both = async (endpoint: TestEndpoint) => [
  await LegacyClient.open(endpoint, '2025-11-25', { headers }),
  new ModernClient(endpoint, { headers }),
]
const authOf = (...scopes: string[]): Partial<McpOptions> => ({
  auth: bearer({ tokens: [{ token: TOKEN, subject: 'ann', scopes }] }),
})

/** All pages of `resources/list`. */
async function walk(client: WireClient) {
  const pages: { uri: string }[][] = []
  let cursor: string | undefined
  do {
    const page = await client.request('resources/list', cursor === undefined ? {} : { cursor })
    const { resources, nextCursor } = await page.result()
    pages.push(resources)
    cursor = nextCursor
  } while (cursor !== undefined)
  return pages
}
const urisOf = async (client: WireClient) => (await walk(client)).flat().map(({ uri }) => uri)

describe('a group', () => {
  it('begins the names of its tools and prompts, and keeps the URIs of its resources', async () => {
    const { mcp, endpoint } = openServer()
    const db = mcp.group('db')
    db.tool('query', { description: 'x', input: v.object({ a: v.number() }) }, ({ a }) => a + 1)
    db.group('admin').prompt('ask', { description: 'x' }, () => 'x')
    db.resource('db://tables', { name: 'Tables' }, () => 'x')
    for (const client of [
      new ModernClient(endpoint),
      await LegacyClient.open(endpoint, '2025-11-25'),
    ]) {
      expect((await (await client.call('db_query', { a: 1 })).result()).content[0].text).toBe('2')
      const { prompts } = await (await client.request('prompts/list')).result()
      expect(prompts).toMatchObject([{ name: 'db_admin_ask' }])
      expect(await urisOf(client)).toEqual(['db://tables'])
    }
    expect(() => db.tool('query', { description: 'x' }, () => 1)).toThrow(
      '"db_query" is registered',
    )
  })

  it.each<[string[], string[]]>([
    [[], []],
    [['db'], ['db_own', 'db_step']],
    [
      ['db', 'write'],
      ['db_own', 'db_both', 'db_step'],
    ],
  ])(
    'with scopes %j shows %j: its scopes and those of its tools are needed',
    async (scopes, names) => {
      const { mcp, endpoint } = openServer(authOf(...scopes))
      const db = mcp.group('db', {
        scopes: ['db'],
        visible: ({ principal }) => principal?.subject === 'ann',
      })
      db.tool('own', { description: 'x' }, () => 1)
      db.tool('both', { description: 'x', scopes: ['write'] }, () => 1)
      db.tool('step', { description: 'x', visible: async () => true }, () => 1)
      db.tool('never', { description: 'x', visible: () => false }, () => 1)
      mcp
        .group('other', { visible: () => false })
        .tool('t', { description: 'x', visible: () => true }, () => 1)
      for (const client of await both(endpoint)) {
        const { tools } = await (await client.request('tools/list')).result()
        expect(tools.map(({ name }: { name: string }) => name)).toEqual(names)
      }
    },
  )
})

describe('a template with `list`', () => {
  it('adds its resources to the list, with what the template says of all', async () => {
    const { mcp, endpoint } = openServer({ cache: { ttlMs: 5, scope: 'public' } })
    mcp.resource('note:1', { name: 'fixed' }, () => 'x')
    mcp.resource(
      'note:{id}',
      {
        name: 'A note',
        mimeType: 'text/plain',
        list: (ctx) => [
          { uri: 'note:1' },
          { uri: 'note:2', name: `for ${ctx.request.era}`, size: 3, _meta: { a: 1 } },
          { uri: 'elsewhere:3' },
        ],
      },
      ({ id }) => `note ${id}`,
    )
    for (const client of await both(endpoint)) {
      const result = await (await client.request('resources/list')).result()
      const era = client instanceof ModernClient ? 'modern' : 'legacy'
      expect(result.resources).toEqual([
        { uri: 'note:1', name: 'fixed' },
        { uri: 'note:2', name: `for ${era}`, mimeType: 'text/plain', size: 3, _meta: { a: 1 } },
      ])
      if (era === 'modern') expect(result).toMatchObject({ ttlMs: 5, cacheScope: 'private' })
      else expect(result).not.toHaveProperty('cacheScope')
      const read = await client.request('resources/read', { uri: 'note:2' })
      expect((await read.result()).contents[0].text).toBe('note 2')
    }
  })

  it.each([1, 2, 3, 4, 7, 100])('leads through all pages of %i items', async (pageSize) => {
    const { mcp, endpoint } = openServer({ pageSize })
    const pageOf = (from: string, cursor?: string): ResourceListing => {
      const page = Number(cursor ?? 0)
      const resources = Array.from({ length: page % 3 }, (_, i) => ({
        uri: `${from}:${page}-${i}`,
      }))
      return page < 5 ? { resources, nextCursor: `${page + 1}` } : resources
    }
    for (let i = 0; i < 3; i++) mcp.resource(`fixed:${i}`, { name: 'x' }, () => 'x')
    mcp.resource('a:{x}', { name: 'a', list: ({ cursor }) => pageOf('a', cursor) }, () => 'x')
    mcp.resource('none:{x}', { name: 'n', list: () => [] }, () => 'x')
    mcp.resource('unlisted:{x}', { name: 'u' }, () => 'x')
    const many = Array.from({ length: 5 }, (_, i) => ({ uri: `b:${i}` }))
    mcp.resource('b:{x}', { name: 'b', list: async () => many }, () => 'x')
    const expected = [
      ...['fixed:0', 'fixed:1', 'fixed:2'],
      ...['a:1-0', 'a:2-0', 'a:2-1', 'a:4-0', 'a:5-0', 'a:5-1'],
      ...many.map(({ uri }) => uri),
    ]
    for (const client of await both(endpoint)) {
      const pages = await walk(client)
      expect(pages.flat().map(({ uri }) => uri)).toEqual(expected)
      for (const page of pages) expect(page.length).toBeLessThanOrEqual(pageSize)
    }
  })

  it('refuses cursors that no list has issued', async () => {
    const { mcp, endpoint } = openServer()
    const visible = () => false
    mcp.resource('a:{x}', { name: 'a', list: () => [{ uri: 'a:1' }] }, () => 'x')
    mcp.resource('b:{x}', { name: 'b', visible, list: () => [{ uri: 'b:1' }] }, () => 'x')
    for (const text of ['["c:{x}",0]', '["b:{x}",0]', '[1]', '["a:{x}",-1]', '[', 'a:1']) {
      const cursor = btoa(encodeURIComponent(text))
      const reply = await new ModernClient(endpoint).request('resources/list', { cursor })
      expect((await reply.answer()).error).toMatchObject({ code: -32602 })
    }
    expect(await urisOf(new ModernClient(endpoint))).toEqual(['a:1'])
  })

  it('that fails makes the list fail, and tells nothing of why', async () => {
    const { mcp, endpoint } = openServer()
    const list = () => {
      throw new Error('a secret of the server')
    }
    mcp.resource('a:{x}', { name: 'a', list }, () => 'x')
    const { error } = await (await new ModernClient(endpoint).request('resources/list')).answer()
    expect(error).toMatchObject({ code: -32603, message: expect.stringMatching(/^Internal error/) })
  })

  it('is refused where there is no template', () => {
    const { mcp } = openServer()
    expect(() => mcp.resource('a:1', { name: 'a', list: () => [] }, () => 'x')).toThrow(
      'only templates list',
    )
  })

  it('is seen by middleware of lists', async () => {
    const { mcp, endpoint } = openServer()
    mcp.use('list', async (_, next) => {
      const page = await next()
      return { ...page, resources: [] }
    })
    mcp.resource('a:{x}', { name: 'a', list: () => [{ uri: 'a:1' }] }, () => 'x')
    for (const client of await both(endpoint)) expect(await urisOf(client)).toEqual([])
  })
})

describe('the metadata of a request', () => {
  it('reaches the handler in both eras', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('meta', { description: 'x' }, (_, ctx) => ({
      token: ctx.request.meta.progressToken,
      own: ctx.request.meta['example.com/own'],
    }))
    const meta = { progressToken: 7, 'example.com/own': { a: 1 } }
    for (const client of await both(endpoint)) {
      const result = await (await client.call('meta', {}, { meta })).result()
      expect(result.structuredContent).toEqual({ token: 7, own: { a: 1 } })
      const without = await (await client.call('meta')).result()
      expect(without.structuredContent).toEqual({})
    }
  })
})

describe("a server with tools: 'search'", () => {
  const searching = (options: Partial<McpOptions> = {}) => {
    const opened = openServer({ tools: 'search', ...options })
    const { mcp } = opened
    const input = v.object({ order: v.string() })
    mcp.tool(
      'refundOrder',
      { description: 'Pays money back', input },
      ({ order }) => `Paid ${order}`,
    )
    mcp.tool('order_status', { description: 'Where an order is', input }, ({ order }) => order)
    mcp.tool('weather', { description: 'The weather of a city', listed: true }, () => 'Sun')
    mcp.tool('orders_purge', { description: 'Removes all orders', scopes: ['admin'] }, () => 'Gone')
    return opened
  }
  const find = async (client: WireClient, args: object): Promise<string[]> => {
    const { structuredContent } = await (await client.call('search_tools', args)).result()
    return structuredContent.tools.map(({ name }: { name: string }) => name)
  }
  const through = (client: WireClient, name: string, args: object = {}) =>
    client.call('call_tool', { name, arguments: args })

  it('lists the two tools and those with `listed`, page by page', async () => {
    const { endpoint } = searching({ pageSize: 2 })
    for (const client of await both(endpoint)) {
      const first = await (await client.request('tools/list')).result()
      expect(first.tools).toMatchObject([{ name: 'search_tools' }, { name: 'call_tool' }])
      const { nextCursor: cursor } = first
      const second = await (await client.request('tools/list', { cursor })).result()
      expect(second).toMatchObject({ tools: [{ name: 'weather' }] })
      expect(second).not.toHaveProperty('nextCursor')
    }
  })

  it('finds tools by words of their names, titles, descriptions and arguments, the best first', async () => {
    const { endpoint } = searching()
    for (const client of await both(endpoint)) {
      expect(await find(client, { query: 'refund an order' })).toEqual([
        'refundOrder',
        'order_status',
        'orders_purge',
      ])
      expect(await find(client, { query: 'ORDERS', limit: 1 })).toHaveLength(1)
      expect(await find(client, { query: 'nothing like it' })).toEqual([])
      const { structuredContent } = await (
        await client.call('search_tools', { query: 'money' })
      ).result()
      expect(structuredContent.tools).toEqual([
        {
          name: 'refundOrder',
          description: 'Pays money back',
          inputSchema: expect.objectContaining({ required: ['order'] }),
        },
      ])
    }
  })

  it('finds a tool that was added, and no more one that was removed', async () => {
    const { mcp, endpoint } = searching()
    const client = new ModernClient(endpoint)
    expect(await find(client, { query: 'lamp' })).toEqual([])
    const lamp = mcp.tool('lamp', { description: 'Lights' }, () => 1)
    expect(await find(client, { query: 'lamps' })).toEqual(['lamp'])
    lamp.remove()
    expect(await find(client, { query: 'lamp' })).toEqual([])
  })

  it('runs what it has found, by either name', async () => {
    const { mcp, endpoint } = searching()
    const seen: string[] = []
    mcp.use('tool', (call, next) => {
      seen.push(call.name)
      return next()
    })
    for (const client of await both(endpoint)) {
      for (const reply of [
        await through(client, 'refundOrder', { order: 'A-1' }),
        await client.call('refundOrder', { order: 'A-1' }),
      ]) {
        expect((await reply.result()).content).toEqual([{ type: 'text', text: 'Paid A-1' }])
      }
      const wrong = await (await through(client, 'refundOrder', { order: 1 })).result()
      expect(wrong).toMatchObject({ isError: true })
      expect(wrong.content[0].text).toContain('Invalid arguments')
    }
    expect(seen).toEqual(Array.from({ length: 4 }, () => 'refundOrder'))
  })

  it('asks the client from within a tool that was called through it', async () => {
    const { mcp, endpoint } = searching()
    mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      const { action } = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
      return action
    })
    const capabilities = { elicitation: {} }
    for (const client of [
      new ModernClient(endpoint, { capabilities }),
      await LegacyClient.open(endpoint, '2025-11-25', { capabilities }),
    ]) {
      const params = { name: 'call_tool', arguments: { name: 'ask' } }
      const yes = () => ({ action: 'accept', content: { sure: true } })
      const { answer } = await client.converse('tools/call', params, yes)
      expect(answer.result.content).toEqual([{ type: 'text', text: 'accept' }])
    }
  })

  it.each(['orders_purge', 'unknown', 'call_tool'])(
    'does not run %s, and says how to find another',
    async (name) => {
      const { endpoint } = searching(authOf())
      for (const client of await both(endpoint)) {
        const result = await (await through(client, name)).result()
        expect(result).toMatchObject({ isError: true })
        expect(result.content[0].text).toBe(
          `No tool has the name ${name}: look for one with search_tools`,
        )
        expect(await find(client, { query: 'purge orders' })).not.toContain('orders_purge')
      }
    },
  )

  it('shows and runs for a caller what its scopes allow', async () => {
    const { endpoint } = searching(authOf('admin'))
    for (const client of await both(endpoint)) {
      expect(await find(client, { query: 'purge' })).toEqual(['orders_purge'])
      expect((await (await through(client, 'orders_purge')).result()).content[0].text).toBe('Gone')
    }
  })
})
