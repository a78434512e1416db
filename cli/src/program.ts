/** The command line: chooses the command and its options, and runs it. */

import type { LoggingLevel } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import { interactive, noAnswers, scripted } from './answers.ts'
import { systemBrowser } from './browser.ts'
import type { ClientContext } from './client-context.ts'
import { createClientContext, redirectConsole } from './client-context.ts'
import type { Command } from './commands/command.ts'
import { COMMANDS, findCommand } from './commands/table.ts'
import { completeWords } from './completion-command.ts'
import { clientInfo } from './connection.ts'
import { toProblem } from './errors.ts'
import type { Ask } from './form-dialog.ts'
import { helpText } from './help.ts'
import type { Host } from './host.ts'
import { showPage } from './login-commands.ts'
import type { Values } from './options.ts'
import { parseCommandLine, viewOf } from './options.ts'
import { Output } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { Prompt } from './prompt.ts'
import { runSession } from './session.ts'
import type { Settings } from './settings.ts'
import { LOG_LEVELS, oneOf, parseServerUrl, readSettings } from './settings.ts'
import { text } from './text.ts'

interface CommandLine {
  readonly words: readonly string[]
  readonly values: Values
  readonly settings: Settings
  readonly output: Output
  readonly host: Host
}

/** Runs one command line (without the program's name) and resolves with its exit code. */
export async function run(args: readonly string[], host: Host): Promise<ExitCode> {
  if (args[0] === '__complete') return completeWords(args.slice(args[1] === '--' ? 2 : 1), host)
  // Errors in the options are printed in the format that the options ask for, too.
  let output = new Output(host, { format: args.includes('--json') ? 'json' : 'text' })
  let url = ''
  try {
    const { values, positionals } = parseCommandLine(args)
    output = new Output(host, viewOf(values))
    const [name, ...words] = positionals
    if (values.version) {
      output.print(text`${clientInfo.version}`)
      return exitCodes.ok
    }
    const command = name === undefined ? undefined : findCommand(name)
    if (values.help || (name === 'help' && words.length === 0)) {
      output.print(helpText(name === 'help' ? undefined : command, COMMANDS, output.columns))
      return exitCodes.ok
    }
    const settings = readSettings(host.env, values)
    settings.debug ||= values.debug === true
    if (name === 'connect' && words[0] !== undefined) settings.url = parseServerUrl(words[0])
    url = settings.url
    if (!command?.keepsConsole) redirectConsole(settings, output)
    const line = { words, values, settings, output, host }
    if (command === undefined || name === 'connect') return await session(line)
    return await single(command, line)
  } catch (error) {
    const problem = toProblem(error, url)
    output.problem(problem)
    return problem.exit
  }
}

function timeoutOf({ timeout }: Values, seconds: number): number {
  const value = timeout === undefined ? seconds : Number(timeout)
  // With a larger number a timer of Node fires at once.
  if (value > 0 && value <= 2_000_000) return value * 1000
  throw new Problem(`--timeout takes a number of seconds, not "${timeout}".`, {
    exit: exitCodes.usage,
  })
}

function logLevelOf(values: Values): LoggingLevel | undefined {
  const level = values['log-level']
  return level === undefined ? undefined : oneOf(LOG_LEVELS, level, '--log-level')
}

async function session({ values, settings, output, host }: CommandLine): Promise<ExitCode> {
  if (output.forProgram) {
    throw new Problem('--json and --output go with a command, not with a session.', {
      exit: exitCodes.usage,
    })
  }
  return runSession({
    settings,
    output,
    stdin: host.stdin,
    stdout: host.stdout,
    env: host.env,
    timeout: timeoutOf(values, 3_600),
    logLevel: logLevelOf(values) ?? 'debug',
    login: values.login === true,
    responder: values.answer === undefined ? undefined : scripted(values.answer),
    forceQuit: host.forceQuit,
  })
}

/** Runs one command. Connects before it if needed, and ends the connection and its session afterwards. */
async function single(command: Command, line: CommandLine): Promise<ExitCode> {
  const { words, values, host, output } = line
  if (command.needs === 'session') {
    throw new Problem(
      `\`${command.names[0]}\` changes a session, so it works at the prompt alone.`,
      {
        exit: exitCodes.usage,
        next: command.notes?.[0] ?? 'Run `streamable-mcp` without a command.',
      },
    )
  }
  const { answer } = values
  const interrupt = new AbortController()
  const signal = AbortSignal.any([host.signal, interrupt.signal])
  const ask =
    answer === undefined ? askAtTerminal(line, signal, () => interrupt.abort()) : undefined
  const openBrowser = systemBrowser(host.env)
  const responder = ask === undefined ? noAnswers : interactive({ ask, output, openBrowser })
  const context = assemble(line, answer === undefined ? responder : scripted(answer), ask)
  const invocation = { context, signal, words, options: values, view: output.view }
  if (command.needs === 'nothing') return exitCodeOf(await command.run(invocation))
  try {
    await context.connection.open(signal)
    return exitCodeOf(await command.run(invocation))
  } finally {
    await context.connection.terminate().catch(() => false)
  }
}

function exitCodeOf(outcome: unknown): ExitCode {
  return typeof outcome === 'number' ? (outcome as ExitCode) : exitCodes.ok
}

function assemble(line: CommandLine, responder: Responder, ask: Ask | undefined): ClientContext {
  const { values, settings, output, host } = line
  return createClientContext({
    settings,
    output,
    responder,
    showLoginPage: showPage(output, systemBrowser(host.env)),
    loginWhenNeeded: values.login === true,
    listen: values.watch === true,
    interactive: false,
    ask,
    readInput: () => readAll(host.stdin),
    timeout: timeoutOf(values, 300),
    logLevel: logLevelOf(values),
  })
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/** Lets a person at the terminal answer questions while a command of the command line runs. */
function askAtTerminal(
  { output, host }: CommandLine,
  running: AbortSignal,
  interrupted: () => void,
): Ask | undefined {
  const atTerminal = host.stdin.isTTY === true && host.stderr.isTTY === true
  if (!atTerminal || output.forProgram) return undefined
  // Each question opens its own prompt. While it is open, Ctrl+C is a key and not a signal.
  return async (question, signal, how) => {
    const prompt = new Prompt({
      input: host.stdin,
      stdout: host.stderr,
      output,
      history: [],
      remember: () => {},
      complete: async (line) => [[], line],
      interrupted,
    })
    try {
      return await prompt.answer(question, AbortSignal.any([signal, running]), how)
    } finally {
      prompt.close()
    }
  }
}
