/** The lists of a server in the form of each revision, pages, prompts, resources, templates, completion. */
import { describe, expect, it } from 'vitest'
import type { WireClient } from '../../support/wire.ts'
import type { Suite } from './endpoint.ts'
import { connect, isModern, REVISIONS, shared } from './endpoint.ts'

interface Item {
  name: string
  uri?: string
  uriTemplate?: string
  // biome-ignore lint/suspicious/noExplicitAny: members differ by list
  [member: string]: any
}

const KINDS = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
] as const

/** The tools that exist for a client, on a server where they are found by search. */
function found(open: Suite['open']): void {
  const endpoint = shared(open, { tools: 'search' })
  const texts = async (client: WireClient, name: string, args: object) => {
    const result = await (await client.call(name, args)).result()
    return result.content.map(({ text }: { text: string }) => text).join()
  }

  it.each(REVISIONS)('are listed, found and called by %s', async (revision) => {
    const client = await connect(endpoint(), revision, { capabilities: { elicitation: {} } })
    const { tools } = await (await client.request('tools/list')).result()
    expect(tools.map(({ name }: Item) => name)).toEqual(['search_tools', 'call_tool'])
    expect(await texts(client, 'search_tools', { query: 'show a form' })).toContain('"fill_in"')
    expect(await texts(client, 'call_tool', { name: 'fill_in' })).toBe('Filled in')
    expect(await texts(client, 'fill_in', {})).toBe('Filled in')
  })

  it.each(REVISIONS)('are unknown to %s where they do not exist for it', async (revision) => {
    const client = await connect(endpoint(), revision)
    expect(await texts(client, 'search_tools', { query: 'show a form' })).not.toContain('fill_in')
    expect(await texts(client, 'call_tool', { name: 'fill_in' })).toContain('No tool has the name')
    const { error } = await (await client.call('fill_in')).answer()
    expect(error).toEqual({ code: -32602, message: 'Unknown tool: fill_in' })
  })
}

