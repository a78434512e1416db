/**
 * A stand-in for CloudWatch Logs over real HTTP (awsJson1.1). It behaves like AWS in everything that a
 * report depends on: states of a query, row limit, seconds and milliseconds, pages limited by size, empty
 * pages, errors. AWS clients reach it through `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
 */
import type { IncomingMessage } from 'node:http'
import type { Field, LogEvent } from './insights-query.ts'
import { compileQuery, QuerySyntaxError } from './insights-query.ts'
import type { Listener } from './listener.ts'
import { listen } from './listener.ts'

/** The events of a log group, sorted by time. They are created on demand, so a million need no memory. */
export interface LogGroup {
  readonly size: number
  at(index: number): LogEvent
  /** The creation time in epoch milliseconds. Like AWS, it refuses a query that ends before it. */
  readonly created?: number
}

export function logGroup(events: readonly LogEvent[], created?: number): LogGroup {
  const sorted = [...events].sort((a, b) => a.timestamp - b.timestamp)
  return {
    size: sorted.length,
    at: (index) => sorted[index] ?? { timestamp: 0, message: '' },
    ...(created !== undefined && { created }),
  }
}

export interface Call {
  readonly operation: string
  readonly body: Readonly<Record<string, unknown>>
  readonly accessKey: string
  readonly region: string
  /** The number of earlier calls of this operation. */
  readonly index: number
}

export interface Refusal {
  readonly name: string
  readonly message?: string
  readonly status?: number
}

export interface FakeLogsOptions {
  readonly groups: Readonly<Record<string, LogGroup>>
  /** The number of answers of GetQueryResults before a query is complete: Scheduled, then Running. @default 2 */
  readonly polls?: number
  /** The final status of a query. @default 'Complete' */
  readonly ending?: 'Complete' | 'Failed' | 'Timeout' | 'never'
  /** The largest number of rows of a query. @default 10_000 */
  readonly maxRows?: number
  /** The largest number of queries at the same time. @default 30 */
  readonly maxRunning?: number
  /** The size of a page of events. @default 1 MiB, and 10,000 events */
  readonly pageBytes?: number
  /** Each page's token leads to the same page. */
  readonly stuck?: boolean
  /** After this number of pages comes an empty page that has a next one. */
  readonly emptyPageEvery?: number
  /** Decides that a call fails. */
  readonly refuse?: (call: Call) => Refusal | undefined
}

export interface FakeLogs extends Listener {
  readonly calls: readonly Call[]
  /** The number of queries that have neither ended nor been stopped. */
  readonly running: number
  count(operation: string): number
}

class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.name)
    this.refusal = refusal
  }
}

interface Query {
  status: 'Scheduled' | 'Running' | 'Complete' | 'Cancelled' | 'Failed' | 'Timeout'
  polls: number
  readonly answer: () => Field[][]
  rows?: Field[][]
  readonly scanned: number
}

