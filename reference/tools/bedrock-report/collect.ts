/** Reads the usage of a period: the way that works, within bounds, and saying what is missing. */
import type { AwsFault } from '../aws-fault.ts'
import { awsFault } from '../aws-fault.ts'
import { readEvents } from './events.ts'
import type { QueryAnswer } from './insights.ts'
import { QueryEnded, queryUsage } from './insights.ts'
import type { Ledger } from './ledger.ts'
import type { LogsApi, Window } from './logs-api.ts'
import { DAY_MS } from './record.ts'

export interface Limits {
  /** For the whole period; milliseconds. @default 240_000 */
  readonly time: number
  /** Pages of FilterLogEvents, of up to 10,000 lines each. @default 5_000 */
  readonly pages: number
  /** Insights queries. @default 200 */
  readonly queries: number
  /** Rows of one query's answer; AWS gives no more at once. @default 10_000 */
  readonly rows: number
  /** Tries of one call while AWS throttles it, each the AWS client's own few. @default 6 */
  readonly attempts: number
}

export const defaultLimits: Limits = {
  time: 240_000,
  pages: 5_000,
  queries: 200,
  rows: 10_000,
  attempts: 6,
}

/** Part of the period that is not in the sums, or not all of it. */
export interface Gap extends Window {
  readonly reason: 'time' | 'pages' | 'throttled' | 'unreachable' | 'broken'
}

export interface Collected {
  /** Oldest first; windows that touch and share a reason are one. */
  readonly gaps: readonly Gap[]
  readonly source: 'insights' | 'events' | 'both'
}

export interface CollectOptions {
  readonly signal: AbortSignal
  readonly limits: Limits
  /** Rejects when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Called with ever larger parts of the period; milliseconds of it, and lines read so far. */
  readonly onProgress: (covered: number, lines: number) => void
}

/**
 * Asks Insights first, in windows that are split until no answer is cut by the row limit, and reads
 * line by line what Insights does not answer: it may be forbidden, busy, or unwilling for this window
 * (a window before the group's creation is an error there, and simply empty to FilterLogEvents).
 *
 * Rejects with the AWS client's error when nothing could be read at all, and with the abort's reason
 * when `signal` aborts; by then no query of it is running any more.
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

  /** Ends the others when one fails, and waits for them: each may have a query to stop. */
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
    // Newest first: where there is time for a part only, it is the recent one.
    const days = Math.ceil((period.to - period.from) / DAY_MS / 8)
    await all(splitAtMidnights(period, days).reverse().map(read))
  } finally {
    end.abort()
  }
  if (lastFault && used.size === 0) throw lastFault
  return { gaps: merge(gaps), source: used.size > 1 ? 'both' : ([...used][0] ?? 'insights') }
}

/** Failures of a query that reading line by line would meet as well. */
const HOPELESS = new Set<AwsFault>(['missing', 'credentials', 'unreachable'])

/**
 * Waits out throttling for longer than the AWS client would by itself, and not a moment longer when
 * the signal aborts.
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

/** Lets so many tasks run at once, and the others wait in line. */
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

/** A window within one UTC day has one row for what a longer one has two for. */
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
