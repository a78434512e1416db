/** Mistakes of an author cause errors at registration, which name the mistake and what to write instead. */
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Context, LogEntry, Mcp, Schema } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const create = () => createMcp({ name: 'author', version: '1' })
const description = 'Does something'
/** Options without types, as an author can write them in JavaScript. */
const loose = (options: object) => options as { description: string; name: string }

describe('createMcp', () => {
  it.each([
    [{ version: '1' }, /createMcp\(\) needs a name/],
    [{ name: 'author' }, /createMcp\(\) needs a version/],
    [{ name: '', version: '1' }, /needs a name/],
    [
      { name: 'a', version: '1', sesionTtl: 1 },
      /createMcp\(\) has an unknown option "sesionTtl": use "sessionTtl", "sessionMaxAge", "sessions"/,
    ],
    [{ name: 'a', version: '1', allowedOrigin: [] }, /"allowedOrigin": use .*"allowedOrigins"/],
    [{ name: 'a', version: '1', inputSchema: {} }, /"inputSchema": use .*"name", .*"version"/],
  ])('refuses %j', (options, message) => {
    expect(() => createMcp(options as { name: string; version: string })).toThrow(message)
  })
})

describe('a tool', () => {
  const toolWith = (options: object, handler: unknown = () => 'done') =>
    create().tool('add', loose(options), handler as () => string)

  it.each<[object, RegExp]>([
    [
      { description, inputSchema: {} },
      /Tool "add" has an unknown option "inputSchema": use "input"/,
    ],
    [{ description, parameters: {} }, /"parameters": use "input"/],
    [{ description, outputSchema: {} }, /"outputSchema": use "output"/],
    [{ description, timeOut: 1 }, /"timeOut": use "timeout"/],
    [{ description, cost: 1 }, /"cost": use .*timeout/],
    [{}, /Tool "add" needs a description/],
    [{ description, timeout: -1 }, /timeout of tool "add"/],
  ])('refuses the options %j', (options, message) => {
    expect(() => toolWith(options)).toThrow(message)
  })

  it.each([[undefined], [{}], ['handler']])('refuses %j as its handler', (handler) => {
    const mcp = create()
    const register = () => mcp.tool('add', { description }, handler as unknown as () => string)
    expect(register).toThrow('Tool "add" needs a handler: mcp.tool(name, options, handler)')
  })

  it('refuses a handler in place of the options', () => {
    const register = create().tool as unknown as (name: string, handler: () => void) => void
    expect(() => register('add', () => {})).toThrow(/Tool "add" needs options/)
  })
})

describe('a prompt', () => {
  it.each<[string, Schema]>([
    ['number', v.object({ count: v.number() })],
    ['boolean', z.object({ count: z.boolean() })],
    ['array', { type: 'object', properties: { count: { type: 'array' } } }],
  ])('refuses an argument of type %s', (name, input) => {
    expect(() => create().prompt('ask', { description, input }, () => '')).toThrow(
      `Prompt "ask": argument "count" is of type "${name}", but clients send strings`,
    )
  })

  it.each<[string, Schema]>([
    ['a converted string', v.object({ count: v.pipe(v.string(), v.toNumber()) })],
    ['a choice', v.object({ count: v.picklist(['one', 'two']) })],
    ['a choice of arktype', type({ count: "'one' | 'two'" })],
    ['an optional string', z.object({ count: z.string().optional() })],
    ['a string or null', { type: 'object', properties: { count: { type: ['string', 'null'] } } }],
  ])('takes %s', (_, input) => {
    expect(() => create().prompt('ask', { description, input }, () => '')).not.toThrow()
  })

  it('refuses a completer of an argument that it does not have', () => {
    const input = v.object({ city: v.string() })
    const complete = { town: () => [] }
    expect(() => create().prompt('ask', { description, input, complete }, () => '')).toThrow(
      'Prompt "ask" has a completer for "town", but no such argument: it has city',
    )
  })

  it('refuses an unknown option and a missing handler', () => {
    const mcp = create()
    expect(() => mcp.prompt('ask', loose({ description, arguments: [] }), () => '')).toThrow(
      /Prompt "ask" has an unknown option "arguments": use "input"/,
    )
    expect(() => mcp.prompt('ask', { description }, undefined as unknown as () => '')).toThrow(
      /Prompt "ask" needs a handler: mcp.prompt\(name, options, handler\)/,
    )
  })
})

