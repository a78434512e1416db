/** Arguments that are designed to cause much work in a JSON Schema. */
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonSchema, Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { cpuOf } from '../support/cpu-time.ts'
import { fetchEndpoint, ModernClient } from '../support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

describe('arguments under plain JSON Schema', () => {
  async function said(input: JsonSchema, args: object): Promise<string> {
    serverOf().tool('take', { description: 'Takes', input }, () => 'taken')
    const { content } = await (
      await new ModernClient(fetchEndpoint(mcp)).call('take', args)
    ).result()
    return content[0].text
  }
  const schemaOf = (property: JsonSchema) => ({ type: 'object', properties: { a: property } })

  it('are checked against the format "url" in linear time', async () => {
    const schema = schemaOf({ type: 'string', format: 'url' })
    expect(await said(schema, { a: 'https://example.com/a?b=c' })).toBe('taken')
    const cpuOfLength = (length: number) =>
      cpuOf(async () => {
        const a = `http://${'a'.repeat(length)} `
        expect(await said(schema, { a })).toMatch('Invalid arguments')
      })
    await cpuOfLength(10) // Compiles the code.
    // This took 500 times as long before the limit.
    expect((await cpuOfLength(28)) / (await cpuOfLength(10))).toBeLessThan(20)
  })

  it('are searched for duplicates only up to a size', async () => {
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

  it('may be long where no duplicates are searched for', async () => {
    const tags = { type: 'array', uniqueItems: true }
    const a = Array.from({ length: 100_000 }, (_, i) => i)
    const beside = { type: 'object', properties: { a: { type: 'array' }, tags } }
    expect(await said(beside, { a, tags: ['x'] })).toBe('taken')
    expect(await said(beside, { a, tags: ['x', 'x'] })).toMatch('Duplicate items')
    expect(await said(beside, { a: ['x', 'x'], tags: a })).toMatch('too much')
    // If the schema does not show which arrays it means, all arrays count.
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

  it("are compared with the constants of the schema in the author's form", async () => {
    const schema = schemaOf({ const: { format: 'url', uniqueItems: true } })
    expect(await said(schema, { a: { format: 'url', uniqueItems: true } })).toBe('taken')
  })

  it('with 150,000 problems are refused like others', async () => {
    const schema = schemaOf({ type: 'object', properties: { b: { items: { type: 'string' } } } })
    const b = Array.from({ length: 150_000 }, () => 0)
    expect(await said(schema, { a: { b } })).toMatch('Invalid arguments')
  })
})
