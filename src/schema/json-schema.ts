/** Plain JSON Schema, interpreted: what is wrong with a value, in time that a client's value cannot stretch. */
import type { Schema } from '@cfworker/json-schema'
import { dereference, Validator } from '@cfworker/json-schema'

/**
 * Comparisons made in the search for duplicates, which holds each element against all others. Without
 * a bound, one array of 4 MB would keep the process busy for minutes.
 */
const MOST_COMPARISONS = 50_000_000

/** A property's schema, by its JSON Pointer; not where "properties" is itself a name. */
const PROPERTY = /(?<!ies)\/properties\/([\w-]+)$/

/** The place of arrays that no property holds, and of schemas for any. */
const ANYWHERE = ''

export interface Problem {
  /** JSON Pointer as a fragment: `#/address/street`. */
  readonly instanceLocation: string
  readonly error: string
}

/** The problems of a value; undefined when it fits. */
export type Interpreter = (value: unknown) => readonly Problem[] | undefined

/** `schema` is JSON Schema 2020-12. What a handler puts out is no stranger's: it is looked through at any cost. */
export function interpret(schema: object, io: 'input' | 'output'): Interpreter {
  const text = JSON.stringify(schema)
  const own = JSON.parse(text)
  const unique = new Set<string>()
  for (const [pointer, part] of Object.entries(dereference(own) as Record<string, Schema>)) {
    // the interpreter's own format "url" takes twice as long with each character that is no URL's
    if (part.format === 'url') part.format = 'uri'
    if (part.uniqueItems) unique.add(PROPERTY.exec(pointer)?.[1] ?? ANYWHERE)
  }
  // what is referred to may stand under any name
  const anywhere = unique.has(ANYWHERE) || text.includes('"$re')
  const validator = new Validator(own, '2020-12', false)
  const refuse = (error: string) => [{ instanceLocation: '#', error }]

  let comparisons = 0
  /** Adds up the comparisons of parts that the search takes in a value, and returns how many parts it has. */
  const weigh = (value: unknown, place: string): number => {
    // a comparison of long texts reads both
    if (typeof value === 'string') return 1 + value.length / 64
    let parts = 1
    if (typeof value === 'object' && value !== null) {
      const list = Array.isArray(value)
      for (const [name, child] of Object.entries(value)) parts += weigh(child, list ? place : name)
      if (list && (anywhere || unique.has(place))) comparisons += value.length * parts
    }
    return parts
  }

  return (value) => {
    comparisons = 0
    if (io === 'input' && unique.size > 0) weigh(value, ANYWHERE)
    if (comparisons > MOST_COMPARISONS) {
      return refuse('too much to look through for duplicates')
    }
    try {
      const { valid, errors } = validator.validate(value)
      if (valid) return undefined
      return errors.filter(({ keyword }) => keyword !== 'properties' && keyword !== 'items')
    } catch (error) {
      // the interpreter hands problems on as arguments of a call, and those are limited
      if (error instanceof RangeError) return refuse('too many problems to name any')
      throw error
    }
  }
}
