/** The command line: options, help, and which command runs. */

import { parseArgs } from 'node:util'
import type { LoggingLevel } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import { interactive, noAnswers, scripted } from './answers.ts'
import { systemBrowser } from './browser.ts'
import type { ClientContext } from './client-context.ts'
import { createClientContext, redirectConsole } from './client-context.ts'
import { clientInfo } from './connection.ts'
import { runDoctor } from './doctor/doctor.ts'
import { toProblem } from './errors.ts'
import type { Described } from './help.ts'
import { helpText } from './help.ts'
import { authActions, runAuth, showPage } from './login-commands.ts'
import { callTool, getPrompt, list, lists, parseInput, readResource } from './operations.ts'
import { Output } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { Prompt } from './prompt.ts'
import { runSession } from './session.ts'
import type { Settings } from './settings.ts'
import { logLevels, oneOf, parseServerUrl, readSettings } from './settings.ts'

export interface Host {
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly env: NodeJS.ProcessEnv
  /** Aborts on Ctrl+C outside of the interactive session. */
  readonly signal: AbortSignal
}

interface Invocation {
  readonly words: readonly string[]
  readonly values: Values
  readonly settings: Settings
  readonly output: Output
  readonly host: Host
}

interface Command extends Described {
  run(invocation: Invocation): Promise<ExitCode>
}

const options = {
  url: { type: 'string' },
  json: { type: 'boolean' },
  era: { type: 'string' },
  timeout: { type: 'string' },
  answer: { type: 'string' },
  save: { type: 'string' },
  login: { type: 'boolean' },
  'log-level': { type: 'string' },
  slow: { type: 'boolean' },
  tool: { type: 'string' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'call',
    {
      usage: 'call <tool> [{json} | name=value …]',
      summary: 'call a tool and print its result',
      notes: [
        'Arguments are one JSON object, or name=value words typed by the schema of the tool.',
      ],
      run: (invocation) =>
        connected(invocation, (context, signal) => {
          const [name, ...input] = invocation.words
          if (name === undefined) throw wrong('Name the tool to call.', 'call')
          const { save } = invocation.values
          return callTool(context.operation(signal), { name, input: joined(input), save })
        }),
    },
  ],
  [
    'list',
    {
      usage: `list [${lists.join(' | ')}]`,
      summary: 'what the server offers; tools by default',
      run: (invocation) =>
        connected(invocation, (context, signal) => {
          const what = oneOf(lists, invocation.words[0] ?? 'tools', 'list')
          return list(context.operation(signal), what)
        }),
    },
  ],
  [
    'read',
    {
      usage: 'read <uri>',
      summary: 'print a resource',
      run: (invocation) =>
        connected(invocation, (context, signal) => {
          const [uri] = invocation.words
          if (uri === undefined) throw wrong('Name the resource to read.', 'read')
          return readResource(context.operation(signal), uri, invocation.values.save)
        }),
    },
  ],
  [
    'prompt',
    {
      usage: 'prompt <name> [name=value …]',
      summary: 'print a prompt, filled in',
      run: (invocation) =>
        connected(invocation, (context, signal) => {
          const [name, ...input] = invocation.words
          if (name === undefined) throw wrong('Name the prompt to fill in.', 'prompt')
          return getPrompt(context.operation(signal), name, joined(input))
        }),
    },
  ],
  [
    'doctor',
    {
      usage: 'doctor [url]',
      summary: 'examine a server, and say what is wrong, why, and what to do',
      notes: [
        'With a stored login or ACCESS_TOKEN it looks further.',
        '--slow watches an idle stream for a minute.',
        '--tool "<name> name=value …" names a call that takes a while, to watch its stream.',
      ],
      run: doctor,
    },
  ],
  [
    'auth',
    {
      usage: `auth ${authActions.join(' | ')}`,
      summary: 'the login at a server',
      notes: [
        'Logins are kept per server and issuer, readable by you alone, and renewed by themselves.',
      ],
      run: (invocation) => {
        const action = oneOf(authActions, invocation.words[0] ?? 'status', 'auth')
        const context = assemble(invocation, noAnswers)
        return runAuth(action, context, invocation.host.signal)
      },
    },
  ],
])

