/** Plain JSON Schema, interpreted: what is wrong with a value, with a bound on the work that takes. */
import type { Schema } from '@cfworker/json-schema'
import { dereference, validate } from '@cfworker/json-schema'
import { TOO_MUCH } from './issues.ts'
import { isRecursive, MAX_STEPS } from './recursion.ts'
import { addBranchGuards } from './union-guards.ts'

/**
 * Comparisons that the search for duplicates may make: it compares each element with all others, so
 * that without a bound one array of 4 MB would keep the process busy for minutes.
 */
const MAX_COMPARISONS = 50_000_000

/** A property's schema, by its JSON Pointer; not where "properties" is itself a name. */
const PROPERTY = /(?<!ies)\/properties\/([\w-]+)$/

/** Stands for arrays in no property, and for schemas that may apply to any property. */
const ANYWHERE = ''

/** Keywords that only say that another error below them exists. */
const CONSEQUENCES = new Set(['properties', 'items', 'if', '$ref'])

export interface Problem {
  /** JSON Pointer as a fragment: `#/address/street`. */
  readonly instanceLocation: string
  readonly error: string
}

/** The problems of a value; undefined when it is valid. */
export type Interpreter = (value: unknown) => readonly Problem[] | undefined

/** Thrown from within the validator when it has followed too many references. */
class StepLimit extends Error {}

/**
 * Prepares a JSON Schema 2020-12. An input that takes too much work is refused as a problem; so is an
 * output, but only against a recursive schema, since the handler itself chose how much to return.
 * Throws a `TypeError` for a reference that leads nowhere: every value would fail with it.
 *
 * @param what Names the schema for its author: `Output of tool "add"`.
 */
export function interpret(schema: object, what: string, io: 'input' | 'output'): Interpreter {
  // The validator bounds nothing for the keyword of 2019-09, which means the same within one document.
  const text = JSON.stringify(schema).replaceAll('"$recursiveRef":', '"$ref":')
  const root = JSON.parse(text) as Schema
  const parts = dereference(root) as Record<string, Schema>
  const unique = new Set<string>()
  for (const [pointer, part] of Object.entries(parts)) {
    // The validator's own format "url" takes twice as long with each character that no URL has.
    if (part.format === 'url') part.format = 'uri'
    const target = part.__absolute_ref__
    if (target !== undefined && !parts[target]) {
      const place = pointer.slice(pointer.indexOf('#'))
      throw new TypeError(`${what}: "$ref": "${part.$ref}" in ${place || '#'} leads nowhere`)
    }
    if (part.uniqueItems) unique.add(PROPERTY.exec(pointer)?.[1] ?? ANYWHERE)
  }
  const resolve = (part: Schema) => parts[part.__absolute_ref__ ?? '']
  addBranchGuards(Object.values(parts), resolve)
  // Without recursion the work grows with the value alone, and bodies have a limit of their own.
  let stepsLeft = MAX_STEPS
  const lookup = isRecursive(root, resolve)
    ? withLookups(parts, (steps) => {
        stepsLeft -= steps
        if (stepsLeft < 0) throw new StepLimit()
      })
    : parts
  // A referenced schema may stand under any name.
  const anywhere = unique.has(ANYWHERE) || text.includes('"$re')

  let comparisons = 0
  /** Adds up the comparisons that the search for duplicates makes in a value, and returns its size. */
  const weigh = (value: unknown, place: string): number => {
    // Comparing long texts reads both.
    if (typeof value === 'string') return 1 + value.length / 64
    let size = 1
    if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value)
      for (const [name, child] of Object.entries(value)) size += weigh(child, isList ? place : name)
      if (isList && (anywhere || unique.has(place))) comparisons += value.length * size
    }
    return size
  }

  return (value) => {
    comparisons = 0
    stepsLeft = MAX_STEPS
    if (io === 'input' && unique.size > 0) weigh(value, ANYWHERE)
    if (comparisons > MAX_COMPARISONS) return refuse('too much to look through for duplicates')
    try {
      const { valid, errors } = validate(value, root, '2020-12', lookup, false)
      return valid ? undefined : errors.filter(({ keyword }) => !CONSEQUENCES.has(keyword))
    } catch (error) {
      if (error instanceof StepLimit) return refuse(TOO_MUCH)
      // The validator passes problems on as arguments of a call, and the number of those is limited.
      if (error instanceof RangeError) return refuse('too many problems to list')
      throw error
    }
  }
}

/**
 * The same schemas by their URIs. `onLookup` is called for each reference that the validator follows, with
 * the number of schemas in the referenced one: as many steps as it takes up to the next references.
 */
function withLookups(
  parts: Readonly<Record<string, Schema>>,
  onLookup: (steps: number) => void,
): Record<string, Schema> {
  const watched: Record<string, Schema> = Object.create(null)
  for (const [uri, part] of Object.entries(parts)) {
    const steps = countObjects(part)
    Object.defineProperty(watched, uri, {
      get() {
        onLookup(steps)
        return part
      },
    })
  }
  return watched
}

function countObjects(part: unknown): number {
  if (typeof part !== 'object' || part === null) return 0
  return Object.values(part).reduce<number>((count, child) => count + countObjects(child), 1)
}

function refuse(error: string): readonly Problem[] {
  return [{ instanceLocation: '#', error }]
}
