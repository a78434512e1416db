/** Everything the client prints: results to stdout, the rest to stderr, and only text that is safe. */

import { tableText } from './data-table.ts'
import { filtered } from './filter.ts'
import type { Problem } from './problem.ts'
import type { Text } from './text.ts'
import { joined, jsonText, styled, text } from './text.ts'
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

export const formats = ['text', 'json', 'yaml', 'table'] as const
export type Format = (typeof formats)[number]

/** How one result is shown. */
export interface View {
  readonly format: Format
  /** Only these parts of the result, such as `.tools[].name`. */
  readonly filter?: string | undefined
}

export class Output {
  /** The view of the command line; at the prompt each command may choose another one. */
  readonly view: View
  readonly #streams: Streams
  #around: (print: () => void) => void = (print) => print()
  #status: Text | undefined

  constructor(streams: Streams, view: View = { format: 'text' }) {
    this.#streams = streams
    this.view = view
  }

  /** Whether a program reads stdout, which then gets one document and nothing else. */
  get forProgram(): boolean {
    return this.view.format === 'json' || this.view.format === 'yaml'
  }

  /** Whether a person reads along at a terminal that can redraw a line. */
  get live(): boolean {
    const { env, stderr } = this.#streams
    return !this.forProgram && stderr.isTTY === true && env.TERM !== 'dumb'
  }

  get columns(): number {
    return this.#streams.stderr.columns ?? 80
  }

  /** Environment of the terminal, for what only some terminals can show. */
  get terminal(): NodeJS.ProcessEnv | undefined {
    return this.#streams.stdout.isTTY === true && this.live ? this.#streams.env : undefined
  }

  /** A result, as a script reads it. */
  print(line: Text): void {
    this.#write(() => this.#streams.stdout.write(`${line}\n`))
  }

  /** Notifications, hints and warnings. */
  note(line: Text): void {
    this.#write(() => this.#streams.stderr.write(`${line}\n`))
  }

  /** An escape sequence that this program has made itself, such as an image. */
  control(sequence: string): void {
    this.#write(() => this.#streams.stdout.write(`${sequence}\n`))
  }

  /** A result in the form that the user chose; `render` makes it text for a person. */
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
    this.note(this.style('red', message))
    if (next !== undefined) this.note(text`→ ${next}`)
  }

  /** Shows a line below everything else, redrawn in place; `undefined` removes it. Only where `live`. */
  status(line: Text | undefined): void {
    if (!this.live) return
    this.#status = line
    this.#streams.stderr.write(`\r\u001b[K${line ?? ''}`)
  }

  /** Lets an interactive prompt step aside for each print and come back after it. */
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

  /** https://no-color.org and https://force-color.org: set and not empty. */
  get #colored(): boolean {
    const { env, stdout, stderr } = this.#streams
    if (env.NO_COLOR) return false
    if (env.FORCE_COLOR) return true
    return stdout.isTTY === true && stderr.isTTY === true && env.TERM !== 'dumb'
  }
}

/** Strings as they are, one a line; everything else as JSON. */
function plainText(value: unknown): Text {
  const all = Array.isArray(value) ? value : [value]
  return joined(all.map((one) => (typeof one === 'string' ? text`${one}` : jsonText(one))))
}
