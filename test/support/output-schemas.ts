/** A server with a tool for every form of output schema that the schema libraries have. */
import { type } from 'arktype'
import * as v from 'valibot'
import * as z from 'zod'
import type { Mcp, Schema } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

type Tree = { name: string; children: Tree[] }
type List = { item: number; rest: List } | null

const treeOfValibot: v.GenericSchema<Tree> = v.object({
  name: v.string(),
  children: v.array(v.lazy(() => treeOfValibot)),
})
const listOfValibot: v.GenericSchema<List> = v.nullable(
  v.object({ item: v.number(), rest: v.lazy(() => listOfValibot) }),
)
const nestedOfValibot: v.GenericSchema<unknown[]> = v.array(v.lazy(() => nestedOfValibot))
const treeOfZod = z.object({
  name: z.string(),
  get children(): z.ZodType<Tree[]> {
    return z.array(treeOfZod)
  },
})
const nestedOfZod: z.ZodType<unknown[]> = z.array(z.lazy(() => nestedOfZod))
const pairOfZod = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('leaf') }),
  z.object({
    kind: z.literal('pair'),
    get both(): z.ZodType<unknown[]> {
      return z.array(pairOfZod)
    },
  }),
])

const tree: Tree = { name: 'root', children: [{ name: 'leaf', children: [] }] }
const pair = { kind: 'pair', both: [{ kind: 'leaf' }, { kind: 'pair', both: [] }] }
const shape = { kind: 'circle', radius: 1 }
const circle = { kind: 'circle', radius: 1 } as const

/** The name, which contains the library, the schema, and a value that it accepts. */
export const OUTPUTS: readonly (readonly [name: string, schema: Schema, value: unknown])[] = [
  ['valibot-object', v.object({ a: v.number(), b: v.optional(v.string()) }), { a: 1 }],
  ['valibot-strict', v.strictObject({ a: v.number() }), { a: 1 }],
  ['valibot-record', v.record(v.string(), v.number()), { a: 1, b: 2 }],
  ['valibot-string', v.string(), 'text'],
  ['valibot-empty-string', v.string(), ''],
  ['valibot-number', v.number(), 0],
  ['valibot-boolean', v.boolean(), false],
  ['valibot-null', v.null(), null],
  ['valibot-literal', v.literal('one'), 'one'],
  ['valibot-picklist', v.picklist(['one', 'two']), 'two'],
  ['valibot-array', v.array(v.number()), [1, 2]],
  ['valibot-tuple', v.tuple([v.string(), v.number()]), ['a', 1]],
  ['valibot-nullable', v.nullable(v.object({ a: v.number() })), { a: 1 }],
  ['valibot-nullable-null', v.nullable(v.object({ a: v.number() })), null],
  [
    'valibot-union',
    v.union([v.object({ a: v.number() }), v.object({ b: v.string() })]),
    { b: 'text' },
  ],
  [
    'valibot-variant',
    v.variant('kind', [
      v.object({ kind: v.literal('circle'), radius: v.number() }),
      v.object({ kind: v.literal('square'), side: v.number() }),
    ]),
    circle,
  ],
  [
    'valibot-intersect',
    v.intersect([v.object({ a: v.number() }), v.object({ b: v.string() })]),
    { a: 1, b: 'text' },
  ],
  ['valibot-lazy', v.lazy(() => treeOfValibot), tree],
  ['valibot-recursive', treeOfValibot, tree],
  ['valibot-recursive-nullable', listOfValibot, { item: 1, rest: { item: 2, rest: null } }],
  ['valibot-recursive-array', nestedOfValibot, [[], [[]]]],
  ['zod-object', z.object({ a: z.number() }), { a: 1 }],
  ['zod-record', z.record(z.string(), z.number()), { a: 1 }],
  ['zod-string', z.string(), 'text'],
  ['zod-array', z.array(z.object({ a: z.number() })), [{ a: 1 }]],
  ['zod-tuple', z.tuple([z.string(), z.number()]), ['a', 1]],
  ['zod-tuple-rest', z.tuple([z.string()], z.number()), ['a', 1, 2]],
  ['zod-tuple-inside', z.object({ pair: z.tuple([z.string(), z.number()]) }), { pair: ['a', 1] }],
  ['zod-enum', z.enum(['one', 'two']), 'one'],
  ['zod-nullable', z.object({ a: z.number() }).nullable(), null],
  ['zod-union', z.union([z.object({ a: z.number() }), z.string()]), { a: 1 }],
  [
    'zod-discriminated',
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('circle'), radius: z.number() }),
      z.object({ kind: z.literal('square'), side: z.number() }),
    ]),
    shape,
  ],
  [
    'zod-intersection',
    z.intersection(z.object({ a: z.number() }), z.object({ b: z.string() })),
    { a: 1, b: 'b' },
  ],
  ['zod-recursive', treeOfZod, tree],
  ['zod-recursive-array', nestedOfZod, [[], [[]]]],
  ['zod-recursive-union', pairOfZod, pair],
  ['arktype-object', type({ a: 'number' }), { a: 1 }],
  ['arktype-string', type('string'), 'text'],
  ['arktype-array', type('number[]'), [1]],
  ['arktype-union', type({ a: 'number' }).or({ b: 'string' }), { b: 'text' }],
  ['arktype-nullable', type({ a: 'number' }).or('null'), { a: 1 }],
  ['arktype-recursive', type({ name: 'string', children: 'this[]' }), tree],
  ['json-object', { type: 'object', properties: { a: { type: 'number' } } }, { a: 1 }],
  [
    'json-dialect',
    { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
    { a: 1 },
  ],
  [
    'json-boolean-schemas',
    { type: 'object', properties: { a: true, b: false }, required: ['a'] },
    { a: 1 },
  ],
  ['json-array', { type: 'array', items: { type: 'number' } }, [1]],
  [
    'json-many-types',
    { type: ['object', 'null'], properties: { a: { type: 'number' } } },
    { a: 1 },
  ],
  ['json-enum', { enum: ['one', { a: 1 }] }, { a: 1 }],
  ['json-any-of', { anyOf: [{ type: 'object', required: ['a'] }, { type: 'string' }] }, { a: 1 }],
  [
    'json-ref',
    { $ref: '#/$defs/Thing', $defs: { Thing: { type: 'object', required: ['a'] } } },
    { a: 1 },
  ],
  [
    'json-definitions',
    {
      anyOf: [{ $ref: '#/definitions/Thing' }, { type: 'null' }],
      definitions: { Thing: { type: 'object', properties: { next: { $ref: '#' } } } },
    },
    { next: { next: null } },
  ],
  [
    'json-properties-ref',
    {
      properties: { a: { type: 'number' }, b: { $ref: '#/properties/a' } },
      required: ['a', 'b'],
    },
    { a: 1, b: 2 },
  ],
  [
    'json-data-like-a-ref',
    { anyOf: [{ const: { $ref: '#' } }, { type: 'array', items: { $ref: '#' } }] },
    [{ $ref: '#' }],
  ],
]

/** Returns the server. Each tool has the name of its entry and returns the entry's value. */
export function createOutputServer(): Mcp {
  const mcp = createMcp({ name: 'outputs', version: '1.0.0' })
  for (const [name, output, value] of OUTPUTS) {
    mcp.tool(name, { description: `Returns ${name}`, output }, () => value as object)
  }
  mcp.tool('no-arguments', { description: 'Takes no arguments' }, () => 'none')
  return mcp
}
