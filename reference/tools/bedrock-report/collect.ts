/** Reads the usage of a period, within limits, and reports the parts that are missing. */
import type { AwsFault } from '../aws-fault.ts'
import { awsFault } from '../aws-fault.ts'
import { readEvents } from './events.ts'
import type { QueryAnswer } from './insights.ts'
import { QueryEnded, queryUsage } from './insights.ts'
import type { Ledger } from './ledger.ts'
import type { LogsApi, Window } from './logs-api.ts'
import { DAY_MS } from './record.ts'

export interface Limits {
  /** The time limit for the whole period, in milliseconds. @default 240_000 */
  readonly time: number
  /** The largest number of pages of FilterLogEvents, each with up to 10,000 lines. @default 5_000 */
  readonly pages: number
  /** The largest number of Insights queries. @default 200 */
  readonly queries: number
  /** The largest number of rows of one query; AWS allows no more. @default 10_000 */
  readonly rows: number
  /** How often a throttled call is repeated, in addition to the AWS client's own retries. @default 6 */
  readonly attempts: number
}

export const defaultLimits: Limits = {
  time: 240_000,
  pages: 5_000,
  queries: 200,
  rows: 10_000,
  attempts: 6,
}

/** A part of the period whose usage is missing in the sums, wholly or in part. */
export interface Gap extends Window {
  readonly reason: 'time' | 'pages' | 'throttled' | 'unreachable' | 'broken'
}

export interface Collected {
  /** The oldest part comes first. Neighbouring parts with the same reason are joined. */
  readonly gaps: readonly Gap[]
  readonly source: 'insights' | 'events' | 'both'
}

export interface CollectOptions {
  readonly signal: AbortSignal
  readonly limits: Limits
  /** Rejects when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Reports progress: how many milliseconds of the period are done, and how many lines were read. */
  readonly onProgress: (covered: number, lines: number) => void
}

/**
 * Queries Insights first, and splits the period into windows until no answer reaches the row limit. The
 * windows that Insights does not answer are read line by line: Insights may be forbidden, busy, or refuse
 * a window (one before the group's creation is an error there, and empty for FilterLogEvents).
 *
 * Rejects with the AWS client's error when nothing could be read, and with the abort's reason when
 * `signal` aborts. By then all its queries are stopped.
 */
