/** `npm create streamable-mcp` as a person and as a script run it. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAnswers, readFlags } from '../../create-streamable-mcp/src/answers.ts'
import { nodeWarning } from '../../create-streamable-mcp/src/targets.ts'
import type { Terminal } from '../support/terminal.ts'
import { openTerminal } from '../support/terminal.ts'

const program = resolve('create-streamable-mcp/bin/create-streamable-mcp.js')

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'create-program-'))
})
afterAll(() => rm(home, { recursive: true }))

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs the program without a terminal. */
async function create(args: readonly string[], cwd = home): Promise<Ran> {
  try {
    const ran = await promisify(execFile)(process.execPath, [program, ...args], { cwd })
    return { code: 0, ...ran }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran
    return { code, stdout, stderr }
  }
}

describe('in a pipe', () => {
  it('writes the project that the flags name, and tells the next steps', async () => {
    const ran = await create(['orders', '--target', 'node', '--no-install'])
    expect(ran).toMatchObject({ code: 0, stderr: nodeWarning(process.versions.node) })
    expect(ran.stdout).toMatch(/orders is written[\s\S]*cd orders\n\s+npm install\n\s+npm test/)
    const { version } = JSON.parse(await readFile('create-streamable-mcp/package.json', 'utf8'))
    const settings = JSON.parse(await readFile(join(home, 'orders/package.json'), 'utf8'))
    expect(settings.dependencies['streamable-mcp']).toBe(`^${version}`)
  })

  it('takes the name of the folder that it runs in for "."', async () => {
    const folder = join(home, 'here')
    await mkdir(folder)
    const library = 'file:../streamable-mcp.tgz'
    const args = ['.', '-t', 'aws', '--no-install', '--library', library]
    const ran = await create(args, folder)
    expect(ran.stdout).toMatch(/here is written[\s\S]*sam build && sam deploy --guided/)
    const settings = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    expect(settings).toMatchObject({ name: 'here', dependencies: { 'streamable-mcp': library } })
  })

  it('asks nothing: what is missing is an error that says what to add', async () => {
    const before = await readdir(home)
    expect(await create([])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'There is no terminal to ask at: add <folder> and --target <aws|node|docker|workers>, or --yes.\n',
    })
    expect((await create(['named'])).stderr).toMatch(/add --target <[^>]+>, or --yes\.$/m)
    expect((await create(['--target', 'aws'])).stderr).toMatch(/add <folder>, or --yes\.$/m)
    expect(await readdir(home)).toEqual(before)
  })

  it('tells its flags and its version', async () => {
    const { stdout } = await create(['--help'])
    for (const flag of ['--target', '--yes', '--no-install', '--library', '--client', '--version'])
      expect(stdout).toContain(flag)
    expect((await create(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('fails when npm cannot install, and leaves the project', async () => {
    const args = ['broken', '--target', 'node', '--library', 'file:./not-there.tgz']
    const ran = await create(args)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(/npm install/)
    expect(await readdir(join(home, 'broken'))).toContain('server.ts')
  })
})

describe('the command line', () => {
  it.each([
    ['Orders', /"Orders" cannot be the name/],
    ['1st', /cannot be the name/],
    ['a_b', /cannot be the name/],
    ['a-', /cannot be the name/],
    ['a--b', /cannot be the name/],
    ['x'.repeat(51), /cannot be the name/],
    ['../über', /"über" cannot be the name/],
  ])('refuses the name %s', async (name, why) => {
    const flags = readFlags([name, '--target', 'node'])
    await expect(findAnswers(flags, false)).rejects.toThrow(why)
  })

  it('refuses an unknown target, an unknown flag and a second folder', async () => {
    const flags = readFlags(['a', '--target', 'gcp'])
    await expect(findAnswers(flags, true)).rejects.toThrow(/"gcp" is not a target/)
    expect(() => readFlags(['--traget', 'aws'])).toThrow(/--traget.*--help/)
    expect(() => readFlags(['a', 'b'])).toThrow(/One folder is enough/)
  })

  it('needs nothing with --yes', async () => {
    const answers = await findAnswers(readFlags(['--yes']), false)
    expect(answers).toMatchObject({ name: 'my-server', target: 'node' })
    const named = await findAnswers(readFlags(['some/where/orders', '-y', '-t', 'aws']), true)
    expect(named).toMatchObject({ name: 'orders', target: 'aws' })
    expect(named.folder).toBe(resolve('some/where/orders'))
  })
})

describe('the version of Node', () => {
  it('is told where the project does not run on it', () => {
    expect(nodeWarning('20.20.2')).toMatch(/needs Node 22\.18 or newer, and this is 20\.20\.2/)
    expect(nodeWarning('22.17.9')).toMatch(/22\.17\.9/)
    expect(['22.18.0', '22.23.3', '23.0.0', '24.21.0'].map(nodeWarning)).toEqual(['', '', '', ''])
  })
})

describe('at a terminal', () => {
  const open = (...args: string[]): Terminal =>
    openTerminal(
      ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', home, process.execPath, program, ...args],
      { NO_COLOR: '1' },
    )

  it('asks for the name and the target, and asks again after a wrong answer', async () => {
    const terminal = open('--no-install')
    await terminal.sees('Name of the server (my-server):')
    terminal.enter('No Name')
    await terminal.sees('cannot be the name of a server')
    await terminal.sees('Name of the server')
    terminal.enter('asked')
    await terminal.sees(/1 +aws[\s\S]*4 +workers/)
    terminal.enter('9')
    await terminal.sees('Choose 1 to 4, or a name.')
    await terminal.sees('Number or name')
    terminal.enter('3')
    await terminal.sees('asked is written')
    expect(await terminal.exited).toBe(0)
    expect(await readdir(join(home, 'asked'))).toContain('Dockerfile')
  })

  it('writes nothing when the person leaves', async () => {
    for (const key of ['\x03', '\x04']) {
      const terminal = open('left', '--no-install')
      await terminal.sees('Number or name')
      terminal.type(key)
      expect(await terminal.exited).toBe(130)
    }
    expect(await readdir(home)).not.toContain('left')
  })
})
