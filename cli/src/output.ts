/** Prints everything: results to stdout, the rest to stderr, and only text that is safe. */

import { tableText } from './data-table.ts'
import { filtered } from './filter.ts'
import type { Problem } from './problem.ts'
import type { Text } from './text.ts'
import { joined, jsonText, styled, text, wrapped } from './text.ts'
import { yamlText } from './yaml.ts'

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly env: NodeJS.ProcessEnv
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export const FORMATS = ['text', 'json', 'yaml', 'table'] as const
export type Format = (typeof FORMATS)[number]

/** How one result is shown. */
export interface View {
  readonly format: Format
  /** The path of the parts of the result to show, such as `.tools[].name`. */
  readonly filter?: string | undefined
}

export class Output {
  /** The view of the command line. At the prompt each command may choose another one. */
  readonly view: View
  readonly #streams: Streams
  #around: (print: () => void) => void = (print) => print()
  #status: Text | undefined

  constructor(streams: Streams, view: View = { format: 'text' }) {
    this.#streams = streams
    this.view = view
  }

  /** Whether a program reads stdout. Then only one document is printed there. */
  get forProgram(): boolean {
    return this.view.format === 'json' || this.view.format === 'yaml'
  }

  /** Whether a person reads at a terminal that can redraw a line. */
  get live(): boolean {
    const { env, stderr } = this.#streams
    return !this.forProgram && stderr.isTTY === true && env.TERM !== 'dumb'
  }

  get columns(): number {
    return this.#streams.stderr.columns ?? 80
  }

  /** The terminal's environment variables, which tell what it can show. */
  get terminal(): NodeJS.ProcessEnv | undefined {
    return this.#streams.stdout.isTTY === true && this.live ? this.#streams.env : undefined
  }

  /** Breaks lines at blanks for a person at a terminal. A program gets every line whole. */
  wrap(value: Text, indent = ''): Text {
    return this.terminal === undefined ? value : wrapped(value, this.columns, indent)
  }

  /** Prints a result to stdout. */
  print(line: Text): void {
    this.#write(() => this.#streams.stdout.write(`${line}\n`))
  }

  /** Prints notifications, hints and warnings to stderr. */
  note(line: Text): void {
    this.#write(() => this.#streams.stderr.write(`${line}\n`))
  }

  /** Prints an escape sequence that this program has created, such as an image. */
  control(sequence: string): void {
    this.#write(() => this.#streams.stdout.write(`${sequence}\n`))
  }

  /** Prints a result in the format that the user chose; `render` turns it into text for a person. */
  result(value: unknown, render: () => Text, view: View = this.view): void {
    const chosen = view.filter === undefined ? value : filtered(value, view.filter)
    if (view.format === 'json') this.print(jsonText(chosen))
    else if (view.format === 'yaml') this.print(yamlText(chosen))
    else if (view.format === 'table') this.print(tableText(chosen))
    else this.print(view.filter === undefined ? render() : plainText(chosen))
  }

  problem(problem: Problem): void {
    const { message, next, exit } = problem
    if (this.forProgram) {
      const error = { message, ...(next !== undefined && { next }), exit }
      this.result({ error }, () => text``, { format: this.view.format })
      return
    }
    this.note(this.wrap(this.style('red', message)))
    if (next !== undefined) this.note(this.wrap(text`→ ${next}`, '  '))
  }

  /** Shows a line below everything else and redraws it in place; `undefined` removes it. Does nothing unless `live`. */
  status(line: Text | undefined): void {
    if (!this.live) return
    this.#status = line
    this.#streams.stderr.write(`\r\u001b[K${line ?? ''}`)
  }

  /** Wraps each print, so that an interactive prompt can remove its line before it and draw it again after it. */
  surround(around: (print: () => void) => void): void {
    this.#around = around
  }

  #write(print: () => void): void {
    const status = this.#status
    this.status(undefined)
    this.#around(print)
    if (status !== undefined) this.status(status)
  }

  style(style: Style, value: Text | string): Text {
    return this.#colored ? styled(CODES[style], value) : text`${value}`
  }

  /** Whether a variable is set and not empty, as https://no-color.org and https://force-color.org define it. */
  get #colored(): boolean {
    const { env, stdout, stderr } = this.#streams
    if (env.NO_COLOR) return false
    if (env.FORCE_COLOR) return true
    return stdout.isTTY === true && stderr.isTTY === true && env.TERM !== 'dumb'
  }
}

/** Writes strings as they are, one per line, and all other values as JSON. */
function plainText(value: unknown): Text {
  const all = Array.isArray(value) ? value : [value]
  return joined(all.map((one) => (typeof one === 'string' ? text`${one}` : jsonText(one))))
}