export function lists({ open, endpoint }: Suite): void {
  describe('the tools of a catalog', () => found(open))

  describe.each(REVISIONS)('what the server offers to %s', (revision) => {
    const modern = isModern(revision)
    const titles = revision >= '2025-06-18'
    const icons = revision >= '2025-11-25'
    const list = async (method: string, member: string): Promise<Item[]> => {
      const client = await connect(endpoint(), revision)
      return (await (await client.request(method)).result())[member]
    }
    const named = (items: Item[], name: string): Item => {
      const found = items.find((item) => item.name === name)
      if (!found) throw new Error(`No ${name} among ${items.map((item) => item.name)}`)
      return found
    }

    it.each(KINDS)(
      '%s says how long it may be cached, only in 2026 (C26, E.5)',
      async (method, member) => {
        const client = await connect(endpoint(), revision)
        const result = await (await client.request(method)).result()
        expect(Object.keys(result).sort()).toEqual(
          modern ? ['_meta', 'cacheScope', member, 'resultType', 'ttlMs'].sort() : [member],
        )
        if (modern) {
          expect(result).toMatchObject({
            resultType: 'complete',
            ttlMs: 60_000,
            cacheScope: 'private',
          })
          expect(result._meta['io.modelcontextprotocol/serverInfo'].name).toBe('behaviour')
        }
      },
    )

    it('describes a tool with the members that the revision has (B58, B60, B64)', async () => {
      const tools = await list('tools/list', 'tools')
      expect(named(tools, 'echo')).toEqual({
        name: 'echo',
        description: 'Says what it is told',
        inputSchema: {
          type: 'object',
          properties: { text: { type: 'string' } },
          required: ['text'],
        },
        annotations: { readOnlyHint: true, openWorldHint: false },
        ...(titles && { title: 'Echo', _meta: { 'example.com/kind': 'plain' } }),
        ...(icons && { icons: [expect.objectContaining({ mimeType: 'image/png' })] }),
      })
      expect(named(tools, 'nothing').inputSchema).toEqual({
        type: 'object',
        properties: {},
        additionalProperties: false,
      })
      for (const { name, description, inputSchema } of tools) {
        expect([name, typeof description, inputSchema.type]).toEqual([name, 'string', 'object'])
      }
    })

    it('lists an output schema that the revision allows (B58, A.11)', async () => {
      const { outputSchema } = named(await list('tools/list', 'tools'), 'range')
      const numbers = { type: 'array', items: { type: 'number' } }
      if (!titles) expect(outputSchema).toBeUndefined()
      else if (modern) expect(outputSchema).toEqual(numbers)
      else {
        const properties = { result: numbers }
        expect(outputSchema).toEqual({ type: 'object', properties, required: ['result'] })
      }
    })

    it('shows the argument for a handle only to clients without sessions (C17)', async () => {
      const { inputSchema } = named(await list('tools/list', 'tools'), 'recall')
      expect(Object.keys(inputSchema.properties)).toEqual(modern ? ['key', 'session'] : ['key'])
      expect(inputSchema.required).toEqual(['key'])
    })

    it('describes prompts, resources and templates (B64)', async () => {
      const prompts = await list('prompts/list', 'prompts')
      expect(named(prompts, 'introduce')).toEqual({
        name: 'introduce',
        description: 'Introduces a person',
        arguments: [
          { name: 'name', description: 'Who', required: true },
          { name: 'tone', required: false },
        ],
      })
      expect(named(prompts, 'plain')).toEqual({
        name: 'plain',
        description: 'No arguments',
        ...(titles && { title: 'Plain' }),
        ...(icons && { icons: expect.any(Array) }),
      })
      expect(named(await list('resources/list', 'resources'), 'text')).toEqual({
        uri: 'test://text',
        name: 'text',
        description: 'Plain text',
        mimeType: 'text/plain',
        annotations: { priority: 1 },
        size: 5,
        ...(titles && { title: 'Some text' }),
        ...(icons && { icons: expect.any(Array) }),
      })
      expect(await list('resources/templates/list', 'resourceTemplates')).toEqual([
        {
          uriTemplate: 'test://users/{id}/notes/{note}',
          name: 'note',
          mimeType: 'text/plain',
          ...(titles && { title: 'A note' }),
        },
      ])
    })

    it('gives prompts with their arguments checked (B63)', async () => {
      const client = await connect(endpoint(), revision)
      const get = (params: object) => client.request('prompts/get', params)
      const result = await (await get({ name: 'introduce', arguments: { name: 'Ada' } })).result()
      expect(result).toMatchObject({
        description: 'Introduces a person',
        messages: [{ role: 'user', content: { type: 'text', text: 'Introduce Ada.' } }],
      })
      expect(result.resultType).toBe(modern ? 'complete' : undefined)
      expect((await (await get({ name: 'plain' })).result()).messages).toHaveLength(1)
      for (const params of [
        { name: 'introduce' },
        { name: 'introduce', arguments: { name: 5 } },
        { name: 'introduce', arguments: 'Ada' },
        { name: 'nobody' },
        { name: '__proto__' },
        {},
      ]) {
        const { error } = await (await get(params)).answer()
        expect([params, error?.code]).toEqual([params, -32602])
      }
    })

    it('writes a link as text for a revision without links (B64)', async () => {
      const client = await connect(endpoint(), revision)
      const { messages } = await (await client.request('prompts/get', { name: 'linked' })).result()
      expect(messages[0].content).toEqual(
        titles
          ? { type: 'resource_link', uri: 'test://text', name: 'a link' }
          : { type: 'text', text: 'a link: test://text' },
      )
    })

    it('reads text, bytes, JSON and templates (B62)', async () => {
      const client = await connect(endpoint(), revision)
      const read = async (uri: string) =>
        (await (await client.request('resources/read', { uri })).result()).contents
      expect(await read('test://text')).toEqual([
        { uri: 'test://text', mimeType: 'text/plain', text: 'words' },
      ])
      const [{ blob, mimeType }] = await read('test://bytes')
      expect([...Buffer.from(blob, 'base64').subarray(0, 4), mimeType]).toEqual([
        0x89,
        0x50,
        0x4e,
        0x47,
        'image/png',
      ])
      expect(await read('test://json')).toEqual([
        { uri: 'test://json', mimeType: 'application/json', text: '{"revisions":3}' },
      ])
      const uri = 'test://users/J%C3%BCrgen%20K/notes/7'
      expect((await read(uri))[0].text).toBe(`Jürgen K wrote 7 at ${uri}`)
    })

    it('says how long a read resource may be cached (C26)', async () => {
      const client = await connect(endpoint(), revision)
      const result = await (await client.request('resources/read', { uri: 'test://text' })).result()
      const { ttlMs, cacheScope, resultType } = result
      expect([resultType, ttlMs, cacheScope]).toEqual(
        modern ? ['complete', 0, 'private'] : [undefined, undefined, undefined],
      )
    })

    it.each([
      'test://none',
      'test://gone',
      'test://users/nobody/notes/1',
      'test://users/a/b/notes/1',
      'file:///etc/passwd',
      '',
      'constructor',
    ])('does not find %j (B62, C37, H9)', async (uri) => {
      const client = await connect(endpoint(), revision)
      const reply = await client.request('resources/read', { uri })
      expect(reply.status).toBe(200)
      const { error } = await reply.answer()
      expect(error).toMatchObject({ code: modern ? -32602 : -32002, data: { uri } })
    })

    it('does not show why a resource could not be read', async () => {
      const client = await connect(endpoint(), revision)
      const reply = await client.request('resources/read', { uri: 'test://broken' })
      const { error } = await reply.answer()
      expect(error?.code).toBe(-32603)
      expect(JSON.stringify(error)).not.toMatch(/hunter2|at /)
    })

    it('completes arguments of prompts and variables of templates (B55)', async () => {
      const client = await connect(endpoint(), revision)
      const complete = async (ref: object, name: string, value: string, context?: object) => {
        const params = { ref, argument: { name, value }, ...(context && { context }) }
        return (await (await client.request('completion/complete', params)).result()).completion
      }
      const prompt = { type: 'ref/prompt', name: 'introduce' }
      expect(await complete(prompt, 'name', 'A')).toEqual({
        values: ['Ada', 'Alan'],
        total: 2,
        hasMore: false,
      })
      const context = { arguments: { name: 'Ada' } }
      expect((await complete(prompt, 'tone', 'w', context)).values).toEqual(['warm to Ada'])
      expect((await complete(prompt, 'constructor', '')).values).toEqual([])
      const template = { type: 'ref/resource', uri: 'test://users/{id}/notes/{note}' }
      expect((await complete(template, 'id', 'Gr')).values).toEqual(['Grace'])
      const many = await complete({ type: 'ref/prompt', name: 'many' }, 'number', '')
      expect([many.values.length, many.total, many.hasMore]).toEqual([100, 250, true])
    })

    it('refuses to complete an unknown name (B55)', async () => {
      const client = await connect(endpoint(), revision)
      const argument = { name: 'name', value: '' }
      for (const params of [
        { ref: { type: 'ref/prompt', name: 'nobody' }, argument },
        { ref: { type: 'ref/resource', uri: 'test://none/{x}' }, argument },
        { ref: { type: 'ref/tool', name: 'echo' }, argument },
        { ref: { type: 'ref/prompt', name: 'introduce' } },
        { ref: { type: 'ref/prompt', name: 'introduce' }, argument: { name: 'name' } },
        { argument },
      ]) {
        const { error } = await (await client.request('completion/complete', params)).answer()
        expect([params, error?.code]).toEqual([params, -32602])
      }
    })
  })

  it('offers the same in the same order to every revision (C36)', async () => {
    const orders = await Promise.all(
      REVISIONS.map(async (revision) => {
        const client = await connect(endpoint(), revision)
        const { tools } = await (await client.request('tools/list')).result()
        return tools.map(({ name }: Item) => name)
      }),
    )
    for (const order of orders) expect(order).toEqual(orders[0])
  })

  describe('pages', () => {
    const small = shared(open, { pageSize: 3 })

    async function pages(client: WireClient, method: string, member: string): Promise<Item[][]> {
      const found: Item[][] = []
      let cursor: string | undefined
      do {
        const result = await (await client.request(method, cursor ? { cursor } : {})).result()
        found.push(result[member])
        cursor = result.nextCursor
      } while (cursor)
      return found
    }

    it.each(REVISIONS)('hold every item once, in order, in %s (B56, C39)', async (revision) => {
      const [paged, whole] = await Promise.all([
        connect(small(), revision),
        connect(endpoint(), revision),
      ])
      for (const [method, member] of KINDS) {
        const found = await pages(paged, method, member)
        expect(found.every((page) => page.length > 0 && page.length <= 3)).toBe(true)
        expect(found.flat()).toEqual((await (await whole.request(method)).result())[member])
      }
    })

    it.each(REVISIONS)('do not begin at an invented cursor, in %s (B56)', async (revision) => {
      const client = await connect(small(), revision)
      const { nextCursor } = await (await client.request('tools/list')).result()
      const other = await (await client.request('prompts/list')).result()
      for (const cursor of [
        'x',
        '',
        5,
        null,
        ['a'],
        `${nextCursor} `,
        ` ${nextCursor}`,
        other.nextCursor,
        '=?base64?',
      ]) {
        const { error } = await (await client.request('tools/list', { cursor })).answer()
        expect([cursor, error?.code]).toEqual([cursor, -32602])
      }
    })
  })
}
