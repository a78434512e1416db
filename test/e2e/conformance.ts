/**
 * `npm run conformance`: the official suite with the fixtures over HTTP, for both sets of requirements
 * and the scenarios outside of them. Fails if a check fails or warns.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12'

/** The suite needs Node 22. With an older Node, npx downloads a newer one. */
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

/**
 * The scenarios of the tasks extension (A.8), which are in no set of requirements. The suite knows them in two
 * forms: on their own, and forced onto the revision that the extension is for.
 */
const TASKS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
]
RUNS.push(
  ...TASKS.map((scenario) => ['--scenario', scenario]),
  ...TASKS.map((scenario) => ['--scenario', scenario, '--spec-version', '2026-07-28', '--force']),
)

/** The scenarios of the skills extension, which are in no set of requirements either. */
RUNS.push(
  ...['directory', 'enumeration', 'manifest'].flatMap((part) =>
    ['2025-11-25', '2026-07-28'].map((version) => [
      ...['--scenario', `sep-2640-skills-${part}`],
      ...['--spec-version', version, '--force'],
    ]),
  ),
)

/** Scenarios that are not run, and why. */
const NOT_RUN: { readonly [scenario: string]: string } = {
  'tasks-status-notifications': 'the suite skips it, and the server sends no notifications/tasks',
  'tasks-required-task-error': 'no tool needs a client with tasks: every client gets the result',
  'tasks-mrtr-composition': 'questions of a durable tool are asked within its task, not before it',
}
for (const [scenario, why] of Object.entries(NOT_RUN)) console.error(`not run: ${scenario}: ${why}`)

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
  description?: string
}

/** Reads every check of every scenario, which the suite writes to files. */
async function readChecks(folder: string): Promise<{ scenario: string; check: Check }[]> {
  const found: { scenario: string; check: Check }[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'checks.json') continue
    const scenario = entry.parentPath.slice(folder.length + 1)
    // A set of requirements runs those of extensions too, and does not score them.
    if (unscored.some((name) => scenario.includes(name))) continue
    const checks = JSON.parse(await readFile(join(entry.parentPath, entry.name), 'utf8')) as Check[]
    found.push(...checks.map((check) => ({ scenario, check })))
  }
  return found
}

/** The smallest number of successful checks of all runs, so that a suite which tests less is noticed. */
const FEWEST_CHECKS = 350
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
  // The exit code would include the scenarios that are excluded above.
  const passed = bad.length === 0 && (counts.SUCCESS ?? 0) > 0
  if (!passed && bad.length === 0) console.error(`exit ${exit}\n${output}`)
  return passed
}

/** The server under test, by default the fixtures in a separate process, and scenarios that its host cannot run. */
const [given, ...impossible] = process.argv.slice(2)
const unscored = [
  ...Object.keys(NOT_RUN),
  ...impossible.filter((scenario) => scenario.startsWith('tasks-')),
]

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
const runs = RUNS.filter(
  (args) => !impossible.some((scenario) => args.some((arg) => arg.startsWith(scenario))),
)
for (const args of runs) {
  if (await runSuite(url, args)) passed++
}
stop()
// A host that cannot run some scenarios has fewer checks.
const enough = successes >= FEWEST_CHECKS || runs.length < RUNS.length
console.error(`${passed} passed, ${runs.length - passed} failed, ${successes} successful checks`)
if (!enough) console.error(`There must be at least ${FEWEST_CHECKS} successful checks.`)
process.exitCode = passed === runs.length && enough ? 0 : 1
