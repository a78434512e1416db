/**
 * `npm run conformance`: the official suite against the fixtures, over HTTP, for both sets of
 * requirements and the scenarios that are outside of them. Fails on any failed or warned check.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12'

/** The suite needs Node 22; where an older one runs, a newer is fetched. */
const packages = ['-p', 'node@24', '-p', SUITE]

const RUNS: string[][] = [
  ['--requirements', '2025-11-25'],
  ['--requirements', '2026-07-28'],
  ...[
    ['json-schema-2020-12', '2025-11-25'],
    ['json-schema-2020-12', '2026-07-28'],
    ['server-sse-polling', '2025-11-25'],
    ['server-session-lifecycle', '2025-03-26'],
    ['server-session-lifecycle', '2025-06-18'],
    ['server-session-lifecycle', '2025-11-25'],
    ['http-header-validation', '2026-07-28'],
    ['http-custom-header-server-validation', '2026-07-28'],
  ].map(([scenario = '', version = '']) => ['--scenario', scenario, '--spec-version', version]),
]

/** The tasks extension is not offered here, and not scored there (A.8). */
const NOT_OFFERED = /^server-tasks-/

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
  description?: string
}

/** Every check of every scenario that one run of the suite left on disk. */
async function readChecks(folder: string): Promise<{ scenario: string; check: Check }[]> {
  const found: { scenario: string; check: Check }[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'checks.json') continue
    const scenario = entry.parentPath.slice(folder.length + 1)
    if (NOT_OFFERED.test(scenario)) continue
    const checks = JSON.parse(await readFile(join(entry.parentPath, entry.name), 'utf8')) as Check[]
    found.push(...checks.map((check) => ({ scenario, check })))
  }
  return found
}

/** Successful checks of all runs together, at the least: a suite that tests less must not pass unseen. */
const FEWEST_CHECKS = 280
let successes = 0

async function runSuite(url: string, args: string[]): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  const child = spawn(
    'npx',
    ['-y', ...packages, 'conformance', 'server', '--url', url, ...args, '-o', folder],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  const [exit] = await once(child, 'exit')
  const checks = await readChecks(folder)
  await rm(folder, { recursive: true })
  const counts: Record<string, number> = {}
  for (const { check } of checks) counts[check.status] = (counts[check.status] ?? 0) + 1
  successes += counts.SUCCESS ?? 0
  console.error(args.slice(0, 4).join(' '), JSON.stringify(counts))
  const bad = checks.filter(({ check }) => check.status === 'FAILURE' || check.status === 'WARNING')
  for (const { scenario, check } of bad) {
    console.error(
      `  ${check.status} ${scenario} ${check.id}: ${check.errorMessage ?? check.description}`,
    )
  }
  // The exit code would count the scenarios left out above.
  const passed = bad.length === 0 && (counts.SUCCESS ?? 0) > 0
  if (!passed && bad.length === 0) console.error(`exit ${exit}\n${output}`)
  return passed
}

/** The server under test, if not the fixtures in a process of their own, and scenarios that its host cannot play. */
const [given, ...impossible] = process.argv.slice(2)

async function startFixtures(): Promise<{ url: string; stop: () => void }> {
  if (given) return { url: given, stop: () => {} }
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/support/run-fixtures.ts'], {
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { url: String(line).trim(), stop: () => child.kill() }
}

const { url, stop } = await startFixtures()
let passed = 0
const runs = RUNS.filter((args) => !impossible.some((scenario) => args.includes(scenario)))
for (const args of runs) {
  if (await runSuite(url, args)) passed++
}
stop()
// A host that cannot play some scenarios has fewer checks.
const enough = successes >= FEWEST_CHECKS || runs.length < RUNS.length
console.error(`${passed} passed, ${runs.length - passed} failed, ${successes} successful checks`)
if (!enough) console.error(`There must be ${FEWEST_CHECKS} successful checks at the least.`)
process.exitCode = passed === runs.length && enough ? 0 : 1
