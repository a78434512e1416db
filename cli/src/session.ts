/** The interactive session: runs one line after another until the end of input. Ctrl+C cancels the current line. */

import { interactive } from './answers.ts'
import { splitWords } from './arguments.ts'
import { systemBrowser } from './browser.ts'
import type { ClientContextOptions } from './client-context.ts'
import { createClientContext } from './client-context.ts'
import type { Outcome } from './commands/command.ts'
import { COMMAND_NAMES, findCommand } from './commands/table.ts'
import { complete } from './completion.ts'
import { toProblem } from './errors.ts'
import type { Ask } from './form-dialog.ts'
import { openHistory } from './history.ts'
import type { ShowLoginPage } from './login.ts'
import { showPage } from './login-commands.ts'
import { takeOptions } from './options.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes } from './problem.ts'
import { Prompt } from './prompt.ts'
import { text } from './text.ts'

export interface SessionOptions
  extends Pick<ClientContextOptions, 'settings' | 'output' | 'timeout' | 'logLevel'> {
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
  /** Log in through the browser when the server asks for it. At a terminal this is always on. */
  readonly login: boolean
  /** Answers the server's questions in place of the person, if the command line has `--answer`. */
  readonly responder?: ClientContextOptions['responder'] | undefined
  /** Ends the process at once. */
  readonly forceQuit: () => void
}

/** Resolves with the exit code of the first command that failed; at a terminal with 0. */
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
      complete(line, {
        commands: COMMAND_NAMES,
        client: () => context.connection.client,
        taskIds: async () => {
          const { tasks } = context.operation(new AbortController().signal)
          return (await tasks.all()).map(({ taskId }) => taskId)
        },
      }),
    interrupted() {
      if (running !== undefined && !running.signal.aborted) running.abort()
      else if (running !== undefined) {
        // The command did not end after the first Ctrl+C, so the second one ends the program.
        prompt.close()
        options.forceQuit()
      } else if (prompt.cancelQuestion()) return
      else if (prompt.line !== '') prompt.clearLine()
      else if (warned) {
        leaving = true
        prompt.close()
      } else {
        warned = true
        output.note(text`Ctrl+C again, Ctrl+D or \`quit\` leaves.`)
      }
    },
  })
  const openBrowser = systemBrowser(env)
  const ask: Ask = (question, signal, how) => {
    // Ctrl+C ends the question and the command that runs, because the question belongs to the command.
    const signals = running === undefined ? [signal] : [signal, running.signal]
    return prompt.answer(question, AbortSignal.any(signals), how)
  }
  const context = createClientContext({
    settings,
    output,
    responder: options.responder ?? interactive({ ask, output, openBrowser }),
    showLoginPage: pageOrPaste(showPage(output, openBrowser), ask, prompt),
    // The browser is opened only for a person. A script would wait for a login that never ends.
    loginWhenNeeded: prompt.terminal || options.login,
    listen: true,
    interactive: true,
    ask: prompt.terminal ? ask : undefined,
    readInput: async () => (await prompt.rest()).join('\n'),
    timeout: options.timeout,
    logLevel: options.logLevel,
  })

  let failure: ExitCode = exitCodes.ok
  const runLine = async (line: string, signal: AbortSignal): Promise<Outcome> => {
    const [name = '', ...rest] = splitWords(line)
    const { words, options, view } = takeOptions(rest, output.view)
    return (await findCommand(name).run({ context, signal, words, options, view })) ?? undefined
  }
  /** Runs one line. Resolves with whether the session continues. */
  const execute = async (line: string): Promise<boolean> => {
    running = new AbortController()
    warned = false
    try {
      const outcome = await runLine(line, running.signal)
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
    output.print(output.style('bold', text`streamable-mcp — ${settings.url}`))
    output.print(text`Type \`help\` for the commands, Tab to complete, Ctrl+D to leave.`)
  }
  await execute('connect')
  if (!prompt.terminal && failure !== exitCodes.ok) leaving = true
  while (!leaving) {
    const line = await prompt.command('> ')
    if (line === undefined) break
    if (line.trim() !== '' && !line.startsWith('#') && !(await execute(line))) break
  }
  // A server that does not answer any more has no session to end.
  await context.connection.terminate().catch(() => false)
  prompt.close()
  return prompt.terminal ? exitCodes.ok : failure
}

/** Shows the login page. At a terminal the user can also paste the final address, if the browser runs on another machine. */
function pageOrPaste(
  show: ShowLoginPage,
  ask: Ask,
  prompt: { readonly terminal: boolean },
): ShowLoginPage {
  return async (page, arrived) => {
    await show(page, arrived)
    if (!prompt.terminal) return undefined
    try {
      return await ask(text`Or paste the address at which the browser ended: `, arrived)
    } catch (error) {
      if (arrived.aborted) return undefined
      throw error
    }
  }
}
