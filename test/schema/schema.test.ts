/** Schemas of each library as the input of a tool: their JSON Schema, and the values that they refuse. */
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Schema } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { fetchEndpoint, ModernClient } from '../support/wire.ts'

async function listed(input: Schema): Promise<{ inputSchema: Record<string, unknown> }> {
  const { list } = serve(input)
  const [tool] = (await list()) as { inputSchema: Record<string, unknown> }[]
  if (!tool) throw new Error('no tool')
  return tool
}

function serve(input: Schema) {
  const mcp = createMcp({ name: 'schemas', version: '1' })
  mcp.tool('take', { description: 'Takes arguments', input }, (args) => JSON.stringify(args))
  const client = new ModernClient(fetchEndpoint(mcp))
  return {
    list: async () => (await (await client.request('tools/list')).result()).tools,
    call: async (args: object) => (await client.call('take', args)).result(),
  }
}

const libraries: [name: string, schema: Schema][] = [
  ['valibot', v.object({ city: v.pipe(v.string(), v.minLength(2)) })],
  ['zod', z.object({ city: z.string().min(2) })],
  ['arktype', type({ city: 'string >= 2' })],
  [
    'JSON Schema',
    { type: 'object', properties: { city: { type: 'string', minLength: 2 } }, required: ['city'] },
  ],
]

describe.each(libraries)('a schema of %s', (_, schema) => {
  it('is shown as JSON Schema (B60)', async () => {
    const { inputSchema } = await listed(schema)
    expect(inputSchema).toMatchObject({
      type: 'object',
      properties: { city: { type: 'string', minLength: 2 } },
      required: ['city'],
    })
  })

  it('accepts correct arguments, and names the mistakes in others (B59)', async () => {
    const { call } = serve(schema)
    expect(await call({ city: 'Bern' })).toMatchObject({
      content: [{ type: 'text', text: '{"city":"Bern"}' }],
    })
    const refused = await call({ city: 'B' })
    expect(refused.isError).toBe(true)
    expect(JSON.stringify(refused.content)).toContain('city')
  })
})

describe('a schema of valibot', () => {
  it('may have checks that JSON Schema cannot express', async () => {
    const schema = v.object({
      name: v.pipe(
        v.string(),
        v.trim(),
        v.minLength(1),
        v.check((name) => name !== 'nobody', 'must be a person'),
      ),
    })
    const { inputSchema } = await listed(schema)
    expect(inputSchema).toMatchObject({ properties: { name: { type: 'string', minLength: 1 } } })
    const { call } = serve(schema)
    expect(JSON.stringify(await call({ name: ' Ada ' }))).toContain('{\\"name\\":\\"Ada\\"}')
    expect(JSON.stringify(await call({ name: 'nobody' }))).toContain('must be a person')
  })

  it('is refused at registration if a value has no JSON form', () => {
    expect(() => serve(v.object({ day: v.date() }))).toThrow(/date/)
  })
})

it('is refused at registration when it is not an object', () => {
  expect(() => serve(v.string())).toThrow(/must be an object/)
  expect(() => serve({})).toThrow(/must be an object/)
})