/** Runs one command line (without the program's name) and resolves to its exit code. */
export async function run(args: readonly string[], host: Host): Promise<ExitCode> {
  const wantsJson = args.includes('--json')
  const output = new Output(host, wantsJson)
  let url = ''
  try {
    const { values, positionals } = parse(args)
    const [name, ...words] = positionals
    if (values.version) {
      output.print(clientInfo.version)
      return exitCodes.ok
    }
    const command = name === undefined ? undefined : commands.get(name)
    if (name !== undefined && command === undefined) {
      throw wrong(`There is no command "${name}".`)
    }
    if (values.help) {
      output.print(helpText(command, [...commands.values()]))
      return exitCodes.ok
    }
    const settings = readSettings(host.env, values)
    settings.debug ||= values.debug === true
    url = settings.url
    redirectConsole(settings, output)
    const invocation = { words, values, settings, output, host }
    return await (command === undefined ? session(invocation) : command.run(invocation))
  } catch (error) {
    const problem = toProblem(error, url)
    output.problem(problem)
    return problem.exit
  }
}

function parse(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}

function wrong(message: string, command?: string): Problem {
  return new Problem(message, {
    exit: exitCodes.usage,
    next: `Run \`streamable-mcp ${command === undefined ? '' : `${command} `}--help\`.`,
  })
}

/** A shell has split the words; one that holds blanks was quoted there and is quoted again here. */
function joined(words: readonly string[]): string {
  if (words.length === 1 && words[0]?.trimStart().startsWith('{')) return words[0]
  return words
    .map((word) => word.replace(/=(.*\s.*)$/s, (_, value) => `=${JSON.stringify(value)}`))
    .join(' ')
}

function timeoutOf({ timeout }: Values, seconds: number): number {
  const value = timeout === undefined ? seconds : Number(timeout)
  // Beyond this a timer of Node fires at once.
  if (value > 0 && value <= 2_000_000) return value * 1000
  throw wrong(`--timeout takes a number of seconds, not "${timeout}".`)
}

function logLevelOf(values: Values): LoggingLevel | undefined {
  const level = values['log-level']
  return level === undefined ? undefined : oneOf(logLevels, level, '--log-level')
}

async function session({ values, settings, output, host }: Invocation): Promise<ExitCode> {
  if (output.json) throw wrong('--json goes with a command, not with a session.')
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
  })
}

function assemble(invocation: Invocation, responder: Responder): ClientContext {
  const { values, settings, output, host } = invocation
  return createClientContext({
    settings,
    output,
    responder,
    showLoginPage: showPage(output, systemBrowser(host.env)),
    loginWhenNeeded: values.login === true,
    listen: false,
    timeout: timeoutOf(values, 300),
    logLevel: logLevelOf(values),
  })
}

/** Connects, runs one operation, and leaves nothing behind: no session, no prompt. */
async function connected(
  invocation: Invocation,
  operation: (context: ClientContext, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { values, host } = invocation
  const { answer } = values
  const interrupt = new AbortController()
  const signal = AbortSignal.any([host.signal, interrupt.signal])
  const responder =
    answer === undefined
      ? interactiveAtTerminal(invocation, () => interrupt.abort())
      : scripted(answer)
  const context = assemble(invocation, responder)
  try {
    await context.connection.open(signal)
    return await operation(context, signal)
  } finally {
    await context.connection.terminate().catch(() => false)
  }
}

/** A person at the terminal can answer a question even in the middle of one command. */
function interactiveAtTerminal({ output, host }: Invocation, interrupted: () => void): Responder {
  const atTerminal = host.stdin.isTTY === true && host.stderr.isTTY === true
  if (!atTerminal || output.json) return noAnswers
  // A prompt of its own for each question: while one is open, Ctrl+C is a key and not a signal.
  const ask = async (question: string, signal: AbortSignal): Promise<string> => {
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
      return await prompt.answer(question, signal)
    } finally {
      prompt.close()
    }
  }
  return interactive({ ask, output, openBrowser: systemBrowser(host.env) })
}

async function doctor(invocation: Invocation): Promise<ExitCode> {
  const { words, values, settings, output, host } = invocation
  if (words[0] !== undefined) settings.url = parseServerUrl(words[0])
  const { authorization, http } = assemble(invocation, noAnswers)
  // A login that cannot be renewed is one of the things to examine, and no reason not to.
  const token = await authorization.token().catch(() => undefined)
  const [, name, input = ''] = /^(\S+)\s*(.*)$/s.exec(values.tool ?? '') ?? []
  return runDoctor({
    url: settings.url,
    token,
    fetch: http,
    signal: host.signal,
    now: Date.now,
    call: name === undefined ? undefined : { name, arguments: parseInput(input, undefined) },
    slow: values.slow === true,
    idleTime: 65_000,
    output,
  })
}
