/** The definitions that an author can write, and those that are refused at once. */
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { createMcp } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

describe('the author of a server', () => {
  it.each(['callTimeout', 'answerTimeout', 'keepAlive', 'listenTimeout', 'streamLease'] as const)(
    'cannot give %s a value that no timer can hold',
    (name) => {
      for (const value of [Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN, 0, -1]) {
        expect(() => createMcp({ name: 'n', version: '1', [name]: value })).toThrow(name)
      }
    },
  )

  it('cannot give a tool such a timeout', () => {
    const { mcp } = openServer()
    const add = (timeout: number) => mcp.tool('t', { description: 't', timeout }, () => 'ok')
    expect(() => add(Number.POSITIVE_INFINITY)).toThrow('timeout')
  })

  it('sees a valibot tuple in the dialect that clients assume (B60, C22)', async () => {
    const { mcp, endpoint } = openServer()
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
  ])('cannot ask for %s in a form (B66)', async (_, schema) => {
    const problems: unknown[] = []
    const { mcp, endpoint } = openServer({
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

  it('can ask for text, numbers, booleans and choices in a form (B66, B68)', async () => {
    const { mcp, endpoint } = openServer()
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

  it('can return any object with then()', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('rows', { description: 'Finds rows' }, () => ({
      // biome-ignore lint/suspicious/noThenProperty: query builders have this property
      then: (resolve: (rows: object) => void) => resolve({ id: 1 }),
    }))
    const result = await (await new ModernClient(endpoint).call('rows')).result()
    expect(result.structuredContent).toEqual({ id: 1 })
  })

  it('can return an object with empty content', async () => {
    const { mcp, endpoint } = openServer()
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

  it('can keep values of declared interfaces in ctx.session', async () => {
    interface Cart {
      items: string[]
    }
    const { mcp, endpoint } = openServer()
    mcp.tool('put', { description: 'Puts', session: true }, async (_, ctx) => {
      const cart: Cart = { items: ['book'] }
      await ctx.session.set('cart', cart)
      return (await ctx.session.get<Cart>('cart'))?.items[0]
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await (await client.call('put')).result()).content[0].text).toBe('book')
  })

  it('sends no progress that has no JSON (B53)', async () => {
    const { mcp, endpoint } = openServer()
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