describe('a resource', () => {
  const resource = (mcp: Mcp, uri: string, options: object, handler: unknown = () => '') =>
    mcp.resource(uri, loose(options), handler as () => string)

  it.each<[string, object, RegExp]>([
    ['data:a', {}, /Resource "data:a" needs a name/],
    ['data:a', { name: 'a', uri: 'x' }, /unknown option "uri"/],
    [
      'data:{a}',
      { name: 'a', complete: { b: () => [] } },
      /for "b", but no such variable: it has a/,
    ],
    ['data:a', { name: 'a', complete: { a: () => [] } }, /it has none/],
  ])('%s refuses the options %j', (uri, options, message) => {
    expect(() => resource(create(), uri, options)).toThrow(message)
  })

  it('refuses a missing handler', () => {
    expect(() => resource(create(), 'data:a', { name: 'a' }, null)).toThrow(/needs a handler/)
  })
})

describe('a schema without a counterpart in JSON', () => {
  it.each<[string, Schema, string]>([
    ['valibot', v.object({ when: v.object({ day: v.date() }) }), '"when.day"'],
    ['zod', z.object({ when: z.object({ day: z.date() }) }), '"when.day"'],
    ['zod', z.object({ name: z.string(), tags: z.set(z.string()) }), '"tags"'],
  ])('of %s is named with its tool and argument', (_, input, at) => {
    const register = () => create().tool('plan', { description, input }, () => '')
    expect(register).toThrow(/Input of tool "plan" cannot be shown to clients/)
    expect(register).toThrow(at)
    const register2 = () => create().tool('plan', { description, output: input }, () => ({}))
    expect(register2).toThrow(/Output of tool "plan" cannot be shown to clients/)
  })
})

describe('ctx.session without session: true', () => {
  it.each(['2025-11-25', '2026-07-28'] as const)(
    'is an error for clients of %s',
    async (revision) => {
      const errors: string[] = []
      const log = ({ error }: LogEntry) => errors.push(String(error))
      const mcp = createMcp({ name: 'author', version: '1', log })
      mcp.tool('keep', { description }, (_, ctx) => (ctx as Context).session.get('key'))
      mcp.prompt('ask', { description }, async (_, ctx) => String(await ctx.session.get('key')))
      const endpoint = fetchEndpoint(mcp)
      const client =
        revision === '2026-07-28'
          ? new ModernClient(endpoint)
          : await LegacyClient.open(endpoint, revision)
      expect(await (await client.call('keep')).result()).toMatchObject({ isError: true })
      const prompted = await (await client.request('prompts/get', { name: 'ask' })).rest()
      expect(prompted.at(-1)).toMatchObject({ error: { code: -32603 } })
      const message = /Tool "keep" has no ctx.session: only tools with session: true have it/
      expect(errors.find((error) => message.test(error))).toBeDefined()
      expect(errors.find((error) => /This handler has no ctx.session/.test(error))).toBeDefined()
    },
  )
})

