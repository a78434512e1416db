/** The line editor at the terminal: reads commands and answers, with history and Tab, and prints text above the line. */

import { clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import type { Interface } from 'node:readline/promises'
import { createInterface } from 'node:readline/promises'
import { holdsSecret } from './debug.ts'
import type { Output } from './output.ts'
import type { Text } from './text.ts'

export interface PromptOptions {
  readonly input: NodeJS.ReadableStream & { isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean }
  readonly output: Output
  /** Oldest first. */
  readonly history: readonly string[]
  readonly remember: (line: string) => void
  readonly complete: (line: string) => Promise<[string[], string]>
  readonly interrupted: () => void
}

interface Waiting {
  readonly kind: 'command' | 'answer'
  resolve(line: string | undefined): void
}

export class Prompt {
  /** Whether a person types. Otherwise lines come from a pipe and are not echoed. */
  readonly terminal: boolean
  readonly #options: PromptOptions
  readonly #interface: Interface
  readonly #typedAhead: string[] = []
  #waiting: Waiting | undefined
  #closed = false
  #hidden = false

  constructor(options: PromptOptions) {
    this.#options = options
    this.terminal = options.input.isTTY === true && options.stdout.isTTY === true
    this.#interface = createInterface({
      input: options.input,
      ...(this.terminal && { output: this.#screen() }),
      terminal: this.terminal,
      history: [...options.history].reverse(),
      historySize: 1_000,
      removeHistoryDuplicates: true,
      completer: async (line: string): Promise<[string[], string]> =>
        this.#waiting?.kind === 'command' ? options.complete(line) : [[], line],
    })
    this.#interface.on('history', (history: string[]) => this.#filter(history))
    this.#interface.on('line', (line) => this.#entered(line))
    this.#interface.on('SIGINT', () => options.interrupted())
    this.#interface.on('close', () => {
      this.#closed = true
      this.#take()?.resolve(undefined)
    })
    options.output.surround((print) => this.#above(print))
  }

  /** Reads the next command; undefined at the end of input. */
  command(prompt: string): Promise<string | undefined> {
    return this.#next('command', prompt)
  }

  /** Cancels the open question. Returns whether there was one. */
  cancelQuestion(): boolean {
    if (this.#waiting?.kind !== 'answer') return false
    this.#abandon()
    return true
  }

  /**
   * Reads the answer to a question. It is not kept in the history, and with `hidden` not shown while the
   * user types. Rejects when `signal` aborts.
   */
  async answer(
    question: Text,
    signal: AbortSignal,
    { hidden = false }: { readonly hidden?: boolean } = {},
  ): Promise<string> {
    signal.throwIfAborted()
    // Text that was typed before the question is not its answer.
    if (this.terminal) this.#typedAhead.length = 0
    this.#hidden = hidden
    const answer = this.#next('answer', question.toString())
    const abort = (): void => this.#abandon()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const line = await answer
      signal.throwIfAborted()
      if (line === undefined) throw new Error('The question was not answered.')
      return line
    } finally {
      this.#hidden = false
      signal.removeEventListener('abort', abort)
    }
  }

  /** Yields the remaining lines, for a command that reads standard input. */
  async rest(): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.#next('answer', '')
      if (line === undefined) return lines
      lines.push(line)
    }
  }

  /** The text that was typed so far. */
  get line(): string {
    return this.#interface.line
  }

  clearLine(): void {
    this.#interface.write(null, { ctrl: true, name: 'e' })
    this.#interface.write(null, { ctrl: true, name: 'u' })
  }

  close(): void {
    this.#options.output.surround((print) => print())
    this.#interface.close()
  }

  #next(kind: Waiting['kind'], prompt: string): Promise<string | undefined> {
    const ahead = this.#typedAhead.shift()
    if (ahead !== undefined) return Promise.resolve(ahead)
    if (this.#closed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#waiting = { kind, resolve }
      this.#interface.setPrompt(prompt)
      if (this.terminal) this.#interface.prompt()
    })
  }

  #abandon(): void {
    const waiting = this.#take()
    if (waiting === undefined) return
    this.clearLine()
    waiting.resolve(undefined)
    if (this.terminal) this.#options.stdout.write('\n')
  }

  #take(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting
  }

  #entered(line: string): void {
    const waiting = this.#take()
    if (waiting === undefined) this.#typedAhead.push(line)
    else waiting.resolve(line)
  }

  /** Is called before `line` is delivered, with the new line as the newest. */
  #filter(history: string[]): void {
    const [line] = history
    if (line === undefined) return
    if (this.#waiting?.kind === 'answer' || holdsSecret(line)) history.shift()
    else this.#options.remember(line)
  }

  /** The terminal for the line editor. While an answer is hidden, only line breaks are printed. */
  #screen(): NodeJS.WritableStream {
    const { stdout } = this.#options
    return new Proxy(stdout, {
      get: (target, name) => {
        if (name !== 'write') return bound(target, name)
        return (chunk: string | Uint8Array, ...rest: never[]) => {
          const typed = this.#hidden && this.#interface !== undefined && this.#interface.line !== ''
          return target.write(typed ? '' : chunk, ...rest)
        }
      },
    })
  }

  #above(print: () => void): void {
    if (!this.terminal || this.#waiting === undefined) {
      print()
      return
    }
    const { stdout } = this.#options
    moveCursor(stdout, 0, -this.#interface.getCursorPos().rows)
    cursorTo(stdout, 0)
    clearScreenDown(stdout)
    print()
    this.#interface.prompt(true)
  }
}

/** Returns a member of the real stream. Its methods are bound, because they need the real stream as `this`. */
function bound(target: NodeJS.WritableStream, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
