/**
 * `npm run test:mutants`: breaks the sources on purpose, one place at a time, and fails when the tests
 * do not notice. The mutants are data in the JSON files of this folder. `-- --tenth` runs the tenth that
 * today's date chooses, `-- --tenth=3` the third, `-- memory.ts` those of the files with that text in their path.
 */
import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Mutant {
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
  /** What a user would suffer from it. */
  readonly reason: string
  /** Instead of the tests of the group. */
  readonly tests?: readonly string[]
  /** Why no test can tell the mutant from the original. */
  readonly equivalent?: string
}

interface Group {
  readonly file: string
  readonly tests: readonly string[]
  readonly mutants: readonly Mutant[]
}

type Entry = Mutant & { readonly file: string; readonly tests: readonly string[] }

/** A mutant that makes the tests wait for ever is as good as noticed. */
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

/** The text of the file with the mutant in it; an error when the list is older than the file. */
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
      // A file that was deleted and not yet committed is still listed.
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
  /** The test that failed first. */
  readonly failed?: string | undefined
}

/** Runs the tests in the copy until one fails. Code that cannot be loaded fails no test. */
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

/** Runs the tests file by file, the cheap ones first as the list has them, until one notices. */
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
