/** The interactive session: one line after another until the end of input, each with its own Ctrl+C. */

import type { Ask } from './answers.ts'
import { interactive } from './answers.ts'
import { systemBrowser } from './browser.ts'
import type { ClientContextOptions } from './client-context.ts'
import { createClientContext } from './client-context.ts'
import { commandNames, commandsText, runCommand } from './commands.ts'
import { complete } from './completion.ts'
import { toProblem } from './errors.ts'
import { openHistory } from './history.ts'
import type { ShowLoginPage } from './login.ts'
import { showPage } from './login-commands.ts'
import type { Output } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes } from './problem.ts'
import { Prompt } from './prompt.ts'
import type { Settings } from './settings.ts'

export interface SessionOptions extends Pick<ClientContextOptions, 'timeout' | 'logLevel'> {
  readonly settings: Settings
  readonly output: Output
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
  /** Log in through the browser when the server asks; a person at a terminal does so anyway. */
  readonly login: boolean
  /** What answers instead of the interactive, when the command line says so. */
  readonly responder?: ClientContextOptions['responder'] | undefined
}

/** Resolves to the exit code of the first command that failed; a person at a terminal gets 0. */
export async function runSession(options: SessionOptions): Promise<ExitCode> {
  const { settings, output, stdin, stdout, env } = options
  const history = openHistory(settings.folder)
  let running: AbortController | undefined
  let warned = false
  let leaving = false

  const prompt: Prompt = new Prompt({
    input: stdin,
    stdout,
    output,
    history: history.lines,
    remember: (line) => history.add(line),
    complete: (line) =>
      complete(line, { commands: commandNames, client: () => context.connection.client }),
    interrupted() {
      if (running !== undefined) running.abort()
      else if (prompt.line !== '') prompt.clearLine()
      else if (warned) {
        leaving = true
        prompt.close()
      } else {
        warned = true
        output.note('Ctrl+C again, Ctrl+D or `quit` leaves.')
      }
    },
  })
  const openBrowser = systemBrowser(env)
  const ask: Ask = (question, signal) => prompt.answer(question, signal)
  const context = createClientContext({
    settings,
    output,
    responder: options.responder ?? interactive({ ask, output, openBrowser }),
    showLoginPage: pageOrPaste(showPage(output, openBrowser), ask, prompt),
    // Without a person there is nobody to wait for.
    loginWhenNeeded: prompt.terminal || options.login,
    listen: true,
    timeout: options.timeout,
    logLevel: options.logLevel,
  })

  let failure: ExitCode = exitCodes.ok
  /** Runs one line; resolves to whether the session goes on. */
  const execute = async (line: string): Promise<boolean> => {
    running = new AbortController()
    warned = false
    try {
      const outcome = await runCommand(line, context, running.signal)
      if (outcome === 'quit') return false
      failure ||= outcome ?? exitCodes.ok
    } catch (error) {
      const problem = toProblem(error, settings.url)
      output.problem(problem)
      failure ||= problem.exit
    } finally {
      running = undefined
      output.status(undefined)
    }
    return true
  }

  if (prompt.terminal) {
    output.print(output.style('bold', `streamable-mcp — ${settings.url}`))
    output.print(commandsText())
  }
  await execute('connect')
  if (!prompt.terminal && failure !== exitCodes.ok) leaving = true
  while (!leaving) {
    const line = await prompt.command('> ')
    if (line === undefined) break
    if (line.trim() !== '' && !line.startsWith('#') && !(await execute(line))) break
  }
  // A server that is gone has nothing left to end.
  await context.connection.terminate().catch(() => false)
  prompt.close()
  return prompt.terminal ? exitCodes.ok : failure
}

/** At a terminal the address can also be pasted, for a browser on another machine. */
function pageOrPaste(
  show: ShowLoginPage,
  ask: Ask,
  prompt: { readonly terminal: boolean },
): ShowLoginPage {
  return async (page, arrived) => {
    await show(page, arrived)
    if (!prompt.terminal) return undefined
    try {
      return await ask('Or paste the address at which the browser ended: ', arrived)
    } catch (error) {
      if (arrived.aborted) return undefined
      throw error
    }
  }
}
