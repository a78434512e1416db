/** Plain JSON Schema, interpreted: what is wrong with a value, in time that a client's value cannot stretch. */
import { Validator } from '@cfworker/json-schema'

/**
 * Comparisons made in the search for duplicates, which holds each element against all others. Without
 * a bound, one array of 4 MB would keep the process busy for minutes.
 */
const MOST_COMPARISONS = 50_000_000

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
  const bounded = io === 'input' && text.includes('"uniqueItems":true')
  // the interpreter's own format "url" takes twice as long with each character that is no URL's
  const safe = JSON.parse(text, (key, value) =>
    key === 'format' && value === 'url' ? 'uri' : value,
  )
  const validator = new Validator(safe, '2020-12', false)
  const refuse = (error: string) => [{ instanceLocation: '#', error }]
  return (value) => {
    if (bounded && weigh(value).comparisons > MOST_COMPARISONS) {
      return refuse('there is too much to look through for duplicates')
    }
    try {
      const { valid, errors } = validator.validate(value)
      if (valid) return undefined
      return errors.filter(({ keyword }) => keyword !== 'properties' && keyword !== 'items')
    } catch (error) {
      // the interpreter hands problems on as arguments of a call, and those are limited
      if (error instanceof RangeError) return refuse('there are too many problems to name any')
      throw error
    }
  }
}

/** How many parts a value has, and how many comparisons of parts it takes to know all arrays in it free of duplicates. */
function weigh(value: unknown): { parts: number; comparisons: number } {
  // a comparison of long texts reads both
  if (typeof value === 'string') return { parts: 1 + value.length / 64, comparisons: 0 }
  let parts = 1
  let comparisons = 0
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) {
      const own = weigh(child)
      parts += own.parts
      comparisons += own.comparisons
    }
    if (Array.isArray(value)) comparisons += value.length * parts
  }
  return { parts, comparisons }
}
