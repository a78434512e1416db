/** The arguments of a tool or a prompt as they are typed: JSON, `name=value`, files and standard input. */

import { readFile } from 'node:fs/promises'
import type { Tool } from '@modelcontextprotocol/client'
import { isObject } from './json.ts'
import { exitCodes, Problem } from './problem.ts'

export interface ArgumentSources {
  /** Reads everything on standard input. It can be called once. */
  readonly readInput: () => Promise<string>
}

/**
 * Reads arguments from words. Neither a shell nor the prompt changes the words any more:
 * `{…}`, `@file` and `-` are the whole object; `name=value` is text, or what the schema of the tool
 * says; `name:=json` is JSON; `name=@file` and `name:=@file` take the value from a file.
 */
export async function readArguments(
  words: readonly string[],
  tool: Tool | undefined,
  { readInput }: ArgumentSources,
): Promise<Record<string, unknown>> {
  const [first = '', ...others] = words
  if (others.length === 0) {
    if (first === '') return {}
    if (first.trimStart().startsWith('{')) return parseObject(first, 'The arguments are')
    if (first === '-') return parseObject(await readInput(), 'Standard input is')
    if (first.startsWith('@')) {
      const path = first.slice(1)
      return parseObject(await textOf(path, readInput), `The file ${path} is`)
    }
  }
  const properties = (tool?.inputSchema.properties ?? {}) as Record<string, { type?: unknown }>
  const entries: [string, unknown][] = []
  for (const word of words) {
    const [, name, operator, value = ''] = /^([^=]+?)(:?=)(.*)$/s.exec(word) ?? []
    if (name === undefined) {
      throw new Problem(`"${word}" is not name=value.`, {
        exit: exitCodes.usage,
        next: HOW_TO_WRITE,
      })
    }
    const given = value.startsWith('@') ? await textOf(value.slice(1), readInput) : value
    entries.push([
      name,
      operator === ':=' ? parseValue(given, name) : typed(given, properties[name]),
    ])
  }
  return Object.fromEntries(entries)
}

const HOW_TO_WRITE = 'Write {"name": "value"}, name=value, or name:=json.'

async function textOf(path: string, readInput: ArgumentSources['readInput']): Promise<string> {
  if (path === '-') return readInput()
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new Problem(`The file ${path} cannot be read: ${(cause as Error).message}.`, {
      exit: exitCodes.usage,
      next: `A value that begins with @ names a file. For the text itself write name:='"@…"'.`,
      cause,
    })
  }
}

function parseObject(json: string, what: string): Record<string, unknown> {
  const value = parse(json, what)
  if (isObject(value)) return value
  throw new Problem(`${what} no JSON object.`, { exit: exitCodes.usage, next: HOW_TO_WRITE })
}

function parseValue(json: string, name: string): unknown {
  return parse(json, `The value of "${name}" is`)
}

function parse(json: string, what: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new Problem(`${what} not valid JSON: ${(cause as Error).message}.`, {
      exit: exitCodes.usage,
      next: HOW_TO_WRITE,
      cause,
    })
  }
}

/** Keeps a word as text unless the schema wants another type, because `123` may be a name. */
function typed(value: string, schema: { type?: unknown } | undefined): unknown {
  const types = [schema?.type].flat()
  if (schema?.type === undefined || types.includes('string')) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/**
 * Splits a line at the prompt into words. Quotes keep blanks together if they surround a whole word or
 * value; elsewhere, as in `name=it's`, a quote is a letter. JSON at the beginning of a word or a value
 * ends at its closing bracket, and may contain quotes.
 */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let rest = line.trim()
  while (rest !== '') {
    const [, name = '', tail = ''] = /^([^\s"'={[]+:?=)?(.*)$/s.exec(rest) ?? []
    const value = jsonAt(tail) ?? quotedAt(tail) ?? plainAt(tail)
    words.push(name + value.text)
    rest = tail.slice(value.length).trimStart()
  }
  return words
}

interface Piece {
  readonly text: string
  /** The number of characters of the line that it takes. */
  readonly length: number
}

function plainAt(line: string): Piece {
  const [text = ''] = /^\S*/.exec(line) ?? []
  return { text, length: text.length }
}

function quotedAt(line: string): Piece | undefined {
  const match = /^"((?:\\.|[^"\\])*)"(?!\S)|^'([^']*)'(?!\S)/s.exec(line)
  if (match === null) return undefined
  const [whole, double, single = ''] = match
  return { text: double?.replace(/\\(.)/gs, '$1') ?? single, length: whole.length }
}

/** Without a closing bracket JSON takes the rest of the line, and the JSON parser reports the error. */
function jsonAt(line: string): Piece | undefined {
  if (!/^[{[]/.test(line)) return undefined
  let depth = 0
  for (const { 0: token, index } of line.matchAll(/"(?:\\.|[^"\\])*"|[{}[\]]/gs)) {
    if (token === '{' || token === '[') depth += 1
    if (token === '}' || token === ']') depth -= 1
    if (depth === 0) return { text: line.slice(0, index + 1), length: index + 1 }
  }
  return { text: line, length: line.length }
}
