/** Recursive schemas of each library: a value with nested alternatives does not cause exponential work. */
import { scope } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Schema } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { fetchEndpoint, ModernClient } from '../support/wire.ts'

type Node = { kind: string; next: Node } | null

/** Returns `depth` nested nodes. The innermost `next` is `end`. */
function nest(depth: number, end: unknown = null): unknown {
  let node = end
  for (let i = 0; i < depth; i++) node = { kind: 'b', next: node }
  return node
}

async function take(input: Schema, tree: unknown) {
  const mcp = createMcp({ name: 'recursive', version: '1' })
  mcp.tool('take', { description: 'Takes a tree', input }, () => 'taken')
  const client = new ModernClient(fetchEndpoint(mcp))
  const before = process.cpuUsage()
  const result = await (await client.call('take', { tree })).result()
  // CPU time is measured, because it does not depend on other processes.
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1_000, text: JSON.stringify(result.content) }
}

const unionOfValibot: v.GenericSchema<Node> = v.union([
  v.object({ kind: v.literal('a'), next: v.lazy(() => unionOfValibot) }),
  v.object({ kind: v.literal('b'), next: v.lazy(() => unionOfValibot) }),
  v.null(),
])
const variantOfValibot: v.GenericSchema<Exclude<Node, null>> = v.variant('kind', [
  v.object({ kind: v.literal('a'), next: v.nullable(v.lazy(() => variantOfValibot)) }),
  v.object({ kind: v.literal('b'), next: v.nullable(v.lazy(() => variantOfValibot)) }),
])
const unionOfZod: z.ZodType<Node> = z.union([
  z.object({ kind: z.literal('a'), next: z.lazy(() => unionOfZod) }),
  z.object({ kind: z.literal('b'), next: z.lazy(() => unionOfZod) }),
  z.null(),
])
const nodeOfZod = (kind: string) =>
  z.object({
    kind: z.literal(kind),
    get next(): z.ZodType<unknown> {
      return variantOfZod.nullable()
    },
  })
const variantOfZod = z.discriminatedUnion('kind', [nodeOfZod('a'), nodeOfZod('b')])
const arkNodes = scope({
  nodeA: { kind: "'a'", next: 'node' },
  nodeB: { kind: "'b'", next: 'node' },
  node: 'nodeA | nodeB | null',
  args: { tree: 'node' },
}).export()

const withTree = ($defs: Record<string, object>) => ({
  type: 'object',
  properties: { tree: { $ref: '#/$defs/Node' } },
  required: ['tree'],
  $defs,
})
const next = { $ref: '#/$defs/Node' }
const recursive = { anyOf: [{ $recursiveRef: '#' }, { type: 'null' }] }
const jsonBranch = (kind: object, more: object = {}) => ({
  type: 'object',
  properties: { kind, next },
  required: ['kind', 'next'],
  ...more,
})
const constants = [{ const: 'a' }, { const: 'b' }].map((kind) => jsonBranch(kind))
const overlapping = [
  jsonBranch({ type: 'string' }),
  jsonBranch({ type: 'string' }, { minProperties: 3 }),
]
const branchesBehindReferences = {
  Node: { anyOf: [{ $ref: '#/$defs/A' }, { $ref: '#/$defs/B' }, { type: 'null' }] },
  A: jsonBranch({ $ref: '#/$defs/KindA' }),
  B: jsonBranch({ enum: ['b', 'c'] }),
  KindA: { const: 'a' },
}

const linear: [form: string, schema: Schema][] = [
  ['v.variant', v.object({ tree: variantOfValibot })],
  ['z.discriminatedUnion', z.object({ tree: variantOfZod })],
  ['a union of arktype', arkNodes.args],
  ['oneOf with constants', withTree({ Node: { oneOf: [...constants, { type: 'null' }] } })],
  ['anyOf with constants', withTree({ Node: { anyOf: [...constants, { type: 'null' }] } })],
  ['anyOf with references to its branches', withTree(branchesBehindReferences)],
]

const exponential: [form: string, schema: Schema][] = [
  ['v.union', v.object({ tree: unionOfValibot })],
  ['z.union', z.object({ tree: unionOfZod })],
  ['oneOf without constants', withTree({ Node: { oneOf: [...overlapping, { type: 'null' }] } })],
  ['anyOf without constants', withTree({ Node: { anyOf: [...overlapping, { type: 'null' }] } })],
  ['allOf', withTree({ Node: { allOf: [{ properties: { next } }, { properties: { next } }] } })],
  [
    '$recursiveRef',
    {
      type: 'object',
      properties: { tree: recursive, next: recursive },
      allOf: [{ properties: { next: recursive } }],
    },
  ],
]

describe.each(linear)('a recursive schema by %s', (_, schema) => {
  it('takes the work of one branch, at any depth', async () => {
    const { ms, text } = await take(schema, nest(45))
    expect(text).toContain('taken')
    expect(ms).toBeLessThan(1_000)
  })

  it('still refuses a mistake at the deepest level', async () => {
    const { ms, text } = await take(schema, nest(45, 5))
    expect(text).toContain('Invalid arguments')
    expect(text).not.toContain('too much')
    expect(ms).toBeLessThan(1_000)
  })
})

describe.each(exponential)('a recursive schema by %s', (_, schema) => {
  it('accepts a few nested levels', async () => {
    expect((await take(schema, nest(6))).text).toContain('taken')
  })

  it('refuses nested levels whose check would not end', async () => {
    const { ms, text } = await take(schema, nest(45))
    expect(text).toContain('Invalid arguments: too much to check')
    expect(ms).toBeLessThan(3_000)
  })

  it('refuses wrong values of the same depth as quickly', async () => {
    const { ms, text } = await take(schema, nest(45, 5))
    expect(text).toMatch(/Invalid arguments: too (much|many)/)
    expect(ms).toBeLessThan(3_000)
  })
})

it.each<[string, Schema]>([
  ['valibot', v.object({ tree: v.array(unionOfValibot) })],
  ['JSON Schema', withTree({ Node: { anyOf: [...constants, { type: 'null' }, { items: next }] } })],
])('a recursive schema of %s takes a wide value', async (_, schema) => {
  const wide = Array.from({ length: 1_000 }, () => nest(1))
  expect((await take(schema, wide)).text).toContain('taken')
})

it('guards before branches do not change what unevaluatedProperties allows', async () => {
  const schema = {
    type: 'object',
    properties: {
      tree: {
        anyOf: constants.map((branch) => ({ ...branch, required: ['kind'] })),
        unevaluatedProperties: false,
      },
    },
    $defs: { Node: { type: 'number' } },
  }
  expect((await take(schema, { kind: 'a', next: 1 })).text).toContain('taken')
  expect((await take(schema, { kind: 'a', more: 1 })).text).toContain('Invalid arguments')
  expect((await take(schema, { kind: 'c', next: 1 })).text).toContain('Invalid arguments')
})
