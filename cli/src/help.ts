/** What `--help` says. */

import { table } from './output.ts'

export interface Described {
  readonly usage: string
  readonly summary: string
  readonly notes?: readonly string[]
}

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
  ['OAUTH_ISSUER', 'where it is registered; it is shown to no other issuer'],
  ['OAUTH_REDIRECT_URI', 'its loopback address, exactly as registered (else any free port)'],
  ['OAUTH_ASSUME_PKCE', '1 accepts an issuer that does not announce PKCE (Amazon Cognito)'],
  ['MCP_CLIENT_DEBUG', 'true is --debug'],
  ['STREAMABLE_MCP_HOME', 'where logins and history are kept (~/.streamable-mcp)'],
  ['BROWSER', 'the program that opens a page; none opens nothing'],
  ['NO_COLOR', 'no colors'],
]

const exitTexts: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'the server answered with an error, or doctor found an error'],
  ['2', 'the command line is wrong'],
  ['3', 'a login is needed or was refused'],
  ['4', 'no MCP server answered'],
  ['130', 'cancelled'],
]

/** The help of one command, or of the program. */
export function helpText(command: Described | undefined, commands: readonly Described[]): string {
  const usage = command?.usage ?? '[command]'
  const parts = [`Usage: streamable-mcp ${usage} [options]`, '']
  if (command === undefined) {
    const rows = commands.map(({ usage, summary }) => [usage, summary] as const)
    parts.push('Without a command: an interactive session, or one command a line from a pipe.', '')
    parts.push('Commands:', table(rows), '')
  } else parts.push(`${command.summary}.`, ...(command.notes ?? []), '')
  parts.push('Options:', table(optionTexts), '')
  if (command === undefined) parts.push('Environment:', table(environmentTexts), '')
  parts.push('Exit codes:', table(exitTexts))
  return parts.join('\n')
}
