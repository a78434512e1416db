/** The interactive session in a pseudo-terminal: every command, in both eras. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CliServer } from '../support/cli-server.ts'
import { startCliServer } from '../support/cli-server.ts'
import type { Terminal } from '../support/cli-terminal.ts'
import { openTerminal, temporaryHome } from '../support/cli-terminal.ts'

let server: CliServer
let home: Awaited<ReturnType<typeof temporaryHome>>
let terminal: Terminal | undefined

beforeEach(async () => {
  server = await startCliServer()
  home = await temporaryHome()
})

afterEach(async () => {
  terminal?.close()
  terminal = undefined
  await server.close()
  await home.remove()
})

async function open(...args: string[]): Promise<Terminal> {
  terminal = openTerminal(['--url', server.url, ...args], { STREAMABLE_MCP_HOME: home.path })
  await terminal.sees(/Connected to .*\n/)
  await terminal.sees('> ')
  return terminal
}

describe.each(['modern', 'legacy'])('in the %s era', (era) => {
  it('runs every command a person can type (A72–A90)', { timeout: 90_000 }, async () => {
    const person = await open('--era', era)
    expect(person.text()).toContain('Be kind.')
    const turns: [string, ...(string | RegExp)[]][] = [
      ['help', 'call-tool, call <name>', 'quit'],
      ['connect', 'Already connected'],
      ['list-tools', 'greet: Greets', 'name*'],
      ['call-tool greet {"name":"Ann  Lee"}', 'Hello, Ann  Lee!'],
      ['call-tool greet name="Bob Ray"', 'Hello, Bob Ray!'],
      ['call-tool add a=2 b=3', '5'],
      ['call-tool greet {bad', 'not valid JSON', 'Write {'],
      ['call-tool nothing', /Unknown tool|not found/i],
      ['call gret', 'There is no tool "gret"', 'Did you mean `greet`?'],
      ['greet', 'Hello, MCP User!'],
      ['greet Ann Lee', 'Hello, Ann Lee!'],
      ['multi-greet Zoe', '[info] Greeting 1 of Zoe', /33 %/, '100 %', 'Good morning, Zoe!'],
      ['bedrock-report us-east-1 group 0', 'above 0'],
      ['bedrock-report us-east-1', 'Usage: bedrock-report'],
      ['bedrock-report', /Unknown tool.*get_bedrock_usage_report/],
      ['list-prompts', 'greeting name: Asks'],
      ['get-prompt greeting name=Ann', 'user: Please greet Ann.'],
      ['list-resources', 'note: note://one (text/plain)'],
      ['list-templates', 'weather: weather://{city}'],
      ['read-resource note://one', 'Hello, world!'],
      ['read-template weather://{city} city=Rome', 'Sunny in Rome'],
      ['read-resource note://none', /answered with error -\d+/],
      ['ping', 'answered after'],
      ['log-level error'],
      ['subscribe note://one', 'Watching note://one'],
      ['call-tool touch', 'touched'],
      ['list-tools', 'greet: Greets'],
      ['unsubscribe note://one', 'No longer watching'],
      ['call-tool escape', '�[2Jgone'],
      ['call-tool picture', '[image image/png'],
      ['set-auth-method nonsense', 'must be one of auto, oauth, lambda'],
      ['set-auth-method oauth', 'The auth method is oauth'],
      ['auth status', 'Not logged in'],
      ['auth nonsense', 'must be one of login, logout, status, refresh'],
      ['debug on', 'Debugging is on'],
      ['greet Dan', '→ POST', 'Hello, Dan!'],
      ['debug off', 'Debugging is off'],
      ['constructor', 'There is no command "constructor"'],
      ['reconnect', 'Connected to cli-server'],
      ['terminate-session', era === 'legacy' ? 'The session was ended' : 'no session to end'],
      ['list-tools', 'Not connected'],
      [`connect ${server.url}`, 'Connected to cli-server'],
      ['disconnect', 'Disconnected'],
      ['quit'],
    ]
    for (const [line, ...expected] of turns) {
      person.enter(line)
      for (const pattern of expected) await person.sees(pattern)
      if (line !== 'quit') await person.sees('> ')
    }
    expect(await person.exited).toBe(0)
    expect(person.text()).toContain('Updated: note://one')
    expect(person.text()).toContain('The tools of the server have changed.')
  })

  it('answers forms, pages and models at the prompt', { timeout: 90_000 }, async () => {
    const person = await open('--era', era)
    person.enter('call-tool ask')
    await person.sees('? Who are you?')
    await person.sees(/Your name[\s\S]*\[text\] /)
    person.enter('Ann')
    await person.sees(/2\) blue[\s\S]*\[one of these\] /)
    person.enter('green')
    await person.sees('Choose one of these.')
    person.enter('2')
    await person.sees(/age[\s\S]*Enter to skip\] /)
    person.enter('0')
    await person.sees('Give at least 1.')
    person.enter('')
    await person.sees(/sure[\s\S]*\[y\/n\] /)
    person.enter('y')
    await person.sees('"content":{"name":"Ann","color":"blue","sure":true}')
    person.enter('call-tool ask')
    await person.sees('[text] ')
    person.enter('/decline')
    await person.sees('{"action":"decline"}')
    person.enter('call-tool visit')
    await person.sees('https://example.com/sign-in')
    await person.sees('[y/n] ')
    person.enter('y')
    await person.sees('Open the address above')
    await person.sees('accept')
    person.enter('call-tool think')
    await person.sees('user: What is the capital of France?')
    await person.sees('assistant: ')
    person.enter('Paris')
    await person.sees('"text":"Paris"')
    const history = await readFile(join(home.path, 'history'), 'utf8')
    expect(history).toContain('call-tool think')
    expect(history).not.toContain('Paris')
  })

  it('cancels the call and not the program on Ctrl+C', { timeout: 90_000 }, async () => {
    const person = await open('--era', era)
    person.enter('call-tool wait')
    await person.sees('[info] waiting')
    person.type('\u0003')
    await person.sees('Cancelled.')
    await expect.poll(() => server.cancelled()).toBe(1)
    person.enter('call-tool ask')
    await person.sees('[text] ')
    person.type('\u0003')
    await person.sees('Cancelled.')
    person.enter('greet Ann')
    await person.sees('Hello, Ann!')
    await person.sees('> ')
    person.type('half a line\u0003')
    person.type('\u0003')
    await person.sees('Ctrl+C again')
    person.type('\u0003')
    expect(await person.exited).toBe(0)
  })

  it('connects again to a server that died and returned', { timeout: 90_000 }, async () => {
    const person = await open('--era', era)
    const { port } = server
    person.enter('call-tool wait')
    await person.sees('[info] waiting')
    await server.close()
    await person.sees(/Cannot reach|broke|answered with error|failed/)
    await person.sees('> ')
    person.enter('greet Ann')
    await person.sees('nothing listens there')
    server = await startCliServer({ port })
    await person.sees('> ')
    person.enter('greet Ann')
    if (era === 'legacy') await person.sees('a new one was opened')
    await person.sees('Hello, Ann!')
    // The client listens again by itself, for the changes of the new server.
    const changed = 'The tools of the server have changed.'
    const before = person.text().split(changed).length
    await expect
      .poll(
        async () => {
          await server.mcp.notify.toolsChanged()
          return person.text().split(changed).length
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(before)
  })
})

it('completes commands, names, arguments and their values with Tab', {
  timeout: 90_000,
}, async () => {
  const person = await open()
  const tab = async (typed: string, completed: string): Promise<void> => {
    person.type(`${typed}\t`)
    await person.sees(completed)
    person.type('\u0015')
  }
  await tab('list-tem', 'list-templates ')
  await tab('call-tool mul', 'call-tool multi-greet ')
  await tab('call-tool greet na', 'call-tool greet name=')
  await tab('get-prompt greeting name=Ali', 'name=Alice')
  await tab('read-resource no', 'read-resource note://one')
  await tab('read-template weather://{city} ci', 'city=')
  await tab('auth logi', 'auth login')
})

it('keeps a private history without secrets across sessions', { timeout: 90_000 }, async () => {
  const first = await open()
  first.enter('greet Ann')
  await first.sees('Hello, Ann!')
  first.enter('call-tool greet {"name":"x","password":"hunter2"}')
  await first.sees('Hello, x!')
  first.enter('quit')
  await first.exited
  const path = join(home.path, 'history')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readFile(path, 'utf8')).toBe('greet Ann\nquit\n')
  const second = await open()
  second.type('\u001b[A\u001b[A\r')
  await second.sees('Hello, Ann!')
})

it('shows notifications above the line that is typed', { timeout: 90_000 }, async () => {
  const person = await open()
  person.type('greet An')
  await person.sees('greet An')
  await server.mcp.notify.toolsChanged()
  await person.sees('The tools of the server have changed.')
  await person.sees('> greet An')
  person.enter('n')
  await person.sees('Hello, Ann!')
})

it('asks the person at the terminal also in the middle of one command', {
  timeout: 90_000,
}, async () => {
  const env = { STREAMABLE_MCP_HOME: home.path }
  const args = ['--url', server.url, '--era', 'legacy']
  terminal = openTerminal(['call', 'ask', ...args], env)
  for (const answer of ['Ann', '1', '', 'n']) {
    await terminal.sees('] ')
    terminal.enter(answer)
  }
  await terminal.sees('"content":{"name":"Ann","color":"red","sure":false}')
  expect(await terminal.exited).toBe(0)
  terminal = openTerminal(['call', 'ask', ...args], env)
  await terminal.sees('[text] ')
  terminal.type('\u0003')
  await terminal.sees('Cancelled.')
  expect(await terminal.exited).toBe(130)
})
