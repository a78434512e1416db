/**
 * Runs the doctor at real servers of npm and PyPI. Each finding must be true of the server. `npm run
 * test:doctor` calls it, and installs the servers into `.cache` first.
 */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCli } from '../support/cli-run.ts'
import { install, python, SERVER_FOLDER } from './install.ts'

/** Milliseconds that a server may take to listen, and the doctor to examine it. */
const START_LIMIT = 60_000
const EXAMINATION_LIMIT = 60_000

/** The doctor waits most of the time, so several servers are examined at the same time. */
const AT_A_TIME = 3

interface Examined {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** The checks that find something, in order, each with an explanation. */
  readonly findings: readonly string[]
}

/** Only our server checks Origin by itself, which the specification demands (Transports, Security Warning). */
const SERVERS: readonly Examined[] = [
  { name: 'SDK 1, sessions', command: ['node', 'sdk1.mjs'], findings: ['origin'] },
  { name: 'SDK 2', command: ['node', 'sdk2.mjs'], findings: ['origin'] },
  { name: 'fastmcp (npm)', command: ['node', 'fastmcp.mjs'], findings: ['origin'] },
  // This server accepts any session id, and continues after DELETE.
  { name: 'mcp-lite', command: ['node', 'mcp-lite.mjs'], findings: ['sessions', 'origin'] },
  { name: 'mcp-handler', command: ['node', 'mcp-handler.mjs'], findings: ['origin'] },
  { name: '@hono/mcp', command: ['node', 'hono-mcp.mjs'], findings: ['origin'] },
  { name: 'Python SDK 1', command: [python('1.30.0'), 'python_v1.py'], findings: [] },
  { name: 'Python SDK 2', command: [python('2.3.0'), 'python_v2.py'], findings: [] },
  {
    name: 'FastMCP (PyPI)',
    command: [python('fastmcp-4.2.3'), 'python_fastmcp.py'],
    findings: ['origin'],
  },
  {
    name: 'agents, in workerd',
    command: [
      join(SERVER_FOLDER, 'node_modules/.bin/node'),
      'node_modules/wrangler/bin/wrangler.js',
      ...['dev', '--config', 'wrangler.json', '--ip', '127.0.0.1', '--port', '$PORT'],
    ],
    findings: ['origin'],
  },
]

await install((name, seconds) => print(`installed ${name} in ${seconds} s`))
const parts = process.argv.slice(2)
const waiting = SERVERS.filter(({ name }) => {
  return parts.length === 0 || parts.some((part) => name.includes(part))
})
let wrong = 0
const examineNext = async (): Promise<void> => {
  for (let server = waiting.shift(); server !== undefined; server = waiting.shift()) {
    const started = performance.now()
    const seen = await examine(server).catch((error: Error) => [error.message])
    const right = seen.join() === server.findings.join()
    if (!right) wrong += 1
    const mark = right ? '✓' : '✗'
    const expected = right ? '' : ` — expected ${server.findings.join(', ') || 'nothing'}`
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const found = seen.join(', ') || 'nothing'
    print(`${mark} ${server.name.padEnd(22)}${found}${expected} (${seconds} s)`)
  }
}
await Promise.all(Array.from({ length: AT_A_TIME }, examineNext))
process.exitCode = wrong === 0 ? 0 : 1

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Returns the checks that find something at a server. */
async function examine({ name, command }: Examined): Promise<string[]> {
  const port = await freePort()
  const [file, ...args] = command.map((word) => word.replace('$PORT', String(port)))
  const child = spawn(file ?? '', args, {
    cwd: SERVER_FOLDER,
    env: { ...process.env, PORT: String(port), PYTHONDONTWRITEBYTECODE: '1', CI: '1' },
    stdio: 'ignore',
    detached: true,
  })
  try {
    await listening(port, child, name)
    const url = `http://127.0.0.1:${port}/mcp`
    const signal = AbortSignal.timeout(EXAMINATION_LIMIT)
    const ran = await runCli(['doctor', url, '--tool', 'count steps=4', '--json'], { signal })
    const { checks } = ran.json() as { checks: { id: string; findings?: { what: string }[] }[] }
    if (process.env.VERBOSE) process.stdout.write(`${JSON.stringify(checks, undefined, 1)}\n`)
    return checks.flatMap(({ id, findings }) => (findings === undefined ? [] : [id]))
  } finally {
    // Wrangler starts workerd as another process, so the whole process group has to end.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
}

async function listening(port: number, child: ChildProcess, name: string): Promise<void> {
  const end = performance.now() + START_LIMIT
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}.`)
    const signal = AbortSignal.timeout(2_000)
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => undefined)
    if (answered !== undefined) return
    await sleep(250)
  }
  throw new Error(`${name} does not listen after ${START_LIMIT / 1000} seconds.`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
