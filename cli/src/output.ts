/** Everything the client prints: results to stdout, the rest to stderr, nothing of a server's unfiltered. */

import type { Problem } from './problem.ts'

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly env: NodeJS.ProcessEnv
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export class Output {
  readonly json: boolean
  readonly #streams: Streams
  #around: (print: () => void) => void = (print) => print()
  #status: string | undefined

  constructor(streams: Streams, json = false) {
    this.#streams = streams
    this.json = json
  }

  /** Whether a person reads along at a terminal that can redraw a line. */
  get live(): boolean {
    const { env, stderr } = this.#streams
    return !this.json && stderr.isTTY === true && env.TERM !== 'dumb'
  }

  get columns(): number {
    return this.#streams.stderr.columns ?? 80
  }

  /** A result: what a script would read. */
  print(text: string): void {
    this.#write(() => this.#streams.stdout.write(`${text}\n`))
  }

  /** What happens meanwhile: notifications, hints, warnings. */
  note(text: string): void {
    this.#write(() => this.#streams.stderr.write(`${text}\n`))
  }

  /** With `--json` the only thing on stdout; always one document. */
  document(value: unknown): void {
    this.#streams.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
  }

  problem(problem: Problem): void {
    if (this.json) {
      const { message, next, exit } = problem
      this.document({ error: { message, ...(next !== undefined && { next }), exit } })
      return
    }
    this.note(this.style('red', printable(problem.message)))
    if (problem.next !== undefined) this.note(`→ ${printable(problem.next)}`)
  }

  /** Shows a line below everything else, redrawn in place; `undefined` removes it. Only where `live`. */
  status(text: string | undefined): void {
    if (!this.live) return
    this.#status = text
    this.#streams.stderr.write(`\r\u001b[K${text ?? ''}`)
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

  style(style: Style, text: string): string {
    if (!this.#colored) return text
    const [on, off] = codes[style]
    return `\u001b[${on}m${text}\u001b[${off}m`
  }

  /** https://no-color.org and https://force-color.org: set and not empty. */
  get #colored(): boolean {
    const { env, stdout, stderr } = this.#streams
    if (env.NO_COLOR) return false
    if (env.FORCE_COLOR) return true
    return stdout.isTTY === true && stderr.isTTY === true && env.TERM !== 'dumb'
  }
}

/** Text of a server without what a terminal would obey: escape sequences can retype a prompt or lie. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose
  return text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�')
}

/** Two columns, the first as wide as its longest cell. */
export function table(rows: readonly (readonly [string, string])[], indent = '  '): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows
    .map(([left, right]) => `${indent}${left.padEnd(width)}  ${right}`.trimEnd())
    .join('\n')
}
