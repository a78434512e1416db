/**
 * `npm run test:mutants`: breaks the sources on purpose, one place at a time, and fails when the tests
 * do not notice. `-- --tenth` runs the tenth that today's date chooses, `-- --tenth=3` the third,
 * `-- memory.ts` those with that text in their path or their reason, `-- --lanes=1` one at a time.
 */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Command, Run } from './lane.ts'
import type { Mutant } from './list.ts'
import { mutate, ROOT, readMutants } from './list.ts'

/**
 * A mutant that makes the tests wait for ever counts as noticed when they take this many times as long
 * as without it.
 */
const SLOWER = 10

/** Milliseconds that a test file may take in any case, since its first run compiles the sources. */
const LEAST_LIMIT = 30_000

/** Milliseconds for a test file without a mutant. */
const BASELINE_LIMIT = 300_000

/** How a run counts that ends its whole process, as an unhandled rejection does. */
const ENDED: Run = { outcome: 'failed', milliseconds: 0, failed: 'the tests end their process' }

const LANE = fileURLToPath(new URL('./lane.ts', import.meta.url))

async function copyTree(copy: string): Promise<void> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const names = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
  for (const name of names) {
    await mkdir(dirname(join(copy, name)), { recursive: true })
    await cp(join(ROOT, name), join(copy, name)).catch((error) => {
      // Git also lists a file that was deleted but not committed.
      if (error.code !== 'ENOENT') throw error
    })
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
}

/** A copy of the sources and the process that runs tests in it, which is replaced when it hangs. */
class Lane {
  readonly #copy: string
  #process: Promise<ChildProcess> | undefined

  constructor(copy: string) {
    this.#copy = copy
  }

  async write(file: string, text: string): Promise<void> {
    await this.#ask({ write: file, text }, BASELINE_LIMIT)
  }

  /** Resolves to undefined when the test file takes longer than `limit`. */
  async run(test: string, limit: number, retry = 0): Promise<Run | undefined> {
    return (await this.#ask({ run: test, retry }, limit)) as Run | undefined
  }

  async #ask(command: Command, limit: number): Promise<unknown> {
    this.#process ??= this.#start()
    const child = await this.#process
    const waiting = new AbortController()
    const { signal } = waiting
    child.send(command)
    try {
      const [answer] = await Promise.race([
        once(child, 'message', { signal }),
        once(child, 'exit', { signal }).then(() => [ENDED]),
        sleep(limit, [undefined], { signal }),
      ])
      if (answer === undefined || answer === ENDED) await this.end()
      return answer
    } finally {
      waiting.abort()
    }
  }

  async #start(): Promise<ChildProcess> {
    // A group of its own, so that what the tests have started ends with it.
    const child = fork(LANE, [this.#copy], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    return child
  }

  async end(): Promise<void> {
    const child = await this.#process
    this.#process = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode) return
    const ended = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await ended
  }
}

/** How each test file does without a mutant, found out when it is first needed. */
const baselines = new Map<string, Promise<Run>>()

function baseline(lane: Lane, test: string): Promise<Run> {
  const measure = async (): Promise<Run> => {
    const run = await lane.run(test, BASELINE_LIMIT, 1)
    if (run?.outcome === 'passed') return run
    throw new Error(`Without a mutant, ${test}: ${run?.failed ?? run?.outcome ?? 'too slow'}`)
  }
  const found = baselines.get(test) ?? measure()
  baselines.set(test, found)
  return found
}

interface Verdict {
  readonly noticed: boolean
  readonly how: string
}

/** Runs the tests of a mutant file by file until one notices it. */
async function judge(lane: Lane, mutant: Mutant): Promise<Verdict> {
  const [original, mutated] = [
    await readFile(join(ROOT, mutant.file), 'utf8'),
    await mutate(mutant),
  ]
  let how = 'no test'
  for (const test of mutant.tests) {
    const { milliseconds } = await baseline(lane, test)
    const limit = Math.max(LEAST_LIMIT, SLOWER * milliseconds)
    await lane.write(mutant.file, mutated)
    const run = await lane.run(test, limit)
    await lane.write(mutant.file, original)
    if (!run) return { noticed: true, how: `${test} takes more than ${limit} ms` }
    if (run.outcome === 'failed') return { noticed: true, how: `${run.failed}` }
    how = run.outcome === 'passed' ? 'every test passes' : `${test} cannot be loaded`
    if (run.outcome !== 'passed') break
  }
  return { noticed: false, how }
}

const args = process.argv.slice(2)
const option = (name: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${name}`))?.slice(name.length + 3)
const filters = args.filter((arg) => !arg.startsWith('--'))
const today = Math.floor(Date.now() / 86_400_000)
const tenth = option('tenth') === undefined ? undefined : Number(option('tenth') || today) % 10

const all = await readMutants()
const chosen = all.filter(
  ({ file, reason, equivalent }, index) =>
    !equivalent &&
    (tenth === undefined || index % 10 === tenth) &&
    (filters.length === 0 || filters.some((text) => file.includes(text) || reason.includes(text))),
)
for (const mutant of chosen) await mutate(mutant)
process.stdout.write(`${chosen.length} of ${all.length} mutants\n`)

const began = Date.now()
const folder = await mkdtemp(join(tmpdir(), 'streamable-mcp-mutants-'))
const waiting = [...chosen]
const survivors: string[] = []

async function work(lane: Lane): Promise<void> {
  for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
    const { noticed, how } = await judge(lane, mutant).catch(
      (error): Verdict => ({ noticed: false, how: error.message }),
    )
    const line = `${mutant.file}: ${mutant.reason} (${JSON.stringify(mutant.from)}): ${how}`
    if (!noticed) survivors.push(line)
    process.stdout.write(`${noticed ? '✓' : '✗'} ${line}\n`)
  }
}

const lanes: Lane[] = []
try {
  for (let i = 0; i < Number(option('lanes') || 2); i++) {
    await copyTree(join(folder, `${i}`))
    lanes.push(new Lane(join(folder, `${i}`)))
  }
  await Promise.all(lanes.map(work))
} finally {
  await Promise.all(lanes.map((lane) => lane.end()))
  await rm(folder, { recursive: true, force: true })
}
for (const survivor of survivors) process.stdout.write(`Not noticed: ${survivor}\n`)
const seconds = Math.round((Date.now() - began) / 1000)
const noticed = chosen.length - survivors.length
process.stdout.write(`${noticed} noticed, ${survivors.length} not, in ${seconds} s\n`)
process.exitCode = survivors.length === 0 ? 0 : 1
