/** A hostile server cannot change what the person at the terminal sees, or what the client keeps. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { saveBinaries } from '../../cli/src/save.ts'
import { checkResult } from '../../cli/src/validate.ts'
import { runCli } from '../support/cli-run.ts'
import { openTerminal, temporaryHome } from '../support/cli-terminal.ts'
import { DANGEROUS, EVIL, startHostileServer } from '../support/hostile-cli-server.ts'

const server = await startHostileServer()
afterAll(() => server.close())

let home: Awaited<ReturnType<typeof temporaryHome>>
let env: Record<string, string>
beforeEach(async () => {
  home = await temporaryHome()
  env = { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path }
})
afterEach(() => home.remove())

const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['list', 'prompts'],
  ['list', 'resources'],
  ['list', 'templates'],
  ['call', 'text'],
  ['call', 'noisy', '--log-level', 'debug'],
  ['call', 'fails'],
  ['call', EVIL],
  ['call', `${EVIL}x`],
  ['prompt', 'x'],
  ['read', 'test://x'],
  ['read', `test://${EVIL}`],
  ['ping'],
  ['call', 'handle', '--detach'],
  ['task', EVIL, '--detach'],
  ['cancel', EVIL],
  ['tasks'],
  ['auth', 'status'],
  ['doctor'],
  [EVIL],
  ['list', '--debug'],
]

describe.each(['text', 'json', 'yaml', 'table'])('as %s', (format) => {
  it.each(COMMANDS)('prints no control characters for %j %j', async (...args) => {
    const ran = await runCli([...args, '--output', format, '--era', 'legacy'], { env })
    expect(ran.stdout).not.toMatch(DANGEROUS)
    expect(ran.stderr).not.toMatch(DANGEROUS)
    if (format === 'json') expect(() => ran.json()).not.toThrow()
  })
})

it('keeps the texts of a server whole in JSON', async () => {
  const { tools } = (await runCli(['list', '--json'], { env })).json() as { tools: unknown[] }
  expect(tools[0]).toMatchObject({ name: EVIL, description: EVIL })
})

it('begins no line with the name that a server gives', async () => {
  const { stdout } = await runCli(['list'], { env })
  expect(stdout.split('\n').filter((line) => /^(> |✓)/.test(line))).toEqual([])
})

it('shows no control characters of a server at a terminal, also with Tab', {
  timeout: 60_000,
}, async () => {
  const terminal = openTerminal(['--era', 'legacy'], env)
  // The text of the server holds the prompt too, so only one at the end of the output is the real prompt.
  const prompt = /\n> $/
  try {
    await terminal.sees(/Connected to .*/)
    await terminal.sees(prompt)
    for (const line of [
      'list-tools',
      'call noisy',
      'call text',
      'session',
      'prompts',
      'resources',
    ]) {
      terminal.enter(line)
      await terminal.sees(prompt)
    }
    terminal.type('call-tool \t\t')
    await terminal.sees('slow-schema')
    terminal.type('\u0015quit\r')
    expect(await terminal.exited).toBe(0)
    // Only the line editor moves the cursor. A title, a cleared screen or another color would come from the server.
    const sequences = ['\u001b]', '\u001b[2J', '\u009b', '\u202e', '\u2066', '\u200b', '\ufeff']
    expect(sequences.filter((one) => terminal.raw().includes(one))).toEqual([])
  } finally {
    terminal.close()
  }
})

it('shows a result whose schema takes exponential time, and says so', {
  timeout: 30_000,
}, async () => {
  const ran = await runCli(['call', 'slow-schema', '--era', 'legacy'], { env })
  expect(ran.stdout).toContain('aaaa!')
  expect(ran.stderr).toContain('was not checked against the schema of the tool')
  expect(ran.code).toBe(0)
})

it('ends a check of a result at Ctrl+C', async () => {
  const schema = { type: 'string', pattern: '^(a+)+$' }
  const interrupt = new AbortController()
  const checked = checkResult(schema, `${'a'.repeat(40)}!`, interrupt.signal, 60_000)
  setTimeout(() => interrupt.abort(new Error('Ctrl+C')), 200)
  await expect(checked).rejects.toThrow('Ctrl+C')
  const signal = new AbortController().signal
  expect(await checkResult({ type: 'string' }, 1, signal)).toMatchObject({ verdict: 'invalid' })
  expect(await checkResult({ type: 'string' }, 'a', signal)).toMatchObject({ verdict: 'valid' })
})

it('stops reading an endless answer', { timeout: 60_000 }, async () => {
  const ran = await runCli(['call', 'endless', '--era', 'legacy'], { env })
  expect(ran.stderr).toContain('more than 16 MiB in one message')
  expect(ran.code).toBe(4)
})

it('saves files that a desktop does not run', async () => {
  const folder = join(home.path, 'out')
  const data = 'AAAA'
  const types = ['image/png', 'application/x-desktop', 'text/html', 'image/svg+xml', 'x/exe', '']
  await saveBinaries(
    types.map((mimeType) => ({ data, mimeType })),
    folder,
  )
  const files = (await readdir(folder)).sort()
  expect(files.map((file) => file.split('.').at(-1))).toEqual([
    'png',
    'bin',
    'bin',
    'bin',
    'bin',
    'bin',
  ])
  for (const file of files) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
})
