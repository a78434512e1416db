/** What a command is, at the prompt and on the command line. */

import type { ClientContext } from '../client-context.ts'
import type { View } from '../output.ts'
import type { ExitCode } from '../problem.ts'
import { exitCodes, Problem } from '../problem.ts'

/** Options that belong to one command and not to the whole session. */
export interface CommandOptions {
  readonly save?: string | undefined
  readonly watch?: boolean | undefined
  /** Seconds, as typed. */
  readonly interval?: string | undefined
  readonly slow?: boolean | undefined
  readonly tool?: string | undefined
}

export interface Invocation {
  readonly context: ClientContext
  readonly signal: AbortSignal
  /** What follows the name of the command; no shell and no prompt changes it any more. */
  readonly words: readonly string[]
  readonly options: CommandOptions
  readonly view: View
}

/** An exit code, `quit`, or nothing when all went well. */
export type Outcome = ExitCode | 'quit' | undefined

export interface Command {
  /** The first is the one that help shows; every name works at the prompt and on the command line. */
  readonly names: readonly [string, ...string[]]
  /** What follows the name. */
  readonly usage: string
  readonly summary: string
  readonly notes?: readonly string[]
  /**
   * `server`: on the command line it connects before and leaves after. `nothing`: it needs no
   * connection, or makes its own. `session`: it changes a session, so it exists at the prompt alone.
   */
  readonly needs: 'server' | 'nothing' | 'session'
  run(invocation: Invocation): Promise<Outcome> | Promise<void>
}

/** The error for a command that was typed without what it needs. */
export function wrongUsage({ names: [name], usage }: Command): Problem {
  return new Problem(`Usage: ${name} ${usage}`.trim(), { exit: exitCodes.usage })
}
