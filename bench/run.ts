/** `npm run bench`: measures us against the floor and the nearest others; `npm run bench:full`: against all, and longer. */
import { buildServers } from './build.ts'
import { coreSize } from './bundle.ts'
import { CONTENDERS, FLOOR, LOADS } from './contenders.ts'
import { bytesPerSession, coldStarts, costs, latencies, memoryAfter } from './measures.ts'
import { pinDriver, pinned } from './process.ts'
import { machine, type Results, toMarkdown, versions, write } from './report.ts'
import { scaling } from './scaling.ts'

const full = process.argv.includes('--full')
const settings = full
  ? { rounds: 15, slice: 150, warmUp: 6_000 }
  : { rounds: 11, slice: 50, warmUp: 2_500 }
const chosen = CONTENDERS.filter(({ quick }) => full || quick)
const ours = CONTENDERS.filter(({ server }) => server === 'ours')
const [call] = LOADS
if (!call) throw new Error('There is nothing to measure with')

const step = (name: string) => process.stderr.write(`${name}\n`)

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
  versions: versions(),
  costs: {},
  latencies: [],
  memory: [],
  sessions: [],
  coldStarts: [],
  core: await coreSize(),
  scaling: [],
}
for (const load of LOADS) {
  step(`CPU: ${load.name}`)
  results.costs[load.name] = await costs(chosen, load, settings)
}
step('latency')
for (const connections of full ? [1, 16, 64] : [1]) {
  const rows = [FLOOR, ...(full ? chosen : ours)]
  results.latencies.push(
    ...(await latencies(rows, call, connections, { rounds: settings.rounds, calls: 2_000 })),
  )
}
step('memory')
for (const contender of full ? [FLOOR, ...chosen] : [FLOOR, ...ours]) {
  results.memory.push(await memoryAfter(contender, call, 50_000))
}
for (const contender of chosen.filter(({ sessions }) => sessions)) {
  const bytes = await bytesPerSession(contender, full ? 20_000 : 4_000)
  results.sessions.push({ label: contender.label, bytes })
}
step('cold start')
results.coldStarts = await coldStarts(full ? chosen : ours.slice(0, 1), call, full ? 15 : 7)
if (full) {
  step('processes on one table')
  for (const processes of [1, 2, 4]) results.scaling.push(await scaling(processes))
}
write(results)
process.stdout.write(`${toMarkdown(results)}\n`)
