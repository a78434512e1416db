/** Everything that `dev` prints. */

import { basename, relative } from 'node:path'
import type { Output } from '../output.ts'
import type { Problem } from '../problem.ts'
import type { Text } from '../text.ts'
import { block, fitted, joined, jsonText, text } from '../text.ts'
import type { ShownCall, ShownOutcome } from './call-log.ts'
import { codeErrorText, placedText, placeOf } from './code-error.ts'
import type { TypeMistake } from './type-check.ts'

/** Type errors that are shown at once. */
const MOST_MISTAKES = 10

/** Clients send them by themselves, so they are less loud than calls. */
const QUIET = /^(?:initialize|ping|server\/|logging\/|.*\/list$|subscriptions\/)/

export class Screen {
  readonly #output: Output
  readonly #entry: string
  #typesFailed = false
  showsArguments: boolean

  constructor(output: Output, entry: string, showsArguments: boolean) {
    this.#output = output
    this.#entry = entry
    this.showsArguments = showsArguments
  }

  line(line: Text | string): void {
    this.#output.print(text`${line}`)
  }

  started(url: string, counts: string | undefined, hasKeys: boolean): void {
    const output = this.#output
    const offer = counts === undefined ? '' : `: ${counts}`
    output.print(text`${output.style('bold', basename(this.#entry))} is served${offer}`)
    output.print(text`  ${output.style('cyan', url)}`)
    if (hasKeys) {
      output.print(output.style('dim', '  a + Enter: arguments · r: reload · o: open · q: end'))
    }
  }

  reloaded(paths: readonly string[], milliseconds: number, words: readonly string[]): void {
    const names = paths.map((path) => relative(process.cwd(), path) || path).join(', ')
    const took = this.#output.style('dim', `${Math.round(milliseconds)} ms`)
    const what = words.length === 0 ? '' : `  ${words.join('  ')}`
    this.line(text`${this.#output.style('green', '↻')} ${names}  ${took}${what}`)
  }

  /** `hasServer` says whether a version from before is still served. */
  broken(error: unknown, hasServer: boolean): void {
    const mark = this.#output.style('red', '✗')
    const rest = hasServer
      ? 'the last version that worked is still served'
      : 'a change is waited for'
    this.line(text`${mark} ${basename(this.#entry)} cannot be served; ${rest}`)
    this.line(codeErrorText(error, this.#entry, this.#output))
    const { next } = error as Partial<Problem>
    if (next !== undefined) this.line(text`  → ${next}`)
  }

  /** An exception outside of any call. The server goes on. */
  stray(error: unknown): void {
    this.line(text`${this.#output.style('red', '✗')} An exception outside of any call`)
    this.line(codeErrorText(error, this.#entry, this.#output))
  }

  types(mistakes: readonly TypeMistake[]): void {
    const output = this.#output
    if (mistakes.length === 0) {
      if (this.#typesFailed)
        this.line(text`${output.style('green', '✓')} The types are right again`)
      this.#typesFailed = false
      return
    }
    this.#typesFailed = true
    const count = mistakes.length === 1 ? '1 type error' : `${mistakes.length} type errors`
    this.line(text`${output.style('yellow', '!')} ${count}; the server runs nevertheless`)
    for (const { message, place } of mistakes.slice(0, MOST_MISTAKES)) {
      this.line(placedText(message, place, output))
    }
    const more = mistakes.length - MOST_MISTAKES
    if (more > 0) this.line(text`  and ${more} more: npx tsc --noEmit`)
  }

  call(call: ShownCall, { milliseconds, failure }: ShownOutcome): void {
    const output = this.#output
    const { method, target, revision = '', args } = call
    const quiet = QUIET.test(method) && failure === undefined
    const name =
      target === undefined ? text`${method}` : text`${method} ${output.style('bold', target)}`
    const took = `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`
    const mark = failure === undefined ? output.style('green', '✓') : output.style('red', '✗')
    const facts = output.style('dim', `${took} ${revision}`.trim())
    const time = output.style('dim', new Date().toTimeString().slice(0, 8))
    const shown = quiet ? output.style('dim', `${method} ${target ?? ''}`.trim()) : name
    this.line(text`${time} ${mark} ${shown}  ${facts}`)
    if (failure !== undefined) this.line(text`         ${output.style('red', failure)}`)
    if (this.showsArguments && args !== undefined) {
      const json = text`         ${jsonText(args, 0)}`
      this.line(output.live ? fitted(json, output.columns * 3) : json)
    }
  }

  /** A line that the library logs: JSON with a level and a message. False where it is another text. */
  logged(value: unknown): boolean {
    if (typeof value !== 'string' || !value.startsWith('{')) return false
    try {
      const { level, message, error } = JSON.parse(value) as Record<string, unknown>
      if (typeof level !== 'string' || typeof message !== 'string') return false
      const stack = typeof error === 'string' ? error : ''
      const [first = ''] = stack.split('\n')
      const said = joined([text`${message}`, ...(first ? [block(first)] : [])], ' ')
      this.line(placedText(`${level}: ${said}`, placeOf(stack, this.#entry), this.#output))
      return true
    } catch {
      return false
    }
  }
}
