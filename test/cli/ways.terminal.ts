/** Ways to call: both names of each command, output formats, forms, `--watch`, session handles, completion. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filtered } from '../../cli/src/filter.ts'
import { imageProtocol, imageSequence } from '../../cli/src/images.ts'
import { nearest } from '../../cli/src/suggest.ts'
import { yamlText } from '../../cli/src/yaml.ts'
import { bearer } from '../../src/index.ts'
import { runCli } from '../support/cli-run.ts'
import { startCliServer } from '../support/cli-server.ts'
import type { Terminal } from '../support/cli-terminal.ts'
import { openTerminal, program, temporaryHome } from '../support/cli-terminal.ts'

const server = await startCliServer()
server.mcp.tool('count', { description: 'Counts', session: true }, (_, ctx) =>
  ctx.session.update<number>('n', (n = 0) => n + 1),
)
afterAll(() => server.close())

let home: Awaited<ReturnType<typeof temporaryHome>>
let env: Record<string, string>
let terminal: Terminal | undefined
beforeEach(async () => {
  home = await temporaryHome()
  env = { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path }
})
afterEach(async () => {
  terminal?.close()
  terminal = undefined
  await home.remove()
})

async function open(...args: string[]): Promise<Terminal> {
  terminal = openTerminal(args, env)
  await terminal.sees(/Connected to .*\n/)
  await terminal.sees('> ')
  return terminal
}

it.each([
  [
    ['call', 'greet', 'name=Ann'],
    ['call-tool', 'greet', 'name=Ann'],
  ],
  [['list'], ['list-tools']],
  [['prompts'], ['list-prompts']],
  [['resources'], ['list-resources']],
  [['templates'], ['list', 'templates']],
  [
    ['read', 'note://one'],
    ['read-resource', 'note://one'],
  ],
  [
    ['prompt', 'greeting', 'name=Ann'],
    ['get-prompt', 'greeting', 'name=Ann'],
  ],
  [
    ['template', 'weather://{city}', 'city=Rome'],
    ['read-template', 'weather://{city}', 'city=Rome'],
  ],
  [
    ['greet', 'Ann', 'Lee'],
    ['call', 'greet', 'name=Ann Lee'],
  ],
])('knows %j by the name %j too', async (one, other) => {
  const first = await runCli(one, { env })
  expect(first.code).toBe(0)
  const { code, stdout: same, stderr } = await runCli(other, { env })
  expect({ code, same, stderr }).toEqual({ code: 0, same: first.stdout, stderr: first.stderr })
  const { stdout } = await runCli([], {
    env,
    input: [one.join(' ').replace('Ann Lee', '"Ann Lee"')],
  })
  expect(stdout).toContain(first.stdout)
})

it('suggests the name that was probably meant', async () => {
  expect(nearest('lst', ['list', 'call'])).toBe('list')
  expect(nearest('lsit', ['list', 'call'])).toBe('list')
  expect(nearest('something', ['list', 'call'])).toBeUndefined()
  const said = async (...args: string[]) => (await runCli(args, { env })).stderr
  expect(await said('lsit')).toContain('Did you mean `list`?')
  expect(await said('call', 'gret')).toContain('Did you mean `greet`?')
  expect(await said('list', '--jsno')).toContain('Did you mean `--json`?')
  expect(await said('quit')).toContain('works at the prompt alone')
})

it.each(["it's", '"quoted"', '["a","b"]', ' two  blanks ', 'a=b', '\\n', '@'])(
  'takes the argument name=%s of a shell as it is',
  async (name) => {
    if (name === '@')
      return expect((await runCli(['call', 'greet', 'name=@'], { env })).code).toBe(2)
    const { stdout } = await runCli(['call', 'greet', `name=${name}`], { env })
    return expect(stdout).toBe(`Hello, ${name}!\n`)
  },
)

it('reads arguments from standard input', async () => {
  const ran = await runCli(['call', 'greet', '-'], { env, input: ['{"name":"Ann"}'] })
  expect(ran.stdout).toBe('Hello, Ann!\n')
})

describe('formats', () => {
  const cli = async (...args: string[]) => (await runCli(args, { env })).stdout

  it('prints YAML that means the same', async () => {
    const value = {
      a: [1, { b: 'x: y', c: [] }],
      'odd key:': null,
      no: 'no',
      t: 'two\nlines',
      e: {},
    }
    expect(String(yamlText(value))).toBe(
      [
        'a:',
        '  - 1',
        '  - b: "x: y"',
        '    c: []',
        '"odd key:": null',
        '"no": "no"',
        't: "two\\nlines"',
        'e: {}',
      ].join('\n'),
    )
    expect(await cli('call', 'greet', 'name=Ann', '--output', 'yaml')).toContain(
      'text: "Hello, Ann!"',
    )
  })

  it('prints lists as a table', async () => {
    const table = await cli('list', 'resources', '-o', 'table')
    expect(table).toMatch(/^URI +NAME +MIMETYPE|^NAME +URI +MIMETYPE/i)
    expect(table).toContain('note://one')
  })

  it('prints the parts that a filter names', async () => {
    const names = (await cli('list', '--filter', '.tools[].name')).split('\n')
    expect(names).toContain('greet')
    expect(await cli('call', 'greet', 'name=Ann', '--filter', '.content[0].text')).toBe(
      'Hello, Ann!\n',
    )
    expect(await cli('list', '--json', '--filter', '.tools[0].name')).toBe('"greet"\n')
    expect(filtered({ 'odd name': [{ a: 1 }, {}] }, '.["odd name"][].a')).toEqual([1])
    expect((await runCli(['list', '--filter', '.tools[name'], { env })).code).toBe(2)
  })
})

it('sends the session handle of 2026 with each call at the prompt, until it is forgotten', async () => {
  const person = await open('--era', 'modern')
  for (const expected of ['1', '2', '3']) {
    person.enter('call count')
    await person.sees(new RegExp(`\\n${expected}\\n`))
    await person.sees('> ')
  }
  person.enter('session')
  await person.sees(/session: \S+/)
  person.enter('session forget')
  await person.sees('forgotten')
  person.enter('call count')
  await person.sees(/\n1\n/)
})

it('does not send the session handle of one server to another', async () => {
  const other = await startCliServer()
  const commands = ['call count', 'session', 'disconnect', `connect ${other.url}`, 'session']
  const { stdout } = await runCli(['--era', 'modern'], { env, input: commands })
  expect(stdout).toMatch(/session: \S+/)
  expect(stdout.slice(stdout.indexOf(other.url))).toContain('No session handle is carried along.')
  await other.close()
})

it('asks for missing arguments at a terminal', { timeout: 30_000 }, async () => {
  const person = await open()
  person.enter('call add')
  await person.sees(/a[\s\S]*\[number\] /)
  person.enter('two')
  await person.sees('Give a number.')
  person.enter('2')
  await person.sees(/b[\s\S]*\[number\] /)
  person.enter('3')
  await person.sees(/\n5\n/)
  person.enter('prompt greeting')
  await person.sees('[text] ')
  person.enter('Ann')
  await person.sees('Please greet Ann.')
  person.enter('template weather://{city}')
  await person.sees('[text] ')
  person.enter('Rome')
  await person.sees('Sunny in Rome')
  person.enter('call greet')
  await person.sees('[text] ')
  person.enter('/cancel')
  await person.sees('Cancelled.')
})

it.each(['legacy', 'modern'])(
  'asks again after Ctrl+C at a question (%s)',
  {
    timeout: 30_000,
  },
  async (era) => {
    const person = await open('--era', era)
    for (let round = 0; round < 2; round++) {
      person.enter('call ask')
      await person.sees('[text] ')
      person.type('An\u0003')
      await person.sees('Cancelled.')
      await person.sees('> ')
    }
    person.enter('call visit')
    await person.sees('[y/n] ')
    person.enter('n')
    await person.sees('decline')
  },
)

it('ends at a second Ctrl+C when a command does not end', { timeout: 30_000 }, async () => {
  const silent = createServer((request, response) => {
    // This server answers the handshake and then does not answer any more.
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string }
      if (method !== 'initialize') return
      const serverInfo = { name: 'silent', version: '1' }
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  terminal = openTerminal(['--era', 'legacy', '--url', `http://127.0.0.1:${port}/mcp`], env)
  await terminal.sees('streamable-mcp')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  terminal.type('\u0003')
  terminal.type('\u0003\u0003\u0003')
  await terminal.exited
  silent.closeAllConnections()
  silent.close()
})

it('watches a list, and prints it again when it changes', { timeout: 30_000 }, async () => {
  terminal = openTerminal(['list', '--watch', '--filter', '.tools[].name'], env)
  await terminal.sees('multi-greet')
  server.mcp.tool('later', { description: 'Came later' }, () => 'here')
  await server.mcp.notify.toolsChanged()
  await terminal.sees('later')
  terminal.type('\u0003')
  expect(await terminal.exited).toBe(130)
})

describe('a server with a static token', () => {
  const token = 'a-token-of-its-operator'
  const start = () => startCliServer({ auth: bearer({ tokens: [token] }) })

  it('names ACCESS_TOKEN where there is no terminal to ask at', async () => {
    const guarded = await start()
    const own = { ...env, MCP_SERVER_URL: guarded.url }
    const call = await runCli(['list'], { env: own })
    expect(call).toMatchObject({ code: 3 })
    expect(call.stderr).toContain('wants a token of its operator')
    expect(call.stderr).toContain('Set ACCESS_TOKEN')
    expect((await runCli(['auth', 'login'], { env: own })).stderr).toContain('Set ACCESS_TOKEN')
    expect(await runCli(['list'], { env: { ...own, ACCESS_TOKEN: token } })).toMatchObject({
      code: 0,
    })
    await guarded.close()
  })

  it('asks for it without showing it, and keeps it for this server alone', {
    timeout: 30_000,
  }, async () => {
    const guarded = await start()
    env = { ...env, MCP_SERVER_URL: guarded.url }
    terminal = openTerminal(['auth', 'login'], env)
    await terminal.sees('(not shown): ')
    terminal.enter('wrong')
    await terminal.sees('refuses this token')
    expect(await terminal.exited).toBe(3)
    terminal = openTerminal(['auth', 'login'], env)
    await terminal.sees('(not shown): ')
    terminal.enter(token)
    await terminal.sees('Logged in.')
    expect(await terminal.exited).toBe(0)
    expect(terminal.raw()).not.toContain(token)
    expect(await runCli(['list'], { env })).toMatchObject({ code: 0 })
    expect((await runCli(['auth', 'status', '--json'], { env })).json()).toMatchObject({
      authenticated: true,
      staticToken: true,
    })
    await runCli(['auth', 'logout'], { env })
    expect(await readFile(join(home.path, 'credentials.json'), 'utf8')).not.toContain(token)
    await guarded.close()
  })
})

it('says that an open server needs no login', async () => {
  const login = await runCli(['auth', 'login'], { env })
  expect(login).toMatchObject({
    code: 0,
    stdout: 'This server asks for no login: none is needed.\n',
  })
})

describe('completion of the shell', () => {
  const complete = async (...words: string[]) =>
    (await runCli(['__complete', '--', ...words], { env })).stdout.split('\n').filter(Boolean)

  it('offers commands, options, and names of the server', async () => {
    expect(await complete('cal')).toEqual(
      ['call-tool', 'call'].filter((name) => name.startsWith('cal')),
    )
    expect(await complete('list', '--out')).toEqual(['--output'])
    expect(await complete('list', '--output', 'y')).toEqual(['yaml'])
    expect(await complete('call', 'multi')).toEqual(['multi-greet'])
    expect(await complete('call', 'add', '')).toEqual(['a=', 'b='])
    expect(await complete('auth', 'log')).toEqual(['login', 'logout'])
    expect(await complete('call', 'x', '--url', 'http://127.0.0.1:1/mcp', '')).toEqual([])
  })

  it('works in bash', { timeout: 30_000 }, async () => {
    const { stdout: script } = await runCli(['completion', 'bash'], { env })
    const line = 'streamable-mcp call add a'
    const test = `
      streamable-mcp() { '${process.execPath}' '${program}' "$@"; }
      ${script}
      COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${line}) COMP_CWORD=3
      compopt() { :; }
      _streamable_mcp; printf '%s\\n' "\${COMPREPLY[@]}"`
    const run = promisify(execFile)
    const { stdout } = await run('bash', ['-c', test], { env: { ...process.env, ...env } })
    expect(stdout).toBe('a=\n')
    for (const shell of ['zsh', 'fish']) {
      expect((await runCli(['completion', shell], { env })).stdout).toContain('__complete')
    }
  })
})

it('shows images if the terminal can, and a server cannot end the sequence', () => {
  expect(imageProtocol({ TERM: 'xterm-kitty' })).toBe('kitty')
  expect(imageProtocol({ TERM_PROGRAM: 'iTerm.app' })).toBe('iterm')
  expect(imageProtocol({ TERM: 'foot' })).toBe('sixel')
  expect(imageProtocol({ TERM: 'xterm-256color' })).toBeUndefined()
  expect(imageProtocol({ TERM: 'xterm-kitty', TMUX: '1' })).toBeUndefined()
  const evil = { data: 'AAAA\u001b\\\u001b[2J', mimeType: 'image/png' }
  expect(imageSequence(evil, 'kitty')).toBe(
    '\u001b_Ga=T,f=100,m=0;AAAA\u001b\\'.replace(
      'AAAA',
      Buffer.from(evil.data, 'base64').toString('base64'),
    ),
  )
  expect(imageSequence({ data: 'AAAA', mimeType: 'image/svg+xml' }, 'iterm')).toBeUndefined()
  // One red pixel, as a PNG and as a sixel.
  const red =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'
  expect(imageSequence({ data: red, mimeType: 'image/png' }, 'sixel')).toBe(
    '\u001bPq"1;1;1;1#180;2;100;0;0#180@$-\u001b\\',
  )
  expect(imageSequence({ data: 'AAAA', mimeType: 'image/png' }, 'sixel')).toBeUndefined()
})
