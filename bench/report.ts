/** The results as JSON, and as the tables of docs/benchmarks.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ColdStart } from '../test/aws/cold-start.ts'
import type { CoreSize, ServerSize } from './bundle.ts'
import { CONTENDERS, FLOOR } from './contenders.ts'
import type { Abandoned, Cost, Latency, Memory } from './measures.ts'

export interface Results {
  date: string
  mode: 'quick' | 'full'
  machine: string
  node: string
  /** Whether server and driver ran on separate cores. */
  pinned: boolean
  rounds: number
  /** The number of processes of each server in the rounds of `initialize`. */
  processes: number
  versions: Record<string, string>
  /** CPU per request by load. */
  costs: Record<string, Cost[]>
  latencies: Latency[]
  memory: Memory[]
  sessions: Abandoned[]
  coldStarts: { label: string; later: number }[]
  /** Through Lambda's runtime client, on Node 24. */
  lambda: ColdStart[]
  core: CoreSize
  sizes: ServerSize[]
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

/** The installed versions, read from the lock file. */
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
  const page = here('../docs/benchmarks.md')
  const text = readFileSync(page, 'utf8')
  const [start, end] = MARKS.map((mark) => text.indexOf(mark)) as [number, number]
  if (start < 0 || end < start) throw new Error(`${page} lacks the marks ${MARKS.join(' and ')}`)
  const before = text.slice(0, start + MARKS[0].length)
  writeFileSync(page, `${before}\n${toMarkdown(results)}\n${text.slice(end)}`)
}

export function toMarkdown(results: Results): string {
  const { rounds, processes } = results
  return [
    `Server CPU per request ÷ bare Hono's, median of ${rounds} interleaved rounds (\`initialize\`: the mean of those of ${processes} processes, as the collector's share grows with the sessions), 16 connections (streams: one):`,
    '',
    byLoad(results.costs, (load) => [[load, ({ ratio }) => ratio.toFixed(2)]]),
    '',
    'The events of those streams:',
    '',
    byLoad(
      Object.fromEntries(
        Object.entries(results.costs).filter(([, [first]]) => first?.stream !== undefined),
      ),
      (load) => [
        [`${load}: a second`, ({ stream }) => toCount(stream?.perSecond)],
        ['µs of CPU each', ({ stream }) => stream?.cpu.toFixed(1)],
        ['bytes each', ({ stream }) => stream?.bytes.toFixed(0)],
      ],
    ),
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
    table(
      ['sessions that are never ended', 'sessions', 'heap each, bytes', 'RSS each, bytes'],
      results.sessions.map(({ label, sessions, heap, rss }) => [
        label,
        toCount(sessions),
        toCount(heap),
        toCount(rss),
      ]),
    ),
    '',
    table(
      ["a start, beyond bare Hono's", 'first answer, ms', 'code, KiB', '… and when needed, KiB'],
      results.sizes.map(({ label, atStart, all }) => [
        label,
        results.coldStarts.find((one) => one.label === label)?.later.toFixed(0) ?? '–',
        kib(atStart),
        kib(all),
      ]),
    ),
    '',
    ...results.lambda.map(
      ({ label, time, ratio }) =>
        `* First answer of a new process behind Lambda's runtime client, Node 24, ${label}: ${time.toFixed(0)} ms, bare Hono's × ${ratio.toFixed(2)}.`,
    ),
    ...results.scaling.map(
      ({ processes, cpu, perSecond }) =>
        `* ${processes} process${processes === 1 ? '' : 'es'} on one DynamoDB table (dynalite on the other core): ${cpu.toFixed(0)} µs of CPU per legacy call, ${perSecond.toFixed(0)} calls a second in all.`,
    ),
    `* Our core beyond Hono, minified, without the author's schema library: ${kib(results.core.atStart)} KiB at the start, ${kib(results.core.withEras)} with the code of both eras, ${kib(results.core.withAll)} with all that is loaded when needed.`,
    '',
    `${results.date.slice(0, 10)}, \`npm run bench${results.mode === 'full' ? ':full' : ''}\`, Node ${results.node}, ${results.machine}${results.pinned ? ', server on a core of its own' : ''}. ${Object.entries(
      results.versions,
    )
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ].join('\n')
}

/** A row for each server that was measured under one of the loads; `columns` are the columns of one load. */
function byLoad(
  costs: Results['costs'],
  columns: (load: string) => [head: string, cell: (cost: Cost) => string | undefined][],
): string {
  const all = Object.entries(costs).flatMap(([load, found]) =>
    columns(load).map(([head, cell]) => ({ head, found, cell })),
  )
  const rows = [FLOOR, ...CONTENDERS].flatMap(({ label }) => {
    const cells = all.map(({ found, cell }) => {
      const cost = found.find((one) => one.label === label)
      return cost && cell(cost)
    })
    return cells.some(Boolean) ? [[label, ...cells.map((text) => text ?? '–')]] : []
  })
  return table(['', ...all.map(({ head }) => head)], rows)
}

const toCount = (value = Number.NaN) => Math.round(value).toLocaleString('en')

const kib = (bytes: number) => (bytes / 1024).toFixed(1)

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(line).join('\n')
}
