/** Makes a usage report: reads the log, adds up, and notes what is missing. */
import { failure } from '../../../src/index.ts'
import type { AwsFault } from '../aws-fault.ts'
import { awsFault } from '../aws-fault.ts'
import type { CollectOptions, Gap } from './collect.ts'
import { collectUsage } from './collect.ts'
import type { Dimension, Row, Usage } from './ledger.ts'
import { createLedger } from './ledger.ts'
import type { LogsApi, Window } from './logs-api.ts'
import { DAY_MS } from './record.ts'

export interface ReportRequest {
  readonly region: string
  readonly group: string
  readonly days: number
  readonly groupBy?: readonly Dimension[] | undefined
}

export interface Report {
  readonly region: string
  readonly days: number
  readonly period: Window
  readonly totals: Readonly<Usage>
  readonly tables: Readonly<Record<Dimension, readonly Row[]>>
  /** Tokens per day by model, for the chart. */
  readonly modelsByDay: readonly Row[]
  readonly groups?: { readonly by: readonly Dimension[]; readonly rows: readonly Row[] }
  /** Log lines that are not invocation records. */
  readonly malformed: number
  readonly source: 'insights' | 'events' | 'both'
  readonly gaps: readonly Gap[]
  /** Sentences that a reader of the figures must know. */
  readonly notes: readonly string[]
}

const MODELS_BY_DAY = ['day', 'model'] as const

/** Throws a failure that says what to do when AWS refuses to read the log. */
export async function createReport(
  logs: LogsApi,
  request: ReportRequest,
  { now, ...options }: CollectOptions & { now: () => number },
): Promise<Report> {
  const { region, days, groupBy } = request
  const to = now()
  const period = { from: to - days * DAY_MS, to }
  const by = groupBy && [...new Set(groupBy)]
  const ledger = createLedger([
    ['day'],
    ['region'],
    ['model'],
    ['user'],
    MODELS_BY_DAY,
    ...(by ? [by] : []),
  ])
  const { gaps, source } = await collectUsage(logs, request.group, period, ledger, options).catch(
    (error) => {
      options.signal.throwIfAborted()
      const fault = awsFault(error)
      throw fault ? failure(advice[fault](request)) : error
    },
  )
  return {
    region,
    days,
    period,
    totals: ledger.totals,
    tables: {
      day: ledger.table(['day']),
      region: ledger.table(['region']),
      model: ledger.table(['model']),
      user: ledger.table(['user']),
    },
    modelsByDay: ledger.table(MODELS_BY_DAY),
    ...(by && { groups: { by, rows: ledger.table(by) } }),
    malformed: ledger.malformed,
    source,
    gaps,
    notes: [
      ...gaps.map((gap) => `Note: this report is partial. ${gapText(gap, options)}`),
      ...malformedNote(ledger.malformed),
      ...(ledger.overflowed
        ? ['Note: there are too many different rows to list; the rest is added up under "(other)".']
        : []),
    ],
  }
}

function gapText({ from, to, reason }: Gap, { limits }: CollectOptions): string {
  const why = {
    time: `the time limit of ${Math.round(limits.time / 1000)} seconds was reached`,
    pages: `the limit of ${limits.pages} pages of log lines was reached`,
    throttled: 'AWS throttled the requests',
    unreachable: 'CloudWatch Logs could no longer be reached',
    broken: 'CloudWatch Logs failed on its side',
  }[reason]
  return `From ${minute(from)} to ${minute(to)} UTC usage is missing, at least in part, because ${why}.`
}

function malformedNote(lines: number): string[] {
  if (lines === 0) return []
  return [
    lines === 1
      ? 'Note: 1 log line is not an invocation record and was not counted.'
      : `Note: ${lines} log lines are not invocation records and were not counted.`,
  ]
}

function minute(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}

const advice: Record<AwsFault, (request: ReportRequest) => string> = {
  missing: ({ group, region }) =>
    `There is no log group "${group}" in ${region}. Check its name and the region; if it should ` +
    'exist, switch on model invocation logging to CloudWatch Logs in the settings of Amazon Bedrock.',
  denied: ({ group, region }) =>
    `The server may not read the log group "${group}" in ${region}. Its AWS identity needs ` +
    'logs:StartQuery, logs:GetQueryResults and logs:StopQuery on the group, or logs:FilterLogEvents.',
  credentials: () =>
    'The server has no valid AWS credentials. Its operator must give it a role, or renew its keys.',
  throttled: ({ region }) =>
    `AWS is throttling requests to CloudWatch Logs in ${region}. Try again in a minute.`,
  unreachable: ({ region }) =>
    `CloudWatch Logs in ${region} could not be reached. Check that this region exists and that the ` +
    "server's network lets it out.",
  broken: ({ region }) => `CloudWatch Logs in ${region} failed on its side. Try again in a minute.`,
  refused: ({ group, region }) =>
    `CloudWatch Logs in ${region} does not serve requests for the log group "${group}". Check its ` +
    'name, and that its class allows Logs Insights queries or filtering.',
}
