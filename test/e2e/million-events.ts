/**
 * The end of `npm run test:report`: the usage report over 1,000,000 log events, with both ways of reading, correct
 * totals and limited memory. The stand-in for CloudWatch Logs runs in another process, so that only the
 * memory of the report is measured.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bedrockReport } from '../../reference/tools/bedrock-report.ts'
import type { LogGroup } from '../support/fake-logs.ts'
import { startFakeLogs } from '../support/fake-logs.ts'
import { invocation } from '../support/invocation-log.ts'
import { callTool, serverWith, textOf } from '../support/tool-calls.ts'

const day = 86_400_000
const now = Date.parse('2025-04-08T12:00:00Z')

interface Scenario {
  readonly name: string
  readonly events: number
  readonly days: number
  readonly callers: number
  readonly insights: boolean
}

const scenarios: Scenario[] = [
  { name: 'warm-up', events: 10_000, days: 7, callers: 100, insights: true },
  { name: 'Insights', events: 1_000_000, days: 7, callers: 1_500, insights: true },
  { name: 'FilterLogEvents', events: 1_000_000, days: 7, callers: 1_500, insights: false },
  { name: 'a caller each', events: 100_000, days: 1, callers: 100_000, insights: true },
]

/** The largest growth of the process during the report, in MiB. */
const growthLimit = 250
/** The time limit of one report in milliseconds. */
const TIMEOUT = 600_000

function nth(scenario: Scenario, index: number) {
  const { events, days, callers } = scenario
  return {
    time: now - days * day + Math.floor(((index + 0.5) * days * day) / events),
    modelId: `amazon.model-${Math.floor(index / callers) % 4}-v1:0`,
    user: `arn:aws:sts::123456789012:assumed-role/app/session-${index % callers}`,
    input: 10 + (index % 400),
    output: index % 50,
  }
}

/** The child process: serves one scenario until its standard input ends. */
async function serve(scenario: Scenario): Promise<void> {
  const group: LogGroup = {
    size: scenario.events,
    at: (index) => invocation(nth(scenario, index)),
  }
  const fake = await startFakeLogs({
    groups: { logs: group },
    refuse: ({ operation }) =>
      operation === 'StartQuery' && !scenario.insights
        ? { name: 'AccessDeniedException' }
        : undefined,
  })
  process.stdout.write(`${fake.url}\n`)
  process.stdin.resume()
  await once(process.stdin, 'end')
  process.stdout.write(`${JSON.stringify(countCalls(fake.calls))}\n`)
  await fake.close()
}

function countCalls(calls: readonly { operation: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { operation } of calls) counts[operation] = (counts[operation] ?? 0) + 1
  return counts
}

async function line(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the stand-in has no output')
  const [chunk] = await once(child.stdout, 'data')
  return String(chunk).trim()
}

/** Runs one scenario, prints its figures, and returns the errors in them. */
async function measure(scenario: Scenario): Promise<string[]> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), scenario.name],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  process.env.AWS_ENDPOINT_URL_CLOUDWATCH_LOGS = await line(child)
  // The stand-in is slower than AWS, above all on a busy machine.
  const mcp = serverWith((server) =>
    bedrockReport(server, { clock: () => now, limits: { time: TIMEOUT } }),
  )
  const before = process.memoryUsage().rss
  let peak = before
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 20)
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const result = await callTool(
    mcp,
    'get_bedrock_usage_report',
    { region: 'us-east-1', log_group_name: 'logs', days: scenario.days },
    { timeout: TIMEOUT },
  ).finally(() => {
    clearInterval(sampler)
    child.stdin?.end()
  })
  const [time, { user, system }] = [performance.now() - start, process.cpuUsage(cpu)]
  const calls = await line(child)

  const growth = (peak - before) / 2 ** 20
  process.stdout.write(
    `${scenario.name}: ${scenario.events} events in ${(time / 1000).toFixed(1)} s, CPU ${(
      (user + system) / 1e6
    ).toFixed(
      1,
    )} s, memory ${(before / 2 ** 20).toFixed(0)} MiB, at most ${growth.toFixed(0)} more, ` +
      `result ${(JSON.stringify(result).length / 1024).toFixed(0)} KiB, ${calls}\n`,
  )

  const expected = { requests: scenario.events, input_tokens: 0, output_tokens: 0 }
  for (let index = 0; index < scenario.events; index++) {
    const { input, output } = nth(scenario, index)
    expected.input_tokens += input
    expected.output_tokens += output
  }
  const { totals, partial } = (result.structuredContent ?? {}) as {
    totals?: Record<string, number>
    partial?: boolean
  }
  const wrong = Object.entries(expected)
    .filter(([name, value]) => totals?.[name] !== value)
    .map(([name, value]) => `${scenario.name}: ${name} is ${totals?.[name]}, not ${value}`)
  if (partial !== false) wrong.push(`${scenario.name}: ${textOf(result).slice(-300)}`)
  if (growth > growthLimit) wrong.push(`${scenario.name}: memory grew by ${growth.toFixed(0)} MiB`)
  return wrong
}

const served = scenarios.find(({ name }) => name === process.argv[2])
if (served) await serve(served)
else {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
  const wrong: string[] = []
  for (const scenario of scenarios) wrong.push(...(await measure(scenario)))
  process.stdout.write(`${wrong.map((problem) => `${problem}\n`).join('')}`)
  process.stdout.write(`${scenarios.length - wrong.length} passed, ${wrong.length} failed\n`)
  if (wrong.length > 0) process.exitCode = 1
}
