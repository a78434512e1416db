/** The results as JSON, and as the table of README. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { CoreSize } from './bundle.ts'
import { CONTENDERS } from './contenders.ts'
import type { Cost, Latency, Memory } from './measures.ts'

export interface Results {
  date: string
  mode: 'quick' | 'full'
  machine: string
  node: string
  /** Whether server and driver had cores of their own. */
  pinned: boolean
  rounds: number
  versions: Record<string, string>
  /** CPU per request by load. */
  costs: Record<string, Cost[]>
  latencies: Latency[]
  memory: Memory[]
  sessions: { label: string; bytes: number }[]
  coldStarts: { label: string; later: number }[]
  core: CoreSize
  /** CPU and requests per second of each of several processes on one DynamoDB table. */
  scaling: { processes: number; cpu: number; perSecond: number }[]
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const PACKAGES = [
  'hono',
  '@hono/node-server',
  'mcp-lite',
  '@modelcontextprotocol/sdk',
  '@modelcontextprotocol/server',
  '@hono/mcp',
  'mcp-handler',
  'fastmcp',
]

/** What is installed, which is what the lock file says. */
export function versions(): Record<string, string> {
  const lock = createRequire(import.meta.url)('./package-lock.json') as {
    packages: Record<string, { version?: string }>
  }
  return Object.fromEntries(
    PACKAGES.map((name) => [name, lock.packages[`node_modules/${name}`]?.version ?? '?']),
  )
}

export const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}`

const MARKS = ['<!-- bench:start -->', '<!-- bench:end -->'] as const

export function write(results: Results): void {
  writeFileSync(here('results.json'), `${JSON.stringify(results, null, 2)}\n`)
  const readme = here('../README.md')
  const text = readFileSync(readme, 'utf8')
  const [start, end] = MARKS.map((mark) => text.indexOf(mark)) as [number, number]
  if (start < 0 || end < start) throw new Error(`README.md lacks the marks ${MARKS.join(' and ')}`)
  const before = text.slice(0, start + MARKS[0].length)
  writeFileSync(readme, `${before}\n${toMarkdown(results)}\n${text.slice(end)}`)
}

export function toMarkdown(results: Results): string {
  const loads = Object.keys(results.costs)
  const rows = CONTENDERS.filter(({ label }) =>
    loads.some((load) => results.costs[load]?.some((cost) => cost.label === label)),
  ).map(({ label }) => {
    const cells = loads.map((load) => {
      const cost = results.costs[load]?.find((one) => one.label === label)
      return cost ? cost.ratio.toFixed(2) : '–'
    })
    return [label, ...cells]
  })
  const floors = loads.map(() => '1.00')
  return [
    `Server CPU per request ÷ bare Hono's, median of ${results.rounds} interleaved rounds, 16 connections (streams: one):`,
    '',
    table(['', ...loads], [['bare Hono', ...floors], ...rows]),
    '',
    table(
      ['latency at connections, ms', 'p50', 'p99', 'major collections'],
      results.latencies.map(({ label, connections, p50, p99, majorCollections }) => [
        `${label}, ${connections}`,
        p50.toFixed(2),
        p99.toFixed(2),
        String(majorCollections),
      ]),
    ),
    '',
    table(
      ['after 50,000 calls', 'RSS, MiB', 'heap, MiB'],
      results.memory.map(({ label, rss, heap }) => [label, rss.toFixed(0), heap.toFixed(1)]),
    ),
    '',
    ...results.sessions.map(
      ({ label, bytes }) =>
        `* A session nobody ends, ${label}: ${Math.round(bytes)} bytes of heap.`,
    ),
    ...results.coldStarts.map(
      ({ label, later }) =>
        `* First answer later than bare Hono's, ${label}: ${later.toFixed(0)} ms.`,
    ),
    ...results.scaling.map(
      ({ processes, cpu, perSecond }) =>
        `* ${processes} process${processes === 1 ? '' : 'es'} on one DynamoDB table (dynalite on the other core): ${cpu.toFixed(0)} µs of CPU per legacy call, ${perSecond.toFixed(0)} calls a second in all.`,
    ),
    `* Our core beyond Hono, minified, without the author's schema library: ${kib(results.core.atStart)} at the start, ${kib(results.core.withEras)} with the code of both eras, ${kib(results.core.withAll)} with all that is loaded when needed.`,
    '',
    `${results.date.slice(0, 10)}, \`npm run bench${results.mode === 'full' ? ':full' : ''}\`, Node ${results.node}, ${results.machine}${results.pinned ? ', server on a core of its own' : ''}. ${Object.entries(
      results.versions,
    )
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ].join('\n')
}

const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(line).join('\n')
}
