/** Recursive schemas: a small value can cost a validator exponential work, so the work is counted first. */
import { isObject } from '../lib/is-object.ts'
import type { JsonSchema } from './schema.ts'

/**
 * Steps that one validation may take: a step is one value held against one schema. A validator takes
 * one or two microseconds for each, and nothing else runs in the process meanwhile.
 */
export const MAX_STEPS = 100_000

/** Returns the schema that a `$ref` leads to, or undefined where it leads nowhere. */
type Resolve = (schema: JsonSchema) => unknown

/** Resolves references into `root` itself, `#` and `#/$defs/Node`, as schema libraries write them. */
function resolvePointers(root: JsonSchema): Resolve {
  const known = new Map<unknown, unknown>()
  return ({ $ref }) => {
    if (!known.has($ref)) known.set($ref, follow(root, $ref))
    return known.get($ref)
  }
}

function follow(root: JsonSchema, $ref: unknown): unknown {
  if (typeof $ref !== 'string' || !$ref.startsWith('#')) return undefined
  const names = decodeURIComponent($ref).split('/').slice(1)
  return names.reduce<unknown>((part, name) => {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(part) || Array.isArray(part) ? (part as JsonSchema)[key] : undefined
  }, root)
}

/** Tells whether a reference leads back to a schema that it stands in. Only then does the value set the work. */
export function isRecursive<T extends object>(root: T, resolve: (schema: T) => unknown): boolean {
  const open = new Set<object>()
  const done = new Set<object>()
  const leadsBack = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null || done.has(part)) return false
    if (open.has(part)) return true
    open.add(part)
    const target = '$ref' in part ? resolve(part as T) : undefined
    const found = leadsBack(target) || Object.values(part).some(leadsBack)
    open.delete(part)
    done.add(part)
    return found
  }
  return leadsBack(root)
}

/** Keywords whose schemas are held against the same value, and those for its parts. */
const SAME_VALUE = ['not', 'if', 'then', 'else'] as const
const EACH_ITEM = ['contains', 'unevaluatedItems', 'additionalItems'] as const
const EACH_PROPERTY = ['unevaluatedProperties', 'additionalProperties'] as const

/**
 * Returns whether a validator that remembers nothing may take more than {@link MAX_STEPS} for a value.
 *
 * Every branch of a union counts, because a library may try all of them; of a `oneOf`, only the branches
 * that its discriminator admits, because valibot's `v.variant` and zod's `z.discriminatedUnion` look at
 * that property first, as arktype does for every union. The count itself remembers the steps of each part of
 * the value under each referenced schema: it adds large numbers instead of walking the same part again,
 * so that it is polynomial.
 *
 * @param root What the library's schema converts to.
 * @param vendor The library, by the name that Standard Schema gives it.
 */
