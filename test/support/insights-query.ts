/**
 * Evaluates the part of the Logs Insights query language that the report uses over real events, so that
 * a wrong query causes wrong sums in a test.
 */

export interface LogEvent {
  /** The time in epoch milliseconds. */
  readonly timestamp: number
  readonly message: string
}

export type Field = { field: string; value: string }

/** The message of a MalformedQueryException. */
export class QuerySyntaxError extends Error {}

type Value = string | number | boolean | object | undefined

interface Row {
  readonly event: LogEvent
  readonly aliases: Map<string, Value>
  discovered?: Map<string, Value>
}

type Expression = (row: Row) => Value

/** The number of JSON fields that Insights finds by itself. Further fields of a record have no names. */
const discoveredFields = 200
const periods: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }
/** The largest number of each unit, because `bin(300s)` means one minute. */
const caps: Record<string, number> = { ms: 1000, s: 60, m: 60, h: 24 }

/** Compiles a query into a function over events, which returns at most `maxRows` rows. */
export function compileQuery(
  query: string,
  maxRows = 10_000,
): (events: Iterable<LogEvent>) => Field[][] {
  const steps: ((row: Row) => boolean)[] = []
  let table: (() => Groups) | undefined
  let limit = maxRows
  for (const command of query.split('|')) {
    const parser = new Parser(command)
    const name = parser.word()
    if (table && name !== 'limit') throw new QuerySyntaxError(`${name} after stats`)
    if (name === 'filter') {
      const test = parser.expression()
      steps.push((row) => test(row) === true)
    } else if (name === 'fields') {
      const items = parser.list((alias, expression) => ({ alias, expression }))
      steps.push((row) => {
        // An alias is not visible within the command that defines it.
        const values = items.map(({ expression }) => expression(row))
        for (const [index, { alias }] of items.entries()) row.aliases.set(alias, values[index])
        return true
      })
    } else if (name === 'stats') table = compileStats(parser)
    else if (name === 'limit') limit = Math.min(parser.number(), maxRows)
    else throw new QuerySyntaxError(`unexpected command ${name}`)
    parser.end()
  }
  const create = table
  if (!create) throw new QuerySyntaxError('this stand-in answers stats queries only')
  return (events) => {
    const groups = create()
    for (const event of events) {
      const row: Row = { event, aliases: new Map() }
      if (steps.every((step) => step(row))) groups.add(row)
    }
    return groups.rows().slice(0, limit)
  }
}

interface Groups {
  add(row: Row): void
  rows(): Field[][]
}

function compileStats(parser: Parser): () => Groups {
  const sums = parser.list((alias, _, source) => {
    const [, fn, argument = ''] = /^(count|sum)\((.*)\)$/.exec(source) ?? []
    if (!fn) throw new QuerySyntaxError(`${source} is not an aggregation`)
    return { alias, of: fn === 'sum' ? new Parser(argument).expression() : undefined }
  })
  const keys = parser.skip('by') ? parser.list((alias, expression) => ({ alias, expression })) : []
  return () => {
    const groups = new Map<string, { values: Value[]; totals: (number | undefined)[] }>()
    return {
      add(row) {
        const values = keys.map(({ expression }) => scalar(expression(row)))
        const key = JSON.stringify(values)
        let group = groups.get(key)
        if (!group) {
          group = { values, totals: sums.map(() => undefined) }
          groups.set(key, group)
        }
        for (const [index, { of }] of sums.entries()) {
          const amount = of ? toNumber(of(row)) : 1
          if (amount !== undefined) group.totals[index] = (group.totals[index] ?? 0) + amount
        }
      },
      rows: () =>
        [...groups.values()].map(({ values, totals }) => [
          ...keys.flatMap(({ alias }, index) => field(alias, values[index])),
          ...sums.flatMap(({ alias, of }, index) =>
            field(alias, of ? asDouble(totals[index]) : totals[index]),
          ),
        ]),
    }
  }
}

/** A missing value has no field in its row. */
function field(name: string, value: Value): Field[] {
  return value === undefined ? [] : [{ field: name, value: String(value) }]
}

