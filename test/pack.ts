/** The package as a stranger gets it: packed, installed in an empty folder, and used there. Called by `npm run test:pack`. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-pack-'))

function expect(what: string, happened: boolean): void {
  if (!happened) throw new Error(`Not so: ${what}.`)
  process.stdout.write(`✓ ${what}\n`)
}

const server = spawn(process.execPath, ['dist/adapters/entry/node.js'], {
  cwd: root,
  env: { ...process.env, PORT: '0', LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const url = /http:\S+/.exec(line)?.[0] ?? ''
  expect(`the built server starts at ${url}`, url !== '')

  await run('npm', ['pack', '--pack-destination', folder], { cwd: root })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  await run('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder })

  const cli = (...args: string[]) =>
    run('npx', ['--no-install', 'streamable-mcp', ...args, '--url', url], {
      cwd: folder,
      env: { ...process.env, STREAMABLE_MCP_HOME: join(folder, 'home') },
    })
  expect('call works', (await cli('call', 'greet', 'name=Ann')).stdout === 'Hello, Ann!\n')
  expect('doctor finds nothing', (await cli('doctor')).stdout.includes('Nothing found.'))
  const imported = await run(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      "console.log(typeof (await import('streamable-mcp')).createMcp)",
    ],
    { cwd: folder },
  )
  expect('the library can be imported', imported.stdout === 'function\n')
} finally {
  server.kill()
  await rm(folder, { recursive: true, force: true })
}
