/** Metrics without a call: one line a request in CloudWatch's embedded metric format, written to the function's log. */

import type { Observer, StoreStats } from '../src/index.ts'
import type { Environment } from './environment/variables.ts'
import { readChoice } from './environment/variables.ts'

/** The namespace of the metrics in CloudWatch. */
export const NAMESPACE = 'StreamableMcp'

/** The name of a metric and its unit. */
type Metric = readonly [name: string, unit: 'Count' | 'Milliseconds']

/** What CloudWatch makes of each line, by dimension. Each pair of a metric and a dimension value is billed. */
export const METRICS = {
  /** For the function as a whole. */
  FunctionName: [
    ['Requests', 'Count'],
    ['Calls', 'Count'],
    ['ToolErrors', 'Count'],
    ['ProtocolErrors', 'Count'],
    ['Refusals', 'Count'],
    ['UnknownSessions', 'Count'],
    ['ServerErrors', 'Count'],
    ['Duration', 'Milliseconds'],
    ['ColdStarts', 'Count'],
    ['OpenStreams', 'Count'],
    ['StreamDuration', 'Milliseconds'],
    ['StoreOperations', 'Count'],
    ['StoreThrottles', 'Count'],
  ],
  /** For each registered tool that was called. */
  Tool: [
    ['Calls', 'Count'],
    ['ToolErrors', 'Count'],
    ['Duration', 'Milliseconds'],
  ],
  /** For clients of 2025 (`legacy`) and of 2026 (`modern`). */
  Era: [['Requests', 'Count']],
  /** For each HTTP status that was sent. */
  Status: [['Requests', 'Count']],
} as const satisfies Record<string, readonly Metric[]>

/** `tools` adds the dimensions Tool, Era and Status to the metrics of the function as a whole. */
export type MetricsDetail = 'off' | 'basic' | 'tools'

/** Begins the line of a request. */
export type Metrics = (requestId: string) => RequestMetrics

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  detail: Exclude<MetricsDetail, 'off'>
  /** The value of the dimension FunctionName. */
  functionName: string
  /** Counts of the store. */
  stats?: (() => StoreStats | undefined) | undefined
  /** Epoch milliseconds. @default Date.now */
  clock?: () => number
  /** Writes the line. Lambda's own console would wrap it. @default process.stdout.write */
  write?: (line: string) => void
}

/** What the adapter knows at the end of a request. */
export interface RequestEnd {
  readonly status: number
  /** Whether the response was an event stream. */
  readonly stream: boolean
}

/** The line of one request in the making: the server tells it of its calls. */
export interface RequestMetrics extends Observer {
  /** Writes the line, once. Call it when the body has ended, and before the handler resolves. */
  end(request: RequestEnd): void
}

const DETAILS = ['off', 'basic', 'tools'] as const

/** Reads whether a function writes metrics: the option, or else `MCP_METRICS`, or else off. */
export function readMetrics(
  env: Environment,
  store: { readonly stats?: StoreStats } | undefined,
  option?: MetricsDetail,
): Metrics | undefined {
  const detail =
    option ?? readChoice<MetricsDetail>(env, 'MCP_METRICS', { choices: DETAILS, fallback: 'off' })
  if (detail === 'off') return undefined
  const functionName = env.AWS_LAMBDA_FUNCTION_NAME ?? 'unknown'
  return createMetrics({ detail, functionName, stats: () => store?.stats })
}

/** Returns a function that begins the line of a request. The first one is the cold start. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { detail, functionName, stats, clock = Date.now, write = writeToStdout } = options
  let cold = true
  let counted: StoreStats = { operations: 0, throttles: 0 }

  /** Operations since the last line, those between two requests included. */
  function storeCounts() {
    const now = stats?.() ?? counted
    const { operations, throttles } = counted
    counted = { operations: now.operations, throttles: now.throttles }
    return {
      StoreOperations: now.operations - operations,
      StoreThrottles: now.throttles - throttles,
    }
  }

  return (requestId) => {
    const startedAt = clock()
    const counts = { Calls: 0, ToolErrors: 0, ProtocolErrors: 0 }
    let ended = false
    let era: string | undefined
    let tool: string | undefined
    let method: string | undefined
    const isColdStart = cold
    cold = false
    return {
      async call(_call, run) {
        counts.Calls += 1
        const { error } = await run()
        if (error === undefined) return
        counts[error === 'tool_error' ? 'ToolErrors' : 'ProtocolErrors'] += 1
      },
      request(request) {
        era = request.era
        tool = request.tool
        method = request.method
      },
      end({ status, stream }) {
        if (ended) return
        ended = true
        const duration = clock() - startedAt
        const is = (condition: boolean) => Number(condition)
        const values = {
          Requests: 1,
          ...counts,
          Refusals: is(status === 401 || status === 403),
          UnknownSessions: is(status === 404),
          ServerErrors: is(status >= 500),
          Duration: duration,
          ColdStarts: is(isColdStart),
          OpenStreams: is(stream),
          ...(stream && { StreamDuration: duration }),
          ...storeCounts(),
        }
        const dimensions = {
          FunctionName: functionName,
          ...(tool !== undefined && { Tool: tool }),
          ...(era !== undefined && { Era: era }),
          Status: String(status),
        }
        const line = {
          _aws: {
            Timestamp: startedAt,
            CloudWatchMetrics: directives(detail, dimensions, values),
          },
          ...dimensions,
          ...values,
          // Members only: as a dimension, each of their values would be billed as a metric.
          requestId,
          ...(method !== undefined && { method }),
        }
        write(`${JSON.stringify(line)}\n`)
      },
    }
  }
}

/** Tells CloudWatch which members of the line are metrics, and by which dimensions. */
function directives(
  detail: MetricsOptions['detail'],
  present: Readonly<Record<string, string>>,
  values: Readonly<Record<string, number>>,
): object[] {
  return Object.entries(METRICS)
    .filter(([name]) => name in present && (name === 'FunctionName' || detail === 'tools'))
    .map(([name, metrics]: [string, readonly Metric[]]) => ({
      Namespace: NAMESPACE,
      Dimensions: [name === 'FunctionName' ? [name] : ['FunctionName', name]],
      Metrics: metrics
        .filter(([metric]) => metric in values)
        .map(([Name, Unit]) => ({ Name, Unit })),
    }))
}

function writeToStdout(line: string): void {
  process.stdout.write(line)
}