export function createStepLimit(root: JsonSchema, vendor: string): (value: unknown) => boolean {
  const resolve = resolvePointers(root)
  if (!isRecursive(root, resolve)) return () => false
  const discriminatesAnyOf = vendor === 'arktype'
  let known = new Map<object, Map<unknown, number>>()
  let visits = 0

  const count = (schema: unknown, value: unknown): number => {
    if (!isObject(schema) || !fitsType(schema.type, value)) return 1
    // A scalar has no parts: what it costs depends on the schema alone.
    if (typeof value !== 'object' || value === null) return 1
    if (++visits > MAX_STEPS) return Number.POSITIVE_INFINITY
    let steps = 1
    if (schema.$ref !== undefined) steps += remember(resolve(schema), value)
    for (const keyword of SAME_VALUE) {
      if (schema[keyword] !== undefined) steps += count(schema[keyword], value)
    }
    for (const branch of listOf(schema.allOf)) steps += count(branch, value)
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      const branches = listOf(schema[keyword])
      const discriminates = keyword === 'oneOf' || discriminatesAnyOf
      for (const branch of discriminates ? admitted(branches, value) : branches) {
        steps += count(branch, value)
      }
    }
    for (const branch of Object.values(mapOf(schema.dependentSchemas))) {
      steps += count(branch, value)
    }
    return (
      steps + (Array.isArray(value) ? countItems(schema, value) : countProperties(schema, value))
    )
  }

  const remember = (schema: unknown, value: object): number => {
    let steps = known.get(value)?.get(schema)
    if (steps === undefined) {
      const bySchema = known.get(value) ?? new Map()
      known.set(value, bySchema)
      // A schema that refers to itself for the same value has no end in any validator.
      bySchema.set(schema, Number.POSITIVE_INFINITY)
      steps = count(schema, value)
      bySchema.set(schema, steps)
    }
    return steps
  }

  const countItems = (schema: JsonSchema, value: readonly unknown[]): number => {
    const first = listOf(schema.prefixItems)
    let steps = 0
    for (const [i, item] of value.entries()) {
      steps += count(i < first.length ? first[i] : schema.items, item)
      for (const keyword of EACH_ITEM) {
        if (schema[keyword] !== undefined) steps += count(schema[keyword], item)
      }
    }
    return steps
  }

  const countProperties = (schema: JsonSchema, value: object): number => {
    const properties = mapOf(schema.properties)
    const patterns = Object.values(mapOf(schema.patternProperties))
    let steps = 0
    for (const [name, part] of Object.entries(value)) {
      const named = Object.hasOwn(properties, name)
      if (named) steps += count(properties[name], part)
      for (const pattern of patterns) steps += count(pattern, part)
      if (named) continue
      for (const keyword of EACH_PROPERTY) {
        if (schema[keyword] !== undefined) steps += count(schema[keyword], part)
      }
    }
    return steps
  }

  /** The branches whose discriminator the value has; all of them where the union has none. */
  const admitted = (branches: readonly unknown[], value: object): readonly unknown[] => {
    const key = discriminatorOf(branches, resolve)
    if (key === undefined) return branches
    const given = (value as Record<string, unknown>)[key]
    return branches.filter((branch) => constantsOf(branch, key, resolve)?.includes(given))
  }

  return (value) => {
    if (typeof value !== 'object' || value === null) return false
    const tooMany = remember(root, value) > MAX_STEPS
    known = new Map()
    visits = 0
    return tooMany
  }
}

function listOf(keyword: unknown): readonly unknown[] {
  return Array.isArray(keyword) ? keyword : []
}

function mapOf(keyword: unknown): Readonly<Record<string, unknown>> {
  return isObject(keyword) ? keyword : {}
}

/** Every library looks at the type of a value first, and at its parts only if the type is right. */
function fitsType(type: unknown, value: unknown): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  return typeof type !== 'string' || typeof value !== 'object' || value === null
}

/**
 * The property that tells the branches of a union apart: a constant in each of them, preferably another
 * one in each. Unions are few and schemas do not change, so the answer is kept.
 */
function discriminatorOf(branches: readonly unknown[], resolve: Resolve): string | undefined {
  if (!DISCRIMINATORS.has(branches)) {
    const objects = branches.filter((branch) => mayBeObject(targetOf(branch, resolve)))
    const shared = Object.keys(mapOf(targetOf(objects[0], resolve).properties)).filter((name) =>
      objects.every((branch) => constantsOf(branch, name, resolve)),
    )
    const apart = shared.find((name) => {
      const all = objects.flatMap((branch) => constantsOf(branch, name, resolve) ?? [])
      return new Set(all).size === all.length
    })
    DISCRIMINATORS.set(branches, apart ?? shared[0])
  }
  return DISCRIMINATORS.get(branches)
}

const DISCRIMINATORS = new WeakMap<readonly unknown[], string | undefined>()

/** The values that a branch admits for a property; undefined where they are not constants. */
function constantsOf(
  branch: unknown,
  name: string,
  resolve: Resolve,
): readonly unknown[] | undefined {
  const { properties, oneOf } = targetOf(branch, resolve)
  if (Array.isArray(oneOf)) {
    // A variant may be one of another variant's branches.
    const nested = oneOf.map((inner) => constantsOf(inner, name, resolve))
    return nested.every((found) => found !== undefined) ? [...new Set(nested.flat())] : undefined
  }
  const property = mapOf(properties)[name]
  if (!isObject(property)) return undefined
  if ('const' in property) return [property.const]
  return Array.isArray(property.enum) ? property.enum : undefined
}

function mayBeObject({ type = 'object', ...schema }: JsonSchema): boolean {
  return type === 'object' && !('const' in schema) && !('enum' in schema)
}

/** The schema itself, or the one that its reference leads to. */
function targetOf(schema: unknown, resolve: Resolve): JsonSchema {
  let target = schema
  for (let i = 0; i < 8 && isObject(target) && typeof target.$ref === 'string'; i++) {
    target = resolve(target)
  }
  return mapOf(target)
}
