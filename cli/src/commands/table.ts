/** Every command under all its names: adding one is adding a row. */

import { devCommand } from '../dev/command.ts'
import { doctorCommand } from '../doctor/command.ts'
import type { Output } from '../output.ts'
import { exitCodes, Problem } from '../problem.ts'
import { didYouMean } from '../suggest.ts'
import type { Text } from '../text.ts'
import { joined, listing, text } from '../text.ts'
import type { Command } from './command.ts'
import { SERVER_COMMANDS } from './server-commands.ts'
import { CONNECTION_COMMANDS, quit, SETTING_COMMANDS } from './session-commands.ts'
import { shellCompletion } from './shell-completion.ts'
import { TASK_COMMANDS } from './task-commands.ts'

const help: Command = {
  names: ['help'],
  usage: '[command]',
  summary: 'this list, or more about one command',
  needs: 'nothing',
  run: async ({ context, words }) => {
    const [name] = words
    const { output } = context
    output.print(name === undefined ? commandsText(output) : aboutText(findCommand(name), output))
  },
}

export const COMMANDS: readonly Command[] = [
  ...CONNECTION_COMMANDS,
  ...SERVER_COMMANDS,
  ...TASK_COMMANDS,
  ...SETTING_COMMANDS,
  devCommand,
  doctorCommand,
  shellCompletion,
  help,
  quit,
]

/** A Map, because `constructor` is not a command. */
const BY_NAME: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((command) => command.names.map((name) => [name, command] as const)),
)

export const COMMAND_NAMES: readonly string[] = [...BY_NAME.keys()]

export function findCommand(name: string): Command {
  const command = BY_NAME.get(name)
  if (command !== undefined) return command
  throw new Problem(`There is no command "${name}".`, {
    exit: exitCodes.usage,
    next: didYouMean(name, COMMAND_NAMES) ?? 'Type `help` for the list.',
  })
}

function commandsText({ columns }: Output): Text {
  return listing(
    COMMANDS.map(({ names, usage, summary }) => [`${names.join(', ')} ${usage}`.trim(), summary]),
    columns,
  )
}

function aboutText(command: Command, output: Output): Text {
  const { names, usage, summary, notes = [] } = command
  const lines = [`${names.join(', ')} ${usage}`.trim(), summary, ...notes]
  return joined(lines.map((line) => output.wrap(text`${line}`)))
}
