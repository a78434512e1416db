/** The commands of the interactive session, as a table: adding one is adding a row. */

import { UriTemplate } from '@modelcontextprotocol/client'
import type { ClientContext } from './client-context.ts'
import { authActions, runAuth } from './login-commands.ts'
import { callTool, getPrompt, list, parseInput, readResource, setLogLevel } from './operations.ts'
import { printable, table } from './output.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { authMethods, logLevels, oneOf, parseServerUrl } from './settings.ts'

export interface CommandContext {
  readonly context: ClientContext
  readonly signal: AbortSignal
  /** What follows the command's name, as typed. */
  readonly rest: string
}

/** An exit code, `quit`, or nothing when all went well. */
export type Outcome = ExitCode | 'quit' | undefined

interface Command {
  readonly usage: string
  readonly summary: string
  run(context: CommandContext): Promise<Outcome> | Promise<void>
}

const rows: readonly (readonly [name: string, command: Command])[] = [
  ['connect', { usage: '[url]', summary: 'connect to a server', run: connect }],
  [
    'disconnect',
    { usage: '', summary: 'leave, and let the server keep the session', run: disconnect },
  ],
  ['terminate-session', { usage: '', summary: 'end the session on the server', run: terminate }],
  ['reconnect', { usage: '', summary: 'leave and connect again', run: reconnect }],
  ['list-tools', { usage: '', summary: 'what the server can do', run: lister('tools') }],
  [
    'call-tool',
    {
      usage: '<name> [{json} | name=value …] [--save folder]',
      summary: 'call a tool',
      run: call,
    },
  ],
  ['greet', { usage: '[name]', summary: 'call the tool greet', run: greeter('greet') }],
  ['multi-greet', { usage: '[name]', summary: 'call multi-greet', run: greeter('multi-greet') }],
  [
    'bedrock-report',
    {
      usage: '[region log_group days [account]]',
      summary: 'what Amazon Bedrock was used for',
      run: bedrockReport,
    },
  ],
  ['list-prompts', { usage: '', summary: 'the prompts of the server', run: lister('prompts') }],
  ['get-prompt', { usage: '<name> [name=value …]', summary: 'fill in a prompt', run: prompt }],
  [
    'list-resources',
    { usage: '', summary: 'the resources of the server', run: lister('resources') },
  ],
  ['list-templates', { usage: '', summary: 'its resource templates', run: lister('templates') }],
  ['read-resource', { usage: '<uri>', summary: 'show a resource', run: read }],
  [
    'read-template',
    {
      usage: '<template> name=value …',
      summary: 'show a resource of a template',
      run: readTemplate,
    },
  ],
  ['subscribe', { usage: '<uri>', summary: 'be told when a resource changes', run: subscribe }],
  ['unsubscribe', { usage: '<uri>', summary: 'no longer be told', run: unsubscribe }],
  ['ping', { usage: '', summary: 'see whether the server answers', run: ping }],
  ['log-level', { usage: '<level>', summary: `one of ${logLevels.join(', ')}`, run: logLevel }],
  ['auth', { usage: authActions.join(' | '), summary: 'the login at this server', run: auth }],
  [
    'set-auth-method',
    { usage: authMethods.join(' | '), summary: 'how requests are authorized', run: setAuthMethod },
  ],
  ['debug', { usage: '[on | off]', summary: 'show each exchange, without secrets', run: debug }],
  ['help', { usage: '', summary: 'this list', run: help }],
  ['quit', { usage: '', summary: 'end the session and leave', run: async () => 'quit' }],
  ['exit', { usage: '', summary: 'the same', run: async () => 'quit' }],
]

/** By name; a Map, because `constructor` is not a command. */
const commands: ReadonlyMap<string, Command> = new Map(rows)

export const commandNames: readonly string[] = [...commands.keys()]

export async function runCommand(
  line: string,
  context: ClientContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const [name = '', ...tail] = line.trim().split(/(?<=^\S+)\s+/)
  const command = commands.get(name)
  if (command === undefined) {
    throw new Problem(`There is no command "${name}".`, {
      exit: exitCodes.usage,
      next: 'Type `help` for the list.',
    })
  }
  return (await command.run({ context, signal, rest: tail.join(' ').trim() })) ?? undefined
}

function usage(name: string): Problem {
  return new Problem(`Usage: ${name} ${commands.get(name)?.usage}`, { exit: exitCodes.usage })
}

export function commandsText(): string {
  return table(rows.map(([name, { usage, summary }]) => [`${name} ${usage}`, summary]))
}

async function help({ context }: CommandContext): Promise<void> {
  context.output.print(commandsText())
}

async function connect({ context, signal, rest }: CommandContext): Promise<void> {
  const { connection, output, settings } = context
  if (connection.client !== undefined) {
    throw new Problem(`Already connected to ${settings.url}.`, {
      next: 'Type `disconnect` first, or `reconnect`.',
    })
  }
  if (rest !== '') settings.url = parseServerUrl(rest)
  const client = await connection.open(signal)
  const server = client.getServerVersion()
  const name = server === undefined ? settings.url : `${server.name} ${server.version}`
  output.print(
    `Connected to ${printable(name)} at ${settings.url} (${client.getNegotiatedProtocolVersion()}).`,
  )
  const instructions = client.getInstructions()
  if (instructions !== undefined) output.print(printable(instructions))
  await setLogLevel(context.operation(signal))
}

