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
      'only templates have a list',
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