describe('a tool without arguments', () => {
  it.each(['2025-11-25', '2026-07-28'] as const)(
    'refuses arguments of clients of %s',
    async (revision) => {
      const mcp = create()
      mcp.tool('none', { description }, () => 'done')
      mcp.tool('kept', { description, session: true }, () => 'done')
      const endpoint = fetchEndpoint(mcp)
      const client =
        revision === '2026-07-28'
          ? new ModernClient(endpoint)
          : await LegacyClient.open(endpoint, revision)
      const { tools } = await (await client.request('tools/list')).result()
      expect(tools[0].inputSchema).toEqual({
        type: 'object',
        properties: {},
        additionalProperties: false,
      })
      for (const name of ['none', 'kept']) {
        expect(await (await client.call(name)).result()).toMatchObject({
          content: [{ text: 'done' }],
        })
        expect(await (await client.call(name, { city: 'Bern' })).result()).toMatchObject({
          isError: true,
          content: [{ text: 'Invalid arguments: city: this tool takes no arguments' }],
        })
      }
    },
  )
})

describe('a reference that leads nowhere in a JSON Schema', () => {
  it('is an error in the log that names the tool, the reference and its place', async () => {
    const log: LogEntry[] = []
    const mcp = createMcp({ name: 'author', version: '1', log: (entry) => log.push(entry) })
    const lost = { $ref: '#/$defs/Nod' }
    const object = { type: 'object', $defs: { Node: { type: 'string' } } }
    const data = { const: { $ref: '#/$defs/Nod' } }
    const schemas = {
      lost: { ...object, properties: { a: { type: 'array', items: lost } } },
      found: { ...object, properties: { a: { $ref: '#/$defs/Node' }, b: data } },
    }
    for (const [name, input] of Object.entries(schemas)) {
      mcp.tool(name, { description, input }, () => 'done')
    }
    mcp.tool('output', { description, output: { ...object, properties: { a: lost } } }, () => ({}))
    const client = new ModernClient(fetchEndpoint(mcp))
    expect(await (await client.call('found')).result()).toMatchObject({
      content: [{ text: 'done' }],
    })
    for (const [name, what, place] of [
      ['lost', 'Input', '#/properties/a/items'],
      ['output', 'Output', '#/properties/a'],
    ] as const) {
      const { error, result } = await (await client.call(name)).answer()
      expect(error ?? result).not.toMatchObject({ content: [{ text: 'done' }] })
      expect(JSON.stringify(log)).toContain(
        `${what} of tool \\"${name}\\": \\"$ref\\": \\"#/$defs/Nod\\" in ${place} leads nowhere`,
      )
    }
  })
})

describe('the types', () => {
  it('refuse what registration refuses', () => {
    const mcp = create()
    const wrong = () => {
      // @ts-expect-error An unknown option.
      mcp.tool('a', { description, inputSchema: {} }, () => '')
      // @ts-expect-error No handler.
      mcp.tool('b', { description })
      // @ts-expect-error No version.
      createMcp({ name: 'a' })
      // @ts-expect-error No name.
      mcp.resource('data:a', {}, () => '')
      // @ts-expect-error No session: true.
      mcp.tool('c', { description }, (_, ctx) => ctx.session.get('a'))
    }
    expect(wrong).toThrow()
  })

  it('derive the result from the output schema', () => {
    const mcp = create()
    const output = v.object({ kind: v.literal('sum'), list: v.tuple([v.number()]) })
    mcp.tool('right', { description, output }, () => ({ kind: 'sum', list: [1] }))
    mcp.tool('late', { description, output }, async () => ({ kind: 'sum', list: [1] }))
    mcp.tool('full', { description, output }, () => ({
      content: [{ type: 'text', text: 'one' }],
      structuredContent: { kind: 'sum', list: [1] },
    }))
    mcp.tool('loose', { description, output: { type: 'object' } }, () => ({ any: 1 }))
    // @ts-expect-error A string instead of numbers.
    mcp.tool('wrong', { description, output }, () => ({ kind: 'sum', list: ['1'] }))
    // @ts-expect-error A missing property.
    mcp.tool('less', { description, output }, async () => ({ kind: 'sum' }))
    expect(mcp).toBeDefined()
  })

  it('give ctx.session with session: true', () => {
    const tool = create().tool('keep', { description, session: true }, (_, ctx) =>
      ctx.session.get('key'),
    )
    expect(tool).toBeDefined()
  })
})