async function disconnect({ context }: CommandContext): Promise<void> {
  await context.connection.close()
  context.output.print('Disconnected.')
}

async function terminate({ context }: CommandContext): Promise<void> {
  const ended = await context.connection.terminate()
  context.output.print(ended ? 'The session was ended.' : 'There was no session to end.')
}

async function reconnect(command: CommandContext): Promise<void> {
  await command.context.connection.close()
  await connect({ ...command, rest: '' })
}

function lister(what: Parameters<typeof list>[1]): Command['run'] {
  return ({ context, signal }) => list(context.operation(signal), what)
}

async function call({ context, signal, rest }: CommandContext): Promise<Outcome> {
  const [, line = rest, save] = /^(.*?)\s+--save\s+(\S+)$/s.exec(rest) ?? []
  const [, name, input = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? []
  if (name === undefined) throw usage('call-tool')
  return callTool(context.operation(signal), { name, input, save })
}

function greeter(name: string): Command['run'] {
  return ({ context, signal, rest }) =>
    callTool(context.operation(signal), {
      name,
      input: JSON.stringify({ name: rest || 'MCP User' }),
    })
}

async function bedrockReport({ context, signal, rest }: CommandContext): Promise<Outcome> {
  const words =
    rest === '' ? ['us-east-1', '/aws/bedrock/modelinvocations', '1'] : rest.split(/\s+/)
  const [region, log_group_name, days = '', aws_account_id] = words
  if (words.length < 3 || words.length > 4) throw usage('bedrock-report')
  if (!/^[1-9]\d*$/.test(days)) {
    throw new Problem('The number of days must be a whole number above 0.', {
      exit: exitCodes.usage,
    })
  }
  return callTool(context.operation(signal), {
    name: 'get_bedrock_usage_report',
    input: JSON.stringify({ region, log_group_name, days: Number(days), aws_account_id }),
  })
}

async function prompt({ context, signal, rest }: CommandContext): Promise<Outcome> {
  const [, name, input = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
  if (name === undefined) throw usage('get-prompt')
  return getPrompt(context.operation(signal), name, input)
}

async function read({ context, signal, rest }: CommandContext): Promise<Outcome> {
  if (rest === '') throw usage('read-resource')
  return readResource(context.operation(signal), rest)
}

async function readTemplate({ context, signal, rest }: CommandContext): Promise<Outcome> {
  const [, template, input = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
  if (template === undefined) throw usage('read-template')
  const values = Object.entries(parseInput(input, undefined))
  const uri = new UriTemplate(template).expand(
    Object.fromEntries(values.map(([name, value]) => [name, String(value)])),
  )
  return readResource(context.operation(signal), uri)
}

async function subscribe({ context, signal, rest }: CommandContext): Promise<void> {
  if (rest === '') throw usage('subscribe')
  await context.connection.watch(rest, signal)
  context.output.print(`Watching ${rest}.`)
}

async function unsubscribe({ context, signal, rest }: CommandContext): Promise<void> {
  if (rest === '') throw usage('unsubscribe')
  await context.connection.unwatch(rest, signal)
  context.output.print(`No longer watching ${rest}.`)
}

async function ping({ context, signal }: CommandContext): Promise<void> {
  const { connection, output } = context
  const started = performance.now()
  await connection.run(signal, (client) => {
    // 2026-07-28 has no ping; asking what the server can do costs it as little.
    const modern = client.getProtocolEra() === 'modern'
    return modern ? client.discover({ signal }) : client.ping({ signal })
  })
  output.print(`The server answered after ${Math.round(performance.now() - started)} ms.`)
}

async function logLevel({ context, signal, rest }: CommandContext): Promise<void> {
  context.logLevel = oneOf(logLevels, rest, 'The log level')
  if (context.connection.client !== undefined) await setLogLevel(context.operation(signal))
}

async function auth(command: CommandContext): Promise<Outcome> {
  const { context, signal, rest } = command
  const { connection } = context
  const action = oneOf(authActions, rest, 'auth')
  const connected = connection.client !== undefined
  // The session belongs to whoever was logged in, and only they can end it.
  if (action === 'logout' && connected) await connection.terminate().catch(() => false)
  const exit = await runAuth(action, context, signal)
  if (action === 'login' && !connected) await connect({ ...command, rest: '' })
  return exit
}

async function setAuthMethod({ context, rest }: CommandContext): Promise<void> {
  context.settings.authMethod = oneOf(authMethods, rest, 'The auth method')
  context.output.print(`The auth method is ${context.settings.authMethod}.`)
}

async function debug({ context, rest }: CommandContext): Promise<void> {
  const { settings, output } = context
  settings.debug = rest === '' ? !settings.debug : oneOf(['on', 'off'], rest, 'debug') === 'on'
  output.print(`Debugging is ${settings.debug ? 'on' : 'off'}.`)
}