/** Writes large sums in scientific notation, as AWS does. */
function asDouble(value: number | undefined): string | undefined {
  if (value === undefined) return undefined
  if (value < 1e7) return String(value)
  const [digits = '', exponent = '0'] = value.toExponential().split('e+')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent}`
}

class Parser {
  readonly #tokens: string[]
  #at = 0

  constructor(source: string) {
    this.#tokens =
      source.match(/"[^"]*"|'[^']*'|[<>!]=|\d+(?:\.\d+)?[a-z]*|[@\w][\w.@]*|[^\s\w]/g) ?? []
  }

  word(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new QuerySyntaxError('unexpected end')
    return token
  }

  number(): number {
    const value = Number(this.word())
    if (!Number.isInteger(value)) throw new QuerySyntaxError('a number was expected')
    return value
  }

  skip(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false
    this.#at++
    return true
  }

  end(): void {
    const token = this.#tokens[this.#at]
    if (token !== undefined) throw new QuerySyntaxError(`unexpected ${token}`)
  }

  /** Parses `expression [as alias]`, separated by commas. */
  list<T>(read: (alias: string, expression: Expression, source: string) => T): T[] {
    const items: T[] = []
    do {
      const start = this.#at
      const expression = this.expression()
      const source = this.#tokens.slice(start, this.#at).join('')
      items.push(read(this.skip('as') ? this.word() : source, expression, source))
    } while (this.skip(','))
    return items
  }

  /** Parses comparisons joined by `and`. The queries of this project do not use `or`. */
  expression(): Expression {
    let left = this.#comparison()
    while (this.skip('and')) {
      const [a, b] = [left, this.#comparison()]
      left = (row) => a(row) === true && b(row) === true
    }
    return left
  }

  #comparison(): Expression {
    const left = this.#operand()
    for (const [operator, holds] of comparisons) {
      if (!this.skip(operator)) continue
      const right = this.#operand()
      return (row) => {
        const [a, b] = [scalar(left(row)), scalar(right(row))]
        return a !== undefined && b !== undefined && holds(a, b)
      }
    }
    return left
  }

  #operand(): Expression {
    const token = this.word()
    if (/^["']/.test(token)) return () => token.slice(1, -1)
    if (/^\d/.test(token)) {
      const value = /[a-z]$/.test(token) ? token : Number(token)
      return () => value
    }
    if (token === '*') return () => undefined
    if (!/^[@\w]/.test(token)) throw new QuerySyntaxError(`unexpected ${token}`)
    if (!this.skip('(')) return (row) => lookUp(row, token)
    const args: Expression[] = []
    while (!this.skip(')')) {
      args.push(this.expression())
      this.skip(',')
    }
    return call(token, args)
  }
}

type Scalar = string | number | boolean

const comparisons: [string, (a: Scalar, b: Scalar) => boolean][] = [
  ['>=', (a, b) => a >= b],
  ['<=', (a, b) => a <= b],
  ['!=', (a, b) => a !== b],
  ['=', (a, b) => a === b],
  ['<', (a, b) => a < b],
  ['>', (a, b) => a > b],
]

function call(name: string, args: Expression[]): Expression {
  const [first = () => undefined, second = () => undefined, third] = args
  switch (name) {
    case 'count':
    case 'sum':
      // The command stats reads these again, because only it may contain them.
      return () => undefined
    case 'toMillis':
      return (row) => toNumber(first(row))
    case 'bin':
      return (row) => floorTime(row.event.timestamp, first(row))
    case 'jsonParse':
      return (row) => parseStructure(first(row))
    case 'substr':
      return (row) => {
        const text = first(row)
        if (typeof text !== 'string') return undefined
        const start = Number(second(row))
        return text.slice(start, third ? start + Number(third(row)) : undefined)
      }
    default:
      throw new QuerySyntaxError(`unknown function ${name}`)
  }
}

function floorTime(time: number, period: Value): string {
  const [, count = '1', unit = ''] = /^(\d+)([a-z]+)$/.exec(String(period)) ?? []
  const length = periods[unit]
  if (!length) throw new QuerySyntaxError(`unknown period ${period}`)
  const step = Math.min(Number(count), caps[unit] ?? Number.POSITIVE_INFINITY) * length
  return new Date(time - (time % step)).toISOString().replace('T', ' ').replace('Z', '')
}

function lookUp(row: Row, name: string): Value {
  if (name === '@timestamp') return row.event.timestamp
  if (name === '@message') return row.event.message
  if (row.aliases.has(name)) return row.aliases.get(name)
  const [head = '', ...path] = name.split('.')
  if (row.aliases.has(head)) return descend(row.aliases.get(head), path)
  row.discovered ??= discover(row.event.message)
  return row.discovered.get(name)
}

function descend(value: Value, path: readonly string[]): Value {
  let found: unknown = value
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return found === null ? undefined : (found as Value)
}

function discover(message: string): Map<string, Value> {
  const found = new Map<string, Value>()
  const visit = (value: unknown, path: string): void => {
    if (found.size >= discoveredFields) return
    if (typeof value !== 'object' || value === null) {
      found.set(path, value === null ? undefined : (value as Value))
    } else {
      for (const [name, inner] of Object.entries(value))
        visit(inner, path ? `${path}.${name}` : name)
    }
  }
  const parsed = parseStructure(message)
  if (parsed) visit(parsed, '')
  return found
}

/** Returns a map or a list, or empty; it never fails. */
function parseStructure(value: Value): object | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}

/** Functions and comparisons treat maps and lists as empty. */
function scalar(value: Value): Scalar | undefined {
  return typeof value === 'object' ? undefined : value
}

function toNumber(value: Value): number | undefined {
  if (typeof value === 'number') return value
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  return Number.isNaN(number) ? undefined : number
}
