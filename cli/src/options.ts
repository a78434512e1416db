/** The options of the command line, and the options that a command at the prompt may have. */

import { parseArgs } from 'node:util'
import type { CommandOptions } from './commands/command.ts'
import type { Format, View } from './output.ts'
import { FORMATS } from './output.ts'
import { exitCodes, Problem } from './problem.ts'
import { oneOf } from './settings.ts'
import { didYouMean } from './suggest.ts'

const COMMAND_OPTIONS = {
  save: { type: 'string' },
  watch: { type: 'boolean' },
  detach: { type: 'boolean' },
  interval: { type: 'string' },
  slow: { type: 'boolean' },
  tool: { type: 'string' },
  json: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  filter: { type: 'string' },
} as const

const OPTIONS = {
  ...COMMAND_OPTIONS,
  // Of the command `dev`, which is not at the prompt.
  port: { type: 'string' },
  host: { type: 'string' },
  args: { type: 'boolean' },
  'no-open': { type: 'boolean' },
  url: { type: 'string' },
  era: { type: 'string' },
  timeout: { type: 'string' },
  answer: { type: 'string' },
  login: { type: 'boolean' },
  'log-level': { type: 'string' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

export const optionNames: readonly string[] = Object.keys(OPTIONS).map((name) => `--${name}`)

/** The options whose value is the next word. */
export const VALUE_OPTIONS: ReadonlySet<string> = new Set(
  Object.entries(OPTIONS).flatMap(([name, { type }]) => (type === 'string' ? [`--${name}`] : [])),
)

export type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

export function parseCommandLine(args: readonly string[]): {
  values: Values
  positionals: string[]
} {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const [, unknown] = /^Unknown option '(--[\w-]+)/.exec(message) ?? []
    const meant = unknown === undefined ? undefined : didYouMean(unknown, optionNames)
    throw new Problem(message.split('. To specify', 1)[0] ?? message, {
      exit: exitCodes.usage,
      next: meant ?? 'Run `streamable-mcp --help`.',
    })
  }
}

interface ViewOptions {
  readonly json?: boolean | undefined
  readonly output?: string | undefined
  readonly filter?: string | undefined
}

export function viewOf({ json, output, filter }: ViewOptions): View {
  const format: Format = json ? 'json' : oneOf(FORMATS, output ?? 'text', '--output')
  return { format, ...(filter !== undefined && { filter }) }
}

export interface TakenOptions {
  readonly words: readonly string[]
  readonly options: CommandOptions
  readonly view: View
}

/**
 * Removes the options of one command from the words at the prompt. Words that only look like an option
 * stay, because at the prompt they are usually part of a text.
 */
export function takeOptions(given: readonly string[], view: View): TakenOptions {
  const words: string[] = []
  const found: Record<string, string | boolean> = {}
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? ''
    const [, name = '', inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(word) ?? []
    const option = Object.entries(COMMAND_OPTIONS).find(([key]) => key === name)?.[1]
    if (option === undefined) words.push(word)
    else if (option.type === 'boolean') found[name] = true
    else {
      const value = inline ?? given[++index]
      if (value === undefined) {
        throw new Problem(`--${name} needs a value.`, { exit: exitCodes.usage })
      }
      found[name] = value
    }
  }
  const { json, output, filter, ...options } = found as CommandOptions & ViewOptions
  const chosen = json || output !== undefined || filter !== undefined
  return { words, options, view: chosen ? viewOf({ json, output, filter }) : view }
}
