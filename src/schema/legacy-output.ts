/** Output schemas as 2025 clients take them: with an object at the root (B58), and readable as draft-07. */
import { isObject } from '../lib/is-object.ts'
import type { JsonSchema } from './schema.ts'
import { isWrapped } from './schema.ts'

/** The schema to list: of the value itself, or of `{ result }` where {@link isWrapped}. */
export function toLegacyOutput(schema: JsonSchema): JsonSchema {
  if (!isWrapped(schema)) return rewrite(schema, '') as JsonSchema
  const { $schema, ...root } = schema
  // An `$id` makes the schema a separate document, in which `#` stays the same.
  const result = rewrite(root, root.$id === undefined ? '/properties/result' : '')
  return {
    ...($schema !== undefined && { $schema }),
    type: 'object',
    properties: { result },
    required: ['result'],
  }
}

/** Keywords that hold data, where `$ref` is a plain value, and keywords that hold schemas by names of the author. */
const DATA = new Set(['const', 'enum', 'default', 'examples'])
const NAMED = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
])
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef'])

/** Moves references to the root of the document, `#` and `#/…`, to the place where the schema stands now. */
function rewrite(schema: unknown, place: string): unknown {
  if (Array.isArray(schema)) return schema.map((part) => rewrite(part, place))
  if (!isObject(schema)) return schema
  return mapValues(withoutRest(schema), (value, keyword) => {
    if (DATA.has(keyword)) return value
    if (NAMED.has(keyword) && isObject(value)) {
      return mapValues(value, (part) => rewrite(part, place))
    }
    if (!REFERENCES.has(keyword) || typeof value !== 'string') return rewrite(value, place)
    return /^#(\/|$)/.test(value) ? `#${place}${value.slice(1)}` : value
  })
}

/**
 * The official TypeScript client of 2025 reads schemas as draft-07, where `items` of a tuple would hold for
 * its first elements too. `items: false` means the same as `maxItems`; other schemas of the rest are left out.
 */
function withoutRest(schema: JsonSchema): JsonSchema {
  const { items, ...tuple } = schema
  if (!Array.isArray(tuple.prefixItems) || items === undefined) return schema
  if (items !== false) return tuple
  const { maxItems = Number.POSITIVE_INFINITY, prefixItems } = tuple
  return { ...tuple, maxItems: Math.min(Number(maxItems), prefixItems.length) }
}

function mapValues(
  object: JsonSchema,
  change: (value: unknown, name: string) => unknown,
): JsonSchema {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, change(value, name)]),
  )
}
