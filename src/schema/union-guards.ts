/** Cheap checks before the branches of unions, so that a union costs as much as the branches that can fit. */
import type { Schema } from '@cfworker/json-schema'

/** Returns the schema that a `$ref` leads to, or undefined where it leads nowhere. */
type Resolve = (schema: Schema) => Schema | undefined

/** A longer chain of references is followed by the validator alone. */
const MAX_HOPS = 8

/** Keywords that decide without a look at the parts of a value. */
const SHALLOW = ['type', 'const', 'enum'] as const

/**
 * Changes each branch of `anyOf` and `oneOf` in place: its type, its required properties and their
 * constants are checked before the rest. The validator would otherwise check every branch in full, and a
 * recursive union would cost 2^depth although a discriminator tells its branches apart. What is
 * valid stays the same, because the guard is a part of the branch.
 */
export function addBranchGuards(schemas: readonly Schema[], resolve: Resolve): void {
  for (const schema of schemas) {
    for (const keyword of ['anyOf', 'oneOf'] as const) {
      if (schema[keyword]) {
        schema[keyword] = schema[keyword].map((branch) => guarded(branch, resolve))
      }
    }
  }
}

function guarded(branch: Schema, resolve: Resolve): Schema {
  const guard = guardOf(branch, resolve)
  if (Object.keys(guard).length === 0) return branch
  // The guard decides first: where it fails, its errors are those of the branch, and `else` is not reached.
  return { ...guard, if: { not: guard }, else: branch }
}

function guardOf(branch: Schema | boolean, resolve: Resolve): Schema {
  const guard: Schema = {}
  for (const part of chainOf(branch, resolve)) {
    if (part.type !== undefined) guard.type ??= part.type
    if (part.required) guard.required ??= part.required
    for (const [name, property] of Object.entries(part.properties ?? {})) {
      const shallow = shallowOf(property, resolve)
      if (!shallow) continue
      guard.properties ??= Object.create(null) as Record<string, Schema>
      guard.properties[name] ??= shallow
    }
  }
  return guard
}

function shallowOf(property: Schema | boolean, resolve: Resolve): Schema | undefined {
  const shallow: Schema = {}
  for (const part of chainOf(property, resolve)) {
    for (const keyword of SHALLOW) {
      if (part[keyword] !== undefined) shallow[keyword] ??= part[keyword]
    }
  }
  return Object.keys(shallow).length > 0 ? shallow : undefined
}

/** The schema, and those that its reference leads to: all of them must hold. */
function chainOf(schema: Schema | boolean, resolve: Resolve): Schema[] {
  const chain: Schema[] = []
  let part: Schema | boolean | undefined = schema
  while (part && typeof part === 'object' && chain.length < MAX_HOPS) {
    chain.push(part)
    part = part.$ref === undefined ? undefined : resolve(part)
  }
  return chain
}
