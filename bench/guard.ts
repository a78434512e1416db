/**
 * `npm run bench:guard`: fails when a `tools/call` takes a much larger multiple of bare Hono's CPU time
 * than the benchmark shows. Both run on one machine at the same time, so its speed does not matter.
 */
import { buildServers } from './build.ts'
import { CONTENDERS, LOADS } from './contenders.ts'
import { costs } from './measures.ts'
import { pinDriver } from './process.ts'

/** The benchmark measures 1.04 for 2026 and 1.07 for 2025. A busy machine adds some noise. */
const MOST_TIMES_HONO = 1.5

const ours = CONTENDERS.filter(({ server }) => server === 'ours')
const [call] = LOADS
if (!call || ours.length === 0) throw new Error('There is nothing to measure with')

pinDriver()
await buildServers()
// Code that is compiled late, and the luck of one process, differ by more than what the guard looks for.
const settings = { rounds: 15, slice: 20, warmUp: 30_000, processes: 3 }
const found = await costs(ours, call, settings)
for (const { label, ratio } of found) {
  const times = ratio.toFixed(2)
  process.stdout.write(`${label}: ${times} times bare Hono, at most ${MOST_TIMES_HONO}\n`)
}
if (found.some(({ ratio }) => ratio > MOST_TIMES_HONO)) process.exitCode = 1
