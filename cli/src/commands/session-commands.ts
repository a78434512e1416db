/** Commands about the session itself: connections, logins, and the output. */

import { AUTH_ACTIONS, runAuth } from '../login-commands.ts'
import { setLogLevel } from '../operations.ts'
import { Problem } from '../problem.ts'
import { AUTH_METHODS, LOG_LEVELS, oneOf, parseServerUrl } from '../settings.ts'
import { block, text } from '../text.ts'
import type { Command, Invocation, Outcome } from './command.ts'

async function openConnection({ context, signal, words }: Invocation): Promise<void> {
  const { connection, output, settings, handle } = context
  if (connection.client !== undefined) {
    throw new Problem(`Already connected to ${settings.url}.`, {
      next: 'Type `disconnect` first, or `reconnect`.',
    })
  }
  const [address] = words
  if (address !== undefined) {
    const url = parseServerUrl(address)
    // Another server must not see the session handle of this one.
    if (url !== settings.url) handle.forget()
    settings.url = url
  }
  const client = await connection.open(signal)
  const server = client.getServerVersion()
  const name = server === undefined ? settings.url : `${server.name} ${server.version}`
  const revision = client.getNegotiatedProtocolVersion() ?? 'unknown revision'
  output.print(text`Connected to ${name} at ${settings.url} (${revision}).`)
  const instructions = client.getInstructions()
  if (instructions !== undefined) output.print(block(instructions))
  await setLogLevel(context.operation(signal))
}

const connect: Command = {
  names: ['connect'],
  usage: '[url]',
  summary: 'connect to a server',
  needs: 'session',
  run: openConnection,
}

const disconnect: Command = {
  names: ['disconnect'],
  usage: '',
  summary: 'leave, and let the server keep the session',
  needs: 'session',
  run: async ({ context }) => {
    await context.connection.close()
    context.output.print(text`Disconnected.`)
  },
}

const terminate: Command = {
  names: ['terminate-session', 'terminate'],
  usage: '',
  summary: 'end the session on the server',
  needs: 'session',
  run: async ({ context }) => {
    const ended = await context.connection.terminate()
    context.handle.forget()
    context.output.print(ended ? text`The session was ended.` : text`There was no session to end.`)
  },
}

const reconnect: Command = {
  names: ['reconnect'],
  usage: '',
  summary: 'leave and connect again',
  needs: 'session',
  run: async (invocation) => {
    await invocation.context.connection.close()
    await openConnection({ ...invocation, words: [] })
  },
}

const session: Command = {
  names: ['session'],
  usage: '[show | forget]',
  summary: 'the session handle that goes along with each call',
  needs: 'session',
  run: async ({ context, words }) => {
    const { handle, output } = context
    if (oneOf(['show', 'forget'], words[0] ?? 'show', 'session') === 'forget') {
      handle.forget()
      output.print(text`The session handle is forgotten: the next call starts anew.`)
    } else if (handle.value === undefined) output.print(text`No session handle is carried along.`)
    else output.print(text`session: ${handle.value}`)
  },
}

const auth: Command = {
  names: ['auth'],
  usage: AUTH_ACTIONS.join(' | '),
  summary: 'the login at this server',
  notes: [
    'Logins are kept per server and issuer, readable by you alone, and renewed by themselves.',
    'At a server with a static token, `auth login` asks for the token and keeps it.',
  ],
  needs: 'nothing',
  run: async (invocation): Promise<Outcome> => {
    const { context, signal, words, view } = invocation
    const { connection } = context
    const action = oneOf(AUTH_ACTIONS, words[0] ?? 'status', 'auth')
    const connected = connection.client !== undefined
    // The session belongs to the user of the login, so it has to be ended before the logout.
    if (action === 'logout' && connected) await connection.terminate().catch(() => false)
    const exit = await runAuth(action, context, signal, view)
    const usable = action === 'login' && exit === 0 && context.interactive && !connected
    if (usable) await openConnection({ ...invocation, words: [] })
    return exit
  },
}

const setAuthMethod: Command = {
  names: ['set-auth-method'],
  usage: AUTH_METHODS.join(' | '),
  summary: 'how requests are authorized',
  notes: ['On the command line set AUTH_METHOD.'],
  needs: 'session',
  run: async ({ context, words }) => {
    context.settings.authMethod = oneOf(AUTH_METHODS, words[0] ?? '', 'The auth method')
    context.output.print(text`The auth method is ${context.settings.authMethod}.`)
  },
}

const logLevel: Command = {
  names: ['log-level', 'set-log-level'],
  usage: '<level>',
  summary: `one of ${LOG_LEVELS.join(', ')}`,
  notes: ['On the command line use --log-level.'],
  needs: 'session',
  run: async ({ context, signal, words }) => {
    context.logLevel = oneOf(LOG_LEVELS, words[0] ?? '', 'The log level')
    if (context.connection.client !== undefined) await setLogLevel(context.operation(signal))
  },
}

const debug: Command = {
  names: ['debug'],
  usage: '[on | off]',
  summary: 'show each exchange, without secrets',
  notes: ['On the command line use --debug.'],
  needs: 'session',
  run: async ({ context, words }) => {
    const { settings, output } = context
    const [wanted] = words
    settings.debug =
      wanted === undefined ? !settings.debug : oneOf(['on', 'off'], wanted, 'debug') === 'on'
    output.print(text`Debugging is ${settings.debug ? 'on' : 'off'}.`)
  },
}

const quit: Command = {
  names: ['quit', 'exit'],
  usage: '',
  summary: 'end the session and leave',
  needs: 'session',
  run: async () => 'quit',
}

export const CONNECTION_COMMANDS = [connect, disconnect, terminate, reconnect, session] as const
export const SETTING_COMMANDS = [auth, setAuthMethod, logLevel, debug] as const
export { connect, quit }
