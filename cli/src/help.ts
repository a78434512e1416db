/** The text of `--help`. */

import type { Command } from './commands/command.ts'
import type { Text } from './text.ts'
import { joined, listing, table, text, wrapped } from './text.ts'

const OPTION_TEXTS: readonly (readonly [string, string])[] = [
  ['--url <url>', 'the MCP endpoint (else MCP_SERVER_URL, else http://localhost:3000/mcp)'],
  ['--output, -o <format>', 'text (default), json, yaml or table'],
  ['--json', 'the same as --output json: one document on stdout, also for errors'],
  ['--filter <path>', 'only these parts of the result, such as .tools[].name'],
  ['--era auto|legacy|modern', 'which protocol to speak; auto asks the server'],
  ['--timeout <seconds>', 'how long a request may take (300; at the prompt an hour)'],
  ['--answer <rule>', 'what the server is answered: decline, defaults, or a JSON object'],
  ['--save <folder>', 'keep images, sounds and files of a result'],
  ['--login', 'log in through the browser when the server asks for it'],
  ['--log-level <level>', 'ask the server for its log messages from this level on'],
  ['--watch', 'run again at each change, or every --interval <seconds>'],
  ['--detach', 'print the id of a task, and do not wait for its result'],
  ['--port, --host', 'where `dev` listens (else PORT and HOST, else 3000 on 127.0.0.1)'],
  ['--args', 'show the arguments of calls in `dev`'],
  ['--no-open', 'open no page in `dev`'],
  ['--debug', 'show each exchange on stderr, without secrets'],
  ['--help, --version', ''],
]

const ENVIRONMENT_TEXTS: readonly (readonly [string, string])[] = [
  ['MCP_SERVER_URL', 'the endpoint'],
  ['AUTH_METHOD', 'auto (default), oauth, or lambda: send ACCESS_TOKEN and never log in'],
  ['ACCESS_TOKEN', 'the bearer token while there is no stored login'],
  ['OAUTH_CLIENT_ID', 'a registered client, or the https URL of a client metadata document'],
  ['OAUTH_CLIENT_SECRET', 'its secret, if it has one; it needs OAUTH_ISSUER'],
  ['OAUTH_ISSUER', 'where it is registered; id and secret are sent to no other issuer'],
  ['OAUTH_REDIRECT_URI', 'its loopback address, exactly as registered (else any free port)'],
  ['OAUTH_ASSUME_PKCE', '1 accepts an issuer that does not announce PKCE (Amazon Cognito)'],
  ['MCP_CLIENT_DEBUG', 'true is --debug'],
  ['STREAMABLE_MCP_HOME', 'where logins and history are kept (~/.streamable-mcp)'],
  ['BROWSER', 'the program that opens a page; none opens nothing'],
  ['NO_COLOR', 'no colors'],
]

const EXIT_TEXTS: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the server answered with an error, or doctor found an error'],
  ['2', 'the command line is wrong'],
  ['3', 'a login is needed or was refused'],
  ['4', 'no MCP server answered'],
  ['130', 'cancelled'],
]

/** Returns the help of one command, or of the program. */
export function helpText(
  command: Command | undefined,
  commands: readonly Command[],
  columns: number,
): Text {
  const parts: Text[] = []
  if (command === undefined) {
    const rows = commands.flatMap(({ names, usage, summary, needs }) =>
      needs === 'session' ? [] : [[`${names.join(', ')} ${usage}`.trim(), summary] as const],
    )
    const atPrompt = commands
      .filter(({ needs }) => needs === 'session')
      .map(({ names }) => names[0])
    parts.push(text`Usage: streamable-mcp [command] [options]`, text``)
    parts.push(text`Without a command: an interactive session, or one command a line from a pipe.`)
    parts.push(text``, text`Commands:`, listing(rows, columns), text``)
    parts.push(text`At the prompt also: ${atPrompt.join(', ')}.`, text``)
  } else {
    const { names, usage, summary, notes = [] } = command
    parts.push(
      text`Usage: streamable-mcp ${names[names.length - 1] ?? ''} ${usage} [options]`,
      text``,
    )
    if (names.length > 1) parts.push(text`Also called ${names.slice(0, -1).join(', ')}.`)
    parts.push(text`${summary}.`, ...notes.map((note) => text`${note}`), text``)
  }
  parts.push(text`Options:`, listing(OPTION_TEXTS, columns), text``)
  if (command === undefined)
    parts.push(text`Environment:`, listing(ENVIRONMENT_TEXTS, columns), text``)
  parts.push(text`Exit codes:`, table(EXIT_TEXTS))
  return joined(parts.map((part) => wrapped(part, columns)))
}