export async function collectUsage(
  api: LogsApi,
  group: string,
  period: Window,
  ledger: Ledger,
  { signal: caller, limits, sleep, onProgress }: CollectOptions,
): Promise<Collected> {
  const end = new AbortController()
  const signal = AbortSignal.any([caller, end.signal])
  const logs = patient(api, signal, sleep, limits.attempts)
  const gate = createGate(4)
  const gaps: Gap[] = []
  const used = new Set<'insights' | 'events'>()
  const running = new Map<Window, number>()
  let covered = 0
  let lines = 0
  let pages = 0
  let queries = 0
  let denied = false
  let timeIsUp = false
  let lastFault: unknown
  let failure: { error: unknown } | undefined

  sleep(limits.time, signal).then(
    () => {
      timeIsUp = true
      end.abort()
    },
    () => {},
  )

  /** Runs all tasks. When one fails, it aborts the others and waits until they have stopped their queries. */
  async function all(tasks: Promise<void>[]): Promise<void> {
    const guarded = tasks.map((task) =>
      task.catch((error) => {
        failure ??= { error }
        end.abort()
      }),
    )
    await Promise.all(guarded)
    if (failure) throw failure.error
  }

  function finish(window: Window): void {
    running.delete(window)
    covered += window.to - window.from
    report()
  }

  function report(): void {
    onProgress(
      [...running.values()].reduce((sum, part) => sum + part, covered),
      lines,
    )
  }

  async function read(window: Window): Promise<void> {
    const answer = await gate(() => query(window))
    if (answer === 'skipped') return
    if (answer === 'refused') return readLines(window)
    if (!answer.cut) {
      for (const entry of answer.entries) ledger.add(entry)
      ledger.addMalformed(answer.malformed)
      used.add('insights')
      return finish(window)
    }
    if (window.to - window.from <= 1_000) return readLines(window)
    await all(quarters(window).map(read))
  }

  async function query(window: Window): Promise<QueryAnswer | 'refused' | 'skipped'> {
    if (denied || queries >= limits.queries) return 'refused'
    queries++
    let scanned = 0
    try {
      return await queryUsage(logs, group, window, {
        rowLimit: limits.rows,
        signal,
        sleep,
        onScanned(count) {
          lines += Math.max(0, count - scanned)
          scanned = Math.max(count, scanned)
        },
      })
    } catch (error) {
      if (timeIsUp) return skip(window, 'time')
      signal.throwIfAborted()
      if (error instanceof QueryEnded) return 'refused'
      const fault = awsFault(error)
      if (fault === 'denied') denied = true
      if (fault === 'unreachable' && used.size > 0) return skip(window, fault)
      if (fault === undefined || HOPELESS.has(fault)) throw error
      return 'refused'
    }
  }

  async function readLines(window: Window): Promise<void> {
    await all(splitAtMidnights(window, 1).map((part) => gate(() => readPart(part))))
  }

  async function readPart(part: Window): Promise<void> {
    try {
      signal.throwIfAborted()
      const complete = await readEvents(logs, group, part, {
        signal,
        mayRead: () => pages++ < limits.pages,
        onEntry: ledger.add,
        onMalformed: ledger.addMalformed,
        onPage(count, reached) {
          used.add('events')
          lines += count
          running.set(part, Math.max(running.get(part) ?? 0, reached - part.from))
          report()
        },
      })
      if (complete) finish(part)
      else skip(part, 'pages')
    } catch (error) {
      if (timeIsUp) return void skip(part, 'time')
      signal.throwIfAborted()
      const fault = awsFault(error)
      if (fault !== 'throttled' && fault !== 'unreachable' && fault !== 'broken') throw error
      if (fault === 'unreachable' && used.size === 0) throw error
      lastFault = error
      skip(part, fault)
    }
  }

  function skip(window: Window, reason: Gap['reason']): 'skipped' {
    gaps.push({ ...window, reason })
    return 'skipped'
  }

  try {
    // The newest lines are read first, so that they are in the report when time runs out.
    const days = Math.ceil((period.to - period.from) / DAY_MS / 8)
    await all(splitAtMidnights(period, days).reverse().map(read))
  } finally {
    end.abort()
  }
  if (lastFault && used.size === 0) throw lastFault
  return { gaps: merge(gaps), source: used.size > 1 ? 'both' : ([...used][0] ?? 'insights') }
}

/** Failures of a query that would also stop reading line by line. */
const HOPELESS = new Set<AwsFault>(['missing', 'credentials', 'unreachable'])

/**
 * Repeats a throttled call for longer than the AWS client does by itself. Stops at once when the signal
 * aborts.
 */
function patient(
  logs: LogsApi,
  signal: AbortSignal,
  sleep: CollectOptions['sleep'],
  attempts: number,
): LogsApi {
  async function retry<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        if (attempt >= attempts || awsFault(error) !== 'throttled') throw error
        await sleep(Math.min(1_000 * 2 ** (attempt - 1), 20_000), signal)
      }
    }
  }
  return {
    ...logs,
    startQuery: (...args) => retry(() => logs.startQuery(...args)),
    queryResults: (...args) => retry(() => logs.queryResults(...args)),
    events: (...args) => retry(() => logs.events(...args)),
  }
}

/** Limits how many tasks run at once; the others wait. */
function createGate(width: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = width
  return async (task) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

/** Splits at midnight UTC, because a window within one day needs one row where a longer one needs two. */
function splitAtMidnights({ from, to }: Window, days: number): Window[] {
  const length = days * DAY_MS
  const parts: Window[] = []
  for (let start = from; start < to; ) {
    const end = Math.min(to, start - (start % length) + length)
    parts.push({ from: start, to: end })
    start = end
  }
  return parts
}

function quarters({ from, to }: Window): Window[] {
  const [half, quarter] = [(to - from) / 2, (to - from) / 4]
  const bounds = [from, from + quarter, from + half, from + half + quarter, to].map(Math.round)
  return bounds.slice(1).map((end, index) => ({ from: bounds[index] ?? from, to: end }))
}

function merge(gaps: Gap[]): Gap[] {
  const merged: Gap[] = []
  for (const gap of gaps.sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last && last.to === gap.from && last.reason === gap.reason) {
      merged[merged.length - 1] = { ...last, to: gap.to }
    } else merged.push(gap)
  }
  return merged
}