export async function startFakeLogs(options: FakeLogsOptions): Promise<FakeLogs> {
  const { polls = 2, maxRows = 10_000, maxRunning = 30, ending = 'Complete' } = options
  const queries = new Map<string, Query>()
  const calls: Call[] = []
  const running = () => [...queries.values()].filter(isRunning).length

  function groupOf(name: unknown): LogGroup {
    const group = typeof name === 'string' ? options.groups[name] : undefined
    if (!group)
      throw new Refused({ name: 'ResourceNotFoundException', message: `internal: ${name}` })
    return group
  }

  const operations: Record<string, (body: Call['body']) => unknown> = {
    StartQuery({ logGroupName, queryString, startTime, endTime }) {
      const group = groupOf(logGroupName)
      const [from, to] = [Number(startTime) * 1000, Number(endTime) * 1000]
      if (!(from < to) || to > 1e14) {
        throw new Refused({ name: 'MalformedQueryException', message: 'times are epoch seconds' })
      }
      if (group.created !== undefined && to < group.created) {
        throw new Refused({ name: 'MalformedQueryException', message: 'ends before the creation' })
      }
      if (running() >= maxRunning) throw new Refused({ name: 'LimitExceededException' })
      const evaluate = compile(String(queryString), maxRows)
      const [first, last] = [indexOf(group, from), indexOf(group, to + 1)]
      const queryId = `query-${queries.size + 1}`
      queries.set(queryId, {
        status: 'Scheduled',
        polls: 0,
        answer: () => evaluate(range(group, first, last)),
        scanned: last - first,
      })
      return { queryId }
    },
    GetQueryResults({ queryId }) {
      const query = queryOf(queryId)
      if (isRunning(query) && query.polls++ > 0) query.status = 'Running'
      if (isRunning(query) && query.polls > polls && ending !== 'never') query.status = ending
      if (query.status === 'Running' || query.status === 'Complete') query.rows ??= query.answer()
      const rows = query.rows ?? []
      // A running query returns its rows so far.
      const results = query.status === 'Running' ? rows.slice(0, rows.length / 2) : rows
      return {
        queryLanguage: 'CWLI',
        status: query.status,
        results,
        statistics: { recordsScanned: query.scanned, recordsMatched: query.scanned },
      }
    },
    StopQuery({ queryId }) {
      const query = queryOf(queryId)
      if (!isRunning(query)) throw new Refused({ name: 'InvalidParameterException' })
      query.status = 'Cancelled'
      return { success: true }
    },
    FilterLogEvents({ logGroupName, startTime, endTime, nextToken, limit = 10_000 }) {
      if (options.stuck) return { events: [], nextToken: 'again' }
      const group = groupOf(logGroupName)
      // Times are milliseconds here. With seconds, the caller would find no events.
      const last = indexOf(group, Number(endTime) + 1)
      let index = nextToken
        ? Number(atob(String(nextToken)).split(':')[0])
        : indexOf(group, Number(startTime))
      const pages = calls.filter(({ operation }) => operation === 'FilterLogEvents').length
      const events: object[] = []
      let bytes = options.pageBytes ?? 1_048_576
      if (!options.emptyPageEvery || pages % options.emptyPageEvery !== 0) {
        for (; index < last && events.length < Number(limit); index++) {
          const { timestamp, message } = group.at(index)
          bytes -= message.length
          if (bytes < 0 && events.length > 0) break
          events.push({ timestamp, message, ingestionTime: timestamp, eventId: String(index) })
        }
      }
      return {
        events,
        searchedLogStreams: [],
        ...(index < last && { nextToken: btoa(`${index}:${pages}`) }),
      }
    },
  }

  function queryOf(id: unknown): Query {
    const query = queries.get(String(id))
    if (!query) throw new Refused({ name: 'ResourceNotFoundException' })
    return query
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    try {
      const call = await readCall(request, calls)
      calls.push(call)
      const refusal = options.refuse?.(call)
      if (refusal) throw new Refused(refusal)
      const operation = operations[call.operation]
      if (!operation) throw new Refused({ name: 'UnknownOperationException' })
      return { status: 200, body: operation(call.body) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const { name, message = `secret detail of ${name}`, status = 400 } = error.refusal
      return { status, body: { __type: name, message } }
    }
  }

  const listener = await listen(async (request, response) => {
    const { status, body } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(body))
  })
  return {
    ...listener,
    calls,
    get running() {
      return running()
    },
    count: (operation) => calls.filter((call) => call.operation === operation).length,
  }
}

async function readCall(request: IncomingMessage, calls: readonly Call[]): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const target = String(request.headers['x-amz-target'])
  const signed = /Credential=([^/]+)\/\d+\/([^/]+)\/logs\/aws4_request/.exec(
    request.headers.authorization ?? '',
  )
  if (!signed) throw new Refused({ name: 'MissingAuthenticationToken', status: 403 })
  const [prefix, operation = ''] = target.split('.')
  if (prefix !== 'Logs_20140328' || request.method !== 'POST' || request.url !== '/') {
    throw new Refused({ name: 'UnknownOperationException' })
  }
  return {
    operation,
    body: JSON.parse(Buffer.concat(chunks).toString()),
    accessKey: signed[1] ?? '',
    region: signed[2] ?? '',
    index: calls.filter((call) => call.operation === operation).length,
  }
}

function compile(query: string, maxRows: number) {
  try {
    return compileQuery(query, maxRows)
  } catch (error) {
    if (!(error instanceof QuerySyntaxError)) throw error
    throw new Refused({ name: 'MalformedQueryException', message: error.message })
  }
}

function isRunning({ status }: Query): boolean {
  return status === 'Scheduled' || status === 'Running'
}

/** Returns the index of the first event at or after a time. */
function indexOf(group: LogGroup, time: number): number {
  let [low, high] = [0, group.size]
  while (low < high) {
    const middle = (low + high) >> 1
    if (group.at(middle).timestamp < time) low = middle + 1
    else high = middle
  }
  return low
}

function* range(group: LogGroup, first: number, last: number): Generator<LogEvent> {
  for (let index = first; index < last; index++) yield group.at(index)
}
