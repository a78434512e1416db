/** The programs that npx starts: the library's `streamable-mcp`, and the client's `streamable-mcp-cli`. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-bin-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

/** Copies the files of the library that npm installs. */
async function installLibrary(name: string): Promise<string> {
  const at = join(folder, name, 'node_modules', 'streamable-mcp')
  await mkdir(at, { recursive: true })
  await cp(join(root, 'bin'), join(at, 'bin'), { recursive: true })
  await cp(join(root, 'package.json'), join(at, 'package.json'))
  return join(at, 'bin', 'streamable-mcp.js')
}

async function versionOf(manifest: string): Promise<unknown> {
  return (JSON.parse(await readFile(join(root, manifest), 'utf8')) as { version: unknown }).version
}

it('has one version for both packages', async () => {
  expect(await versionOf('cli/package.json')).toBe(await versionOf('package.json'))
})

it('runs the sources in a clone, so that no build is needed', { timeout: 60_000 }, async () => {
  const version = await versionOf('package.json')
  for (const program of ['bin/streamable-mcp.js', 'cli/bin/streamable-mcp-cli.js']) {
    expect(await run(join(root, program), ['--version'])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
    expect((await run(join(root, program), ['nonsense'])).code).toBe(2)
  }
})

it('runs the client that is installed beside the library', async () => {
  const program = await installLibrary('beside')
  const client = join(folder, 'beside', 'node_modules', 'streamable-mcp-cli')
  await mkdir(client)
  await writeFile(join(client, 'package.json'), '{"type":"module","exports":"./main.js"}')
  await writeFile(
    join(client, 'main.js'),
    'console.log(process.argv.slice(2)); process.exitCode = 3',
  )
  expect(await run(program, ["it's", '"quoted"'])).toEqual({
    code: 3,
    stdout: `[ "it's", '"quoted"' ]\n`,
    stderr: '',
  })
})

it('lets npm download the client of its own version if none is installed', async () => {
  const program = await installLibrary('alone')
  const npm = join(folder, 'npm-cli.js')
  await writeFile(npm, 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 130')
  await chmod(npm, 0o755)
  const ran = await run(program, ['call', "name=it's", '--json'], { npm_execpath: npm })
  const client = `streamable-mcp-cli@${await versionOf('package.json')}`
  expect(JSON.parse(ran.stdout)).toEqual([
    ...['exec', '--yes', '--', client],
    ...['call', "name=it's", '--json'],
  ])
  expect(ran.code).toBe(130)
})
