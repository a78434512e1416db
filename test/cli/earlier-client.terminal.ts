/** The commands of the earlier client, by its own spellings, variables and arguments (A66–A90). */
import * as v from 'valibot'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCliServer } from '../support/cli-server.ts'
import type { Terminal } from '../support/cli-terminal.ts'
import { openTerminal, temporaryHome } from '../support/cli-terminal.ts'
import { startSessionServer } from '../support/session-server.ts'

const ours = await startCliServer()
const report = v.object({
  region: v.string(),
  log_group_name: v.string(),
  days: v.number(),
  aws_account_id: v.optional(v.string()),
})
ours.mcp.tool('get_bedrock_usage_report', { description: 'Reports', input: report }, (args) => {
  return `Report of ${JSON.stringify(args)}`
})
const sessionOnly = await startSessionServer()
afterAll(() => Promise.all([ours.close(), sessionOnly.close()]))

const SERVERS = [
  { kind: 'in the modern era', url: ours.url, args: ['--era', 'modern'], sessions: false },
  { kind: 'in the legacy era', url: ours.url, args: ['--era', 'legacy'], sessions: true },
  { kind: 'at a server with sessions only', url: sessionOnly.url, args: [], sessions: true },
] as const

let home: Awaited<ReturnType<typeof temporaryHome>>
let terminal: Terminal
beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(async () => {
  terminal.close()
  await home.remove()
})

/** Opens the session as the earlier client was opened: by variables, without a command. */
async function open(url: string, args: readonly string[], more: Record<string, string> = {}) {
  terminal = openTerminal(args, {
    MCP_SERVER_URL: `${url}/`,
    AUTH_METHOD: 'auto',
    OAUTH_CLIENT_ID: 'some-client',
    OAUTH_REDIRECT_URI: 'http://localhost:8000/callback',
    STREAMABLE_MCP_HOME: home.path,
    ...more,
  })
  await terminal.sees(/Connected to .*\n/)
  await terminal.sees('> ')
  return terminal
}

const reportOf = (region: string, group: string, days: number, account?: string): string => {
  const given = { region, log_group_name: group, days, ...(account && { aws_account_id: account }) }
  return `Report of ${JSON.stringify(given)}`
}

describe.each(SERVERS)('$kind', ({ url, args, sessions }) => {
  it('all 18 commands do what they did', { timeout: 90_000 }, async () => {
    const person = await open(url, args)
    const turns: [string, ...string[]][] = [
      ['help', 'call-tool', 'bedrock-report', 'quit'],
      ['connect', 'Already connected'],
      ['list-tools', 'greet: Greets', 'multi-greet', 'get_bedrock_usage_report'],
      ['call-tool greet {"name": "Ann  Lee"}', 'Hello, Ann  Lee!'],
      ['call-tool greet {name}', 'not valid JSON'],
      ['greet', 'Hello, MCP User!'],
      ['greet Bob', 'Hello, Bob!'],
      ['multi-greet Zoe', 'Greeting 1 of Zoe', 'Good morning, Zoe!'],
      ['multi-greet', 'Good morning, MCP User!'],
      ['list-resources', 'note: note://one'],
      ['bedrock-report', reportOf('us-east-1', '/aws/bedrock/modelinvocations', 1)],
      ['bedrock-report eu-west-1 /group 7', reportOf('eu-west-1', '/group', 7)],
      ['bedrock-report eu-west-1 /group 7 123', reportOf('eu-west-1', '/group', 7, '123')],
      ['bedrock-report eu-west-1 /group 0', 'above 0'],
      ['bedrock-report eu-west-1 /group', 'Usage: bedrock-report'],
      ['auth status', 'Not logged in'],
      ['auth login', 'none is needed'],
      ['auth refresh', 'no login that could be renewed'],
      ['set-auth-method lambda', 'The auth method is lambda'],
      ['set-auth-method oauth', 'The auth method is oauth'],
      ['set-auth-method auto', 'The auth method is auto'],
      ['debug', 'Debugging is on'],
      ['greet Dan', '→ POST', 'Hello, Dan!'],
      ['debug off', 'Debugging is off'],
      ['reconnect', 'Connected to'],
      ['disconnect', 'Disconnected'],
      ['list-tools', 'Not connected'],
      [`connect ${url}`, 'Connected to'],
      ['terminate-session', sessions ? 'The session was ended' : 'no session to end'],
      ['connect', 'Connected to'],
      // A logout ends the session, because it belongs to the user of the login.
      ['auth logout', 'ogged out'],
      ['exit'],
    ]
    for (const [line, ...expected] of turns) {
      person.enter(line)
      for (const pattern of expected) await person.sees(pattern)
      if (line !== 'exit') await person.sees('> ')
    }
    expect(await person.exited).toBe(0)
  })

  it('`quit` and Ctrl+C leave', { timeout: 60_000 }, async () => {
    const first = await open(url, args)
    first.enter('quit')
    expect(await first.exited).toBe(0)
    const second = await open(url, args)
    second.type('\u0003\u0003')
    expect(await second.exited).toBe(0)
  })

  it('MCP_CLIENT_DEBUG shows each request, and hides ACCESS_TOKEN', {
    timeout: 60_000,
  }, async () => {
    const more = { MCP_CLIENT_DEBUG: 'true', AUTH_METHOD: 'lambda', ACCESS_TOKEN: 'sesame-sesame' }
    const person = await open(url, args, more)
    person.enter('greet Ann')
    await person.sees('Hello, Ann!')
    expect(person.text()).toContain('authorization: Bearer [13 characters]')
    expect(person.text()).not.toContain('sesame-sesame')
  })
})

it('a session of a server with sessions only is ended by `quit`', { timeout: 60_000 }, async () => {
  const before = sessionOnly.sessions()
  const person = await open(sessionOnly.url, [])
  expect(sessionOnly.sessions()).toBe(before + 1)
  person.enter('quit')
  expect(await person.exited).toBe(0)
  expect(sessionOnly.sessions()).toBe(before)
})
