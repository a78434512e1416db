/** An error of the author's code as text: what is wrong, in which file and line, and the line itself. */

import { readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Output } from '../output.ts'
import type { Text } from '../text.ts'
import { block, joined, text } from '../text.ts'

export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
}

/** The part of a stack frame that names a place. A generation may follow the path. */
const FRAME = /(?:\(|at |^)((?:file:\/\/)?[^\s()]+?)(?:\?[^\s:]*)?:(\d+):(\d+)\)?$/

/** How esbuild writes a mistake in the syntax: `/path/server.ts:3:9: ERROR: Unexpected "="`. */
const SYNTAX = /^(.+?)(?:\?[^:]*)?:(\d+):(\d+): ERROR: (.*)$/m

/** Writes an error for the terminal. */
export function codeErrorText(error: unknown, entry: string, output: Output): Text {
  const { message, place } = readCodeError(error, entry)
  return placedText(message, place, output)
}

/** Writes a message with its place, and the line of the source under it. */
export function placedText(message: string, place: Place | undefined, output: Output): Text {
  const red = output.style('red', block(message))
  if (place === undefined) return text`  ${red}`
  const { path, line, column } = place
  const at = output.style('cyan', `${relative(process.cwd(), path)}:${line}:${column}`)
  const source = lineOf(path, line)
  const lines = [text`  ${at}  ${red}`]
  if (source !== undefined) {
    const number = String(line)
    lines.push(
      text`    ${output.style('dim', `${number} |`)} ${source}`,
      text`    ${output.style('dim', `${' '.repeat(number.length)} |`)} ${' '.repeat(Math.max(0, column - 1))}${output.style('red', '^')}`,
    )
  }
  return joined(lines)
}

/** The message of an error, and its first place in the author's files. */
export function readCodeError(
  error: unknown,
  entry: string,
): { message: string; place: Place | undefined } {
  if (!(error instanceof Error)) return { message: String(error), place: undefined }
  const [, path = '', line, column, what = ''] = SYNTAX.exec(error.message) ?? []
  // In messages of esbuild, columns begin at 0.
  if (line)
    return { message: what, place: { path, line: Number(line), column: Number(column) + 1 } }
  const message = error.name === 'Error' ? error.message : `${error.name}: ${error.message}`
  return {
    message: message.replaceAll(/(?:\?|%3F)(?:dev|tsx)[^\s']*/g, ''),
    place: missingImport(error) ?? placeOf(error.stack, entry),
  }
}

/** The first frame in the author's project; otherwise the first frame outside of packages and of Node. */
export function placeOf(stack: string | undefined, entry: string): Place | undefined {
  const places = (stack ?? '').split('\n').flatMap((row) => toPlace(row.trim()) ?? [])
  const outside = places.filter(({ path }) => !path.includes('/node_modules/'))
  return outside.find(({ path }) => path.startsWith(dirname(entry))) ?? outside[0]
}

function toPlace(row: string): Place | undefined {
  const [, where = '', line, column] = FRAME.exec(row) ?? []
  if (where.startsWith('node:') || !/^(?:file:|\/|[A-Za-z]:\\)/.test(where)) return undefined
  const path = where.startsWith('file:') ? fileURLToPath(where) : where
  return { path, line: Number(line), column: Number(column) }
}

/** An import that finds nothing has no frame in the file that imports. */
function missingImport(error: Error): Place | undefined {
  const pattern = /Cannot find (?:module|package) '([^']+)' imported from ([^\s?]+)/
  const [, name = '', from = ''] = pattern.exec(error.message) ?? []
  if (from === '') return undefined
  const path = from.startsWith('file:') ? fileURLToPath(from) : from
  const last =
    name
      .split('/')
      .at(-1)
      ?.replace(/\.\w+$/, '') ?? name
  const rows = sourceOf(path)?.split('\n') ?? []
  const index = rows.findIndex((row) => /\b(?:import|from)\b/.test(row) && row.includes(last))
  return { path, line: index + 1 || 1, column: 1 }
}

function lineOf(path: string, line: number): string | undefined {
  return sourceOf(path)?.split('\n')[line - 1]
}

function sourceOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
