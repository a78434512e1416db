/** `npm run bench`: measures us against the floor and the nearest others; `npm run bench:full`: against all, and longer. */
import { coldStarts as lambdaColdStarts } from '../test/aws/cold-start.ts'
import { startDynalite } from '../test/support/dynalite.ts'
import { buildServers } from './build.ts'
import { coreSize, serverSizes } from './bundle.ts'
import { CONTENDERS, FLOOR, LOADS } from './contenders.ts'
import { coldStarts, costs, latencies, memoryAfter, memoryPerSession } from './measures.ts'
import { pinDriver, pinned } from './process.ts'
import type { Results } from './report.ts'
import { machine, toMarkdown, versions, write } from './report.ts'
import { scaling } from './scaling.ts'

const full = process.argv.includes('--full')
const settings = full
  ? { rounds: 51, slice: 20, warmUp: 8_000, processes: 5 }
  : { rounds: 25, slice: 20, warmUp: 3_000, processes: 2 }
// The table runs in the driver's process, so it does not use the servers' core.
await using database = await startDynalite()
const chosen = CONTENDERS.filter(({ quick }) => full || quick).map((contender) =>
  contender.table ? { ...contender, env: database.env } : contender,
)
/** The contenders that do not use a table, because the others wait for it most of the time. */
const alone = chosen.filter(({ table }) => !table)
const ours = CONTENDERS.filter(({ server }) => server === 'ours')
const [call] = LOADS
if (!call) throw new Error('There is nothing to measure with')

const step = (name: string) =>
  process.stderr.write(`${name} (${Math.round(performance.now() / 1_000)}s)\n`)

const lambda: Results['lambda'] = []
if (full) {
  // Each function may use both cores, as in `npm run test:aws`.
  step("cold start through Lambda's runtime client")
  lambda.push(...(await lambdaColdStarts(database)))
}
pinDriver()
step('building the servers')
await buildServers()

const results: Results = {
  date: new Date().toISOString(),
  mode: full ? 'full' : 'quick',
  machine,
  node: process.versions.node,
  pinned,
  rounds: settings.rounds,
  processes: settings.processes,
  versions: versions(),
  costs: {},
  latencies: [],
  memory: [],
  sessions: [],
  coldStarts: [],
  lambda,
  core: await coreSize(),
  sizes: await serverSizes(chosen, FLOOR),
  scaling: [],
}
for (const load of LOADS) {
  step(`CPU: ${load.name}`)
  results.costs[load.name] = await costs(chosen, load, settings)
}
step('latency')
for (const connections of full ? [1, 16, 64] : [1]) {
  const rows = [FLOOR, ...(full ? alone : ours)]
  results.latencies.push(
    ...(await latencies(rows, call, connections, { rounds: 11, calls: 1_000 })),
  )
}
step('memory')
for (const contender of full ? [FLOOR, ...alone] : [FLOOR, ...ours]) {
  results.memory.push(await memoryAfter(contender, call, 50_000))
}
// Twenty thousand sessions: enough to show that memory stays flat, and few enough for a table in minutes.
for (const contender of (full ? chosen : alone).filter(({ sessions }) => sessions)) {
  results.sessions.push(await memoryPerSession(contender, full ? 20_000 : 4_000))
}
step('cold start')
results.coldStarts = await coldStarts(full ? alone : ours.slice(0, 1), call, full ? 15 : 7)
if (full) {
  step('processes on one table')
  for (const processes of [1, 2, 4]) {
    results.scaling.push(await scaling(processes, database.env))
  }
}
write(results)
process.stdout.write(`${toMarkdown(results)}\n`)
