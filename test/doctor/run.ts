/**
 * Runs the doctor at real servers of npm and PyPI. Each finding must be true of the server. `npm run
 * test:doctor` calls it, and installs the servers into `.cache/doctor` first.
 */

import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runCli } from '../support/cli-run.ts'

const run = promisify(execFile)
const sources = fileURLToPath(new URL('./servers', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache/doctor', import.meta.url))
const node = join(cache, 'node')

interface Examined {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** The checks that find something, in order, each with an explanation. */
  readonly findings: readonly string[]
}

const python = (version: string) => join(cache, version, 'bin', 'python')

/** Only our server checks Origin by itself, which the specification demands (Transports, Security Warning). */
const SERVERS: readonly Examined[] = [
  { name: 'SDK 1, sessions', command: ['node', 'sdk1.mjs'], findings: ['origin'] },
  { name: 'SDK 2', command: ['node', 'sdk2.mjs'], findings: ['origin'] },
  { name: 'fastmcp (npm)', command: ['node', 'fastmcp.mjs'], findings: ['origin'] },
  // This server accepts any session id, and continues after DELETE.
  { name: 'mcp-lite', command: ['node', 'mcp-lite.mjs'], findings: ['sessions', 'origin'] },
  { name: 'mcp-handler', command: ['node', 'mcp-handler.mjs'], findings: ['origin'] },
  { name: '@hono/mcp', command: ['node', 'hono-mcp.mjs'], findings: ['origin'] },
  { name: 'Python SDK 1', command: [python('mcp==1.30.0'), 'python_v1.py'], findings: [] },
  { name: 'Python SDK 2', command: [python('mcp==2.3.0'), 'python_v2.py'], findings: [] },
  {
    name: 'FastMCP (PyPI)',
    command: [python('fastmcp==4.2.3'), 'python_fastmcp.py'],
    findings: ['origin'],
  },
  {
    name: 'agents, in workerd',
    command: [
      join(node, 'node_modules/.bin/node'),
      'node_modules/wrangler/bin/wrangler.js',
      ...['dev', '--config', 'wrangler.json', '--ip', '127.0.0.1', '--port', '$PORT'],
    ],
    findings: ['origin'],
  },
]

await install()
const wanted = process.argv.slice(2)
let wrong = 0
for (const server of SERVERS) {
  if (wanted.length > 0 && !wanted.some((part) => server.name.includes(part))) continue
  const seen = await examine(server)
  const right = seen.join() === server.findings.join()
  if (!right) wrong += 1
  const mark = right ? '✓' : '✗'
  const expected = right ? '' : ` — expected ${server.findings.join(', ') || 'nothing'}`
  process.stdout.write(
    `${mark} ${server.name.padEnd(22)}${seen.join(', ') || 'nothing'}${expected}\n`,
  )
}
process.exitCode = wrong === 0 ? 0 : 1

async function install(): Promise<void> {
  await mkdir(node, { recursive: true })
  const manifest = await readFile(join(sources, 'package.json'), 'utf8')
  const stamp = join(node, 'installed')
  const installed = await readFile(stamp, 'utf8').catch(() => '')
  await cp(sources, node, { recursive: true })
  if (installed !== manifest) {
    await run('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: node })
    await writeFile(stamp, manifest)
  }
  for (const requirement of ['mcp==1.30.0', 'mcp==2.3.0', 'fastmcp==4.2.3']) {
    const home = join(cache, requirement)
    const ready = join(home, 'ready')
    if ((await readFile(ready, 'utf8').catch(() => '')) !== '') continue
    await run('python3', ['-m', 'venv', home])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement]
    await run(python(requirement), pip)
    await writeFile(ready, requirement)
  }
}

/** Returns the checks that find something at a server. */
async function examine({ name, command }: Examined): Promise<string[]> {
  const port = await freePort()
  const [file, ...args] = command.map((word) => word.replace('$PORT', String(port)))
  const child = spawn(file ?? '', args, {
    cwd: node,
    env: { ...process.env, PORT: String(port), PYTHONDONTWRITEBYTECODE: '1', CI: '1' },
    stdio: 'ignore',
    detached: true,
  })
  try {
    await listening(port, child, name)
    const url = `http://127.0.0.1:${port}/mcp`
    const ran = await runCli(['doctor', url, '--tool', 'count steps=4', '--json'])
    const { checks } = ran.json() as { checks: { id: string; findings?: { what: string }[] }[] }
    if (process.env.VERBOSE) process.stdout.write(`${JSON.stringify(checks, undefined, 1)}\n`)
    return checks.flatMap(({ id, findings }) => (findings === undefined ? [] : [id]))
  } finally {
    // Wrangler starts workerd as another process, so the whole process group has to end.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
}

async function listening(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}.`)
    const signal = AbortSignal.timeout(2_000)
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => undefined)
    if (answered !== undefined) return
    await sleep(250)
  }
  throw new Error(`${name} does not listen.`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
