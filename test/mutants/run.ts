/**
 * `npm run test:mutants`: breaks the sources on purpose, in one place at a time, and fails when the tests
 * still pass. The JSON files of this folder list the mutants. `-- --tenth` runs a tenth of them, chosen by
 * today's date, `-- --tenth=3` the third tenth, `-- memory.ts` those of files with this text in their path.
 */
import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Mutant {
  /** The text to replace, which the file contains exactly once. */
  readonly from: string
  readonly to: string
  /** The harm for a user. */
  readonly reason: string
  /** The tests to run in place of the group's tests. */
  readonly tests?: readonly string[]
  /** The reason why a test cannot distinguish the mutant from the original. */
  readonly equivalent?: string
}

interface Group {
  readonly file: string
  readonly tests: readonly string[]
  readonly mutants: readonly Mutant[]
}

type Entry = Mutant & { readonly file: string; readonly tests: readonly string[] }

/** The time limit of a test run. A mutant that makes the tests wait for ever counts as found. */
const TIME_LIMIT = 120_000

const folder = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })

async function readEntries(): Promise<Entry[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  const groups = await Promise.all(
    names.map(
      async (name): Promise<Group[]> => JSON.parse(await readFile(join(folder, name), 'utf8')),
    ),
  )
  return groups
    .flat()
    .flatMap(({ file, tests, mutants }) => mutants.map((mutant) => ({ file, tests, ...mutant })))
}

/** Returns the file's text with the mutant. Throws when the list does not match the file any more. */
async function mutate({ file, from, to }: Entry): Promise<string> {
  const parts = (await readFile(join(root, file), 'utf8')).split(from)
  if (parts.length !== 2) {
    throw new Error(`${file}: ${JSON.stringify(from)} stands there ${parts.length - 1} times`)
  }
  return parts.join(to)
}

async function copyTree(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'streamable-mcp-mutants-'))
  const names = git('ls-files', '--cached', '--others', '--exclude-standard').trim().split('\n')
  for (const name of names) {
    await cp(join(root, name), join(copy, name)).catch((error) => {
      // Git also lists a file that was deleted but not committed.
      if (error.code !== 'ENOENT') throw error
    })
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

type Outcome = 'passed' | 'failed' | 'no test ran'

interface Report {
  readonly numFailedTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

interface Run {
  readonly outcome: Outcome
  /** Returns the name of the test that failed first. */
  readonly failed?: string | undefined
}

/** Runs the tests in the copy until one fails. Code that cannot be loaded does not count as a failed test. */
function runTests(copy: string, tests: readonly string[], timeout = TIME_LIMIT): Promise<Run> {
  const args = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--bail=1', '--reporter=json']
  return new Promise((resolve) => {
    const options = { cwd: copy, timeout, maxBuffer: 2 ** 28 }
    execFile(process.execPath, [...args, ...tests], options, (error, stdout) => {
      if (error?.killed) return resolve({ outcome: 'failed', failed: 'the time limit' })
      const json = /\{"numTotalTestSuites".*\}/s.exec(stdout)?.[0]
      const report: Report | undefined = json && JSON.parse(json)
      if (report && report.numFailedTests > 0) {
        const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
        const failed = results.find(({ status }) => status === 'failed')?.fullName
        return resolve({ outcome: 'failed', failed })
      }
      const passed = !error && report && report.numPassedTests > 0
      resolve({ outcome: passed ? 'passed' : 'no test ran' })
    })
  })
}

/** Runs the test files in the order of the list, fast ones first, until one fails. */
async function notice(copy: string, tests: readonly string[]): Promise<Run> {
  let last: Run = { outcome: 'no test ran' }
  for (const test of tests) {
    last = await runTests(copy, [test])
    if (last.outcome !== 'passed') return last
  }
  return last
}

const args = process.argv.slice(2)
const tenthOption = args.find((arg) => arg.startsWith('--tenth'))
const filters = args.filter((arg) => !arg.startsWith('--'))
const today = Math.floor(Date.now() / 86_400_000)
const tenth = tenthOption && Number(tenthOption.split('=')[1] ?? today) % 10

const all = await readEntries()
for (const entry of all) await mutate(entry)
const chosen = all.filter(
  ({ file, equivalent }, index) =>
    !equivalent &&
    (tenth === undefined || index % 10 === tenth) &&
    (filters.length === 0 || filters.some((text) => file.includes(text))),
)
process.stdout.write(`${chosen.length} of ${all.length} mutants\n`)

const copy = await copyTree()
const problems: string[] = []
try {
  const tests = [...new Set(chosen.flatMap((entry) => entry.tests))]
  const before = await runTests(copy, ['--retry=1', ...tests], 5 * TIME_LIMIT)
  if (before.outcome !== 'passed') {
    throw new Error(`Without a mutant: ${before.outcome} ${before.failed ?? ''}`)
  }
  for (const entry of chosen) {
    const original = await readFile(join(copy, entry.file), 'utf8')
    await writeFile(join(copy, entry.file), await mutate(entry))
    const { outcome, failed } = await notice(copy, entry.tests)
    await writeFile(join(copy, entry.file), original)
    const line = `${entry.file}: ${entry.reason} (${JSON.stringify(entry.from)})`
    if (outcome !== 'failed') problems.push(`${outcome}: ${line}`)
    process.stdout.write(outcome === 'failed' ? `✓ ${line}: ${failed}\n` : `✗ ${line}\n`)
  }
} finally {
  await rm(copy, { recursive: true, force: true })
}
for (const problem of problems) process.stdout.write(`${problem}\n`)
process.stdout.write(`${chosen.length - problems.length} noticed, ${problems.length} not\n`)
process.exitCode = problems.length === 0 ? 0 : 1
