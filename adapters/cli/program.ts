/** The command line: options, help, and which command runs. */

import { parseArgs } from 'node:util'
import type { LoggingLevel } from '@modelcontextprotocol/client'
import { nobody, person, type Responder, ruled } from './answers.ts'
import { systemBrowser } from './browser.ts'
import { clientInfo } from './connection.ts'
import { runDoctor } from './doctor/doctor.ts'
import { toProblem } from './errors.ts'
import { authActions, runAuth, showPage } from './login-commands.ts'
import { callTool, getPrompt, list, lists, readResource } from './operations.ts'
import { Output, table } from './output.ts'
import { type ExitCode, exitCodes, Problem } from './problem.ts'
import { Prompt } from './prompt.ts'
import { runSession } from './session.ts'
import { oneOf, parseServerUrl, readSettings, type Settings } from './settings.ts'
import { createWorkbench, redirectConsole, type Workbench } from './workbench.ts'

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

interface Command {
  readonly usage: string
  readonly summary: string
  readonly notes?: readonly string[]
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
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const optionTexts: readonly (readonly [string, string])[] = [
  ['--url <url>', 'the MCP endpoint (else MCP_SERVER_URL, else http://localhost:3000/mcp)'],
  ['--json', 'one JSON document on stdout, also for errors'],
  ['--era auto|legacy|modern', 'which protocol to speak; auto asks the server'],
  ['--timeout <seconds>', 'how long a request may take (300; at the prompt an hour)'],
  ['--answer <rule>', 'what the server is answered: decline, defaults, or a JSON object'],
  ['--save <folder>', 'keep images, sounds and files of a result'],
  ['--login', 'log in through the browser when the server asks for it'],
  ['--log-level <level>', 'ask the server for its log messages from this level on'],
  ['--debug', 'show each exchange on stderr, without secrets'],
  ['--help, --version', ''],
]

const environmentTexts: readonly (readonly [string, string])[] = [
  ['MCP_SERVER_URL', 'the endpoint'],
  ['AUTH_METHOD', 'auto (default), oauth, or lambda: send ACCESS_TOKEN and never log in'],
  ['ACCESS_TOKEN', 'the bearer token while there is no stored login'],
  ['OAUTH_CLIENT_ID', 'a registered client, or the https URL of a client metadata document'],
  ['OAUTH_CLIENT_SECRET', 'its secret, if it has one'],
  ['OAUTH_REDIRECT_URI', 'its loopback address, exactly as registered (else any free port)'],
  ['OAUTH_ASSUME_PKCE', '1 accepts an issuer that does not announce PKCE (Amazon Cognito)'],
  ['MCP_CLIENT_DEBUG', 'true is --debug'],
  ['STREAMABLE_MCP_HOME', 'where logins and history are kept (~/.streamable-mcp)'],
  ['BROWSER', 'the program that opens a page; none opens nothing'],
  ['NO_COLOR', 'no colors'],
]

const exitTexts: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the server answered with an error, or doctor found a fault'],
  ['2', 'the command line is wrong'],
  ['3', 'a login is needed or was refused'],
  ['4', 'no MCP server answered'],
  ['130', 'cancelled'],
]

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
        connected(invocation, (workbench, signal) => {
          const [name, ...input] = invocation.words
          if (name === undefined) throw wrong('Name the tool to call.', 'call')
          const { save } = invocation.values
          return callTool(workbench.operation(signal), { name, input: joined(input), save })
        }),
    },
  ],
  [
    'list',
    {
      usage: `list [${lists.join(' | ')}]`,
      summary: 'what the server offers; tools by default',
      run: (invocation) =>
        connected(invocation, (workbench, signal) => {
          const what = oneOf(lists, invocation.words[0] ?? 'tools', 'list')
          return list(workbench.operation(signal), what)
        }),
    },
  ],
  [
    'read',
    {
      usage: 'read <uri>',
      summary: 'print a resource',
      run: (invocation) =>
        connected(invocation, (workbench, signal) => {
          const [uri] = invocation.words
          if (uri === undefined) throw wrong('Name the resource to read.', 'read')
          return readResource(workbench.operation(signal), uri, invocation.values.save)
        }),
    },
  ],
  [
    'prompt',
    {
      usage: 'prompt <name> [name=value …]',
      summary: 'print a prompt, filled in',
      run: (invocation) =>
        connected(invocation, (workbench, signal) => {
          const [name, ...input] = invocation.words
          if (name === undefined) throw wrong('Name the prompt to fill in.', 'prompt')
          return getPrompt(workbench.operation(signal), name, joined(input))
        }),
    },
  ],
  [
    'doctor',
    {
      usage: 'doctor [url]',
      summary: 'examine a server, and say what is wrong, why, and what to do',
      notes: [
        'With a stored login or ACCESS_TOKEN it looks further. --slow watches an idle stream too.',
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
        const workbench = assemble(invocation, nobody, true)
        return runAuth(action, workbench, invocation.host.signal)
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
      output.print(help(command))
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

function session({ values, settings, output, host }: Invocation): Promise<ExitCode> {
  return runSession({
    settings,
    output,
    stdin: host.stdin,
    stdout: host.stdout,
    env: host.env,
    timeout: timeoutOf(values, 3_600),
    logLevel: (values['log-level'] ?? 'debug') as LoggingLevel,
    responder: values.answer === undefined ? undefined : ruled(values.answer),
  })
}

function assemble(invocation: Invocation, responder: Responder, login: boolean): Workbench {
  const { values, settings, output, host } = invocation
  return createWorkbench({
    settings,
    output,
    responder,
    visit: login ? showPage(output, systemBrowser(host.env)) : undefined,
    listen: false,
    timeout: timeoutOf(values, 300),
    logLevel: values['log-level'] as LoggingLevel | undefined,
  })
}

/** Connects, runs one operation, and leaves nothing behind: no session, no prompt. */
async function connected(
  invocation: Invocation,
  operation: (workbench: Workbench, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { values, host } = invocation
  const { answer } = values
  const interrupt = new AbortController()
  const signal = AbortSignal.any([host.signal, interrupt.signal])
  const responder =
    answer === undefined ? personAtHand(invocation, () => interrupt.abort()) : ruled(answer)
  const workbench = assemble(invocation, responder, values.login === true)
  try {
    await workbench.connection.open(signal)
    return await operation(workbench, signal)
  } finally {
    await workbench.connection.terminate().catch(() => false)
  }
}

/** A person at the terminal can answer a question even in the middle of one command. */
function personAtHand({ output, host }: Invocation, interrupted: () => void): Responder {
  const atTerminal = host.stdin.isTTY === true && host.stderr.isTTY === true
  if (!atTerminal || output.json) return nobody
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
  return person({ ask, output, openBrowser: systemBrowser(host.env) })
}

async function doctor({ words, values, settings, output, host }: Invocation): Promise<ExitCode> {
  if (words[0] !== undefined) settings.url = parseServerUrl(words[0])
  const workbench = assemble({ words, values, settings, output, host }, nobody, false)
  return runDoctor({
    url: settings.url,
    token: await workbench.authorization.token(),
    fetch: (url, init) => {
      const signals = [host.signal, ...(init?.signal ? [init.signal] : [])]
      return workbench.http(url, { ...init, signal: AbortSignal.any(signals) })
    },
    now: Date.now,
    slow: values.slow === true,
    idleTime: 65_000,
    output,
  })
}

function help(command: Command | undefined): string {
  const usage = command?.usage ?? '[command]'
  const parts = [`Usage: streamable-mcp ${usage} [options]`, '']
  if (command === undefined) {
    const rows = [...commands.values()].map(({ usage, summary }) => [usage, summary] as const)
    parts.push('Without a command: an interactive session, or one command a line from a pipe.', '')
    parts.push('Commands:', table(rows), '')
  } else parts.push(`${command.summary}.`, ...(command.notes ?? []), '')
  parts.push('Options:', table(optionTexts), '')
  if (command === undefined) parts.push('Environment:', table(environmentTexts), '')
  parts.push('Exit codes:', table(exitTexts))
  return parts.join('\n')
}
