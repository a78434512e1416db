/** The type of a command, for the prompt and the command line. */

import type { ClientContext } from '../client-context.ts'
import type { View } from '../output.ts'
import type { ExitCode } from '../problem.ts'
import { exitCodes, Problem } from '../problem.ts'

/** Options that belong to one command and not to the whole session. */
export interface CommandOptions {
  readonly save?: string | undefined
  readonly watch?: boolean | undefined
  /** Do not wait for the result of a task. */
  readonly detach?: boolean | undefined
  /** Seconds, as the user typed them. */
  readonly interval?: string | undefined
  readonly slow?: boolean | undefined
  readonly tool?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly args?: boolean | undefined
  readonly 'no-open'?: boolean | undefined
}

export interface Invocation {
  readonly context: ClientContext
  readonly signal: AbortSignal
  /** The words after the name of the command. Neither a shell nor the prompt changes them any more. */
  readonly words: readonly string[]
  readonly options: CommandOptions
  readonly view: View
}

/** An exit code, `quit`, or undefined after success. */
export type Outcome = ExitCode | 'quit' | undefined

export interface Command {
  /** Help shows the first name. Each name works at the prompt and on the command line. */
  readonly names: readonly [string, ...string[]]
  /** The arguments, as help shows them after the name. */
  readonly usage: string
  readonly summary: string
  readonly notes?: readonly string[]
  /**
   * `server`: on the command line it connects first and disconnects afterwards. `nothing`: it needs no
   * connection, or opens its own. `session`: it changes a session, so it exists only at the prompt.
   */
  readonly needs: 'server' | 'nothing' | 'session'
  /** Whether what the program's libraries write with `console` is printed: here it is the author's. */
  readonly keepsConsole?: boolean
  run(invocation: Invocation): Promise<Outcome> | Promise<void>
}

/** Creates the error for a command with missing arguments. */
export function wrongUsage({ names: [name], usage }: Command): Problem {
  return new Problem(`Usage: ${name} ${usage}`.trim(), { exit: exitCodes.usage })
}
