/** `__complete`: the command that the completion scripts of the shells run. It prints one candidate per line. */

import { noAnswers } from './answers.ts'
import { createClientContext, redirectConsole } from './client-context.ts'
import { COMMAND_NAMES } from './commands/table.ts'
import { completeWord } from './completion.ts'
import type { Host } from './host.ts'
import { optionNames, VALUE_OPTIONS } from './options.ts'
import { FORMATS, Output } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes } from './problem.ts'
import { LOG_LEVELS, readSettings } from './settings.ts'
import { joined, text } from './text.ts'

/** The longest time that a shell waits after Tab, in milliseconds. */
const TIME_LIMIT = 3_000

const OPTION_VALUES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['--output', FORMATS],
  ['--era', ['auto', 'legacy', 'modern']],
  ['--log-level', LOG_LEVELS],
  ['--answer', ['decline', 'defaults']],
])

/** Completes the last word. It never fails: without candidates the shell shows nothing. */
export async function completeWords(words: readonly string[], host: Host): Promise<ExitCode> {
  const last = words.at(-1) ?? ''
  const found = (await candidates(words, host).catch(() => [])).filter((one) =>
    one.startsWith(last),
  )
  if (found.length > 0) {
    new Output(host).print(joined(found.map((one) => text`${one.trimEnd()}`)))
  }
  return exitCodes.ok
}

async function candidates(words: readonly string[], host: Host): Promise<readonly string[]> {
  const last = words.at(-1) ?? ''
  const before = words.at(-2) ?? ''
  if (VALUE_OPTIONS.has(before)) return OPTION_VALUES.get(before) ?? []
  if (last.startsWith('-')) return optionNames
  const plain = words.filter((word, index) => {
    return !word.startsWith('--') && !VALUE_OPTIONS.has(words[index - 1] ?? '')
  })
  if (plain.length <= 1) return COMMAND_NAMES
  const at = words.indexOf('--url')
  const settings = readSettings(host.env, at === -1 ? {} : { url: words[at + 1] })
  const output = new Output(host, { format: 'json' })
  redirectConsole(settings, output)
  const signal = AbortSignal.any([host.signal, AbortSignal.timeout(TIME_LIMIT)])
  const context = createClientContext({
    settings,
    output,
    responder: noAnswers,
    showLoginPage: async () => undefined,
    loginWhenNeeded: false,
    listen: false,
    interactive: false,
    readInput: async () => '',
    timeout: TIME_LIMIT,
  })
  const { connection } = context
  try {
    const connect = async () => connection.client ?? connection.open(signal)
    const taskIds = async () =>
      (await context.operation(signal).tasks.all()).map(({ taskId }) => taskId)
    return await completeWord(plain, connect, taskIds)
  } finally {
    await connection.terminate().catch(() => false)
  }
}
