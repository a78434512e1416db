/** Reads usage through CloudWatch Logs Insights: AWS adds up and sends only the sums. */
import type { LogsApi, QueryReply, Window } from './logs-api.ts'
import type { Entry } from './record.ts'
import { text, toEntry, tokens } from './record.ts'

/** The query ended without a result. `status` is AWS's word for it, such as `Failed` or `Timeout`. */
export class QueryEnded extends Error {
  override name = 'QueryEnded'
}

export interface QueryAnswer {
  readonly entries: readonly Entry[]
  readonly malformed: number
  /** The row limit was reached, so there may be more: ask again for shorter windows. */
  readonly cut: boolean
}

/**
 * The record is parsed by the query: automatic field discovery stops at 200 fields, and a long
 * conversation in `inputBodyJson` has more than that before the token counts come. The day is that
 * of the record, and the event's own (`bin`) where the record has none.
 */
function usageQuery({ from, to }: Window, rowLimit: number): string {
  return [
    `filter toMillis(@timestamp) >= ${from} and toMillis(@timestamp) < ${to}`,
    'fields jsonParse(@message) as record',
    'fields substr(record.timestamp, 0, 10) as usageDay, record.region as usageRegion,' +
      ' record.modelId as usageModel, record.identity.arn as usageUser,' +
      ' record.input.inputTokenCount as inputCount,' +
      ' record.output.outputTokenCount as outputCount,' +
      ' record.input.cacheReadInputTokenCount as cacheReadCount,' +
      ' record.input.cacheWriteInputTokenCount as cacheWriteCount',
    'stats count(*) as requests, sum(inputCount) as inputTokens, sum(outputCount) as outputTokens,' +
      ' sum(cacheReadCount) as cacheReadTokens, sum(cacheWriteCount) as cacheWriteTokens' +
      ' by bin(1d), usageDay, usageRegion, usageModel, usageUser',
    `limit ${rowLimit}`,
  ].join('\n| ')
}

/**
 * Runs the query over one window and waits for its end. After an abort or a failure it stops the query,
 * which would otherwise go on scanning and be billed.
 *
 * @throws {QueryEnded} when AWS ended the query without a result.
 */
export async function queryUsage(
  logs: LogsApi,
  group: string,
  window: Window,
  {
    rowLimit,
    signal,
    sleep,
    onScanned,
  }: {
    /** The row limit; an answer with this number of rows may be incomplete. */
    rowLimit: number
    signal: AbortSignal
    sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
    onScanned: (lines: number) => void
  },
): Promise<QueryAnswer> {
  signal.throwIfAborted()
  const id = await logs.startQuery(group, window, usageQuery(window, rowLimit))
  let running = true
  try {
    for (let wait = 200; ; wait = Math.min(wait * 1.5, 2_000)) {
      await sleep(wait, signal)
      const reply = await logs.queryResults(id, undefined, signal)
      if (reply.status === 'Scheduled' || reply.status === 'Running') {
        onScanned(reply.scanned)
        continue
      }
      running = false
      if (reply.status !== 'Complete') throw new QueryEnded(reply.status)
      const rows = [...reply.rows]
      for (let token = reply.nextToken; token && rows.length < rowLimit; ) {
        const page: QueryReply = await logs.queryResults(id, token, signal)
        rows.push(...page.rows)
        token = page.nextToken
      }
      onScanned(reply.scanned)
      return { ...read(rows, window), cut: rows.length >= rowLimit }
    }
  } finally {
    // The query may have ended by itself, and then this fails without harm.
    if (running) await logs.stopQuery(id).catch(() => {})
  }
}

function read(rows: QueryReply['rows'], window: Window): Omit<QueryAnswer, 'cut'> {
  const entries: Entry[] = []
  let malformed = 0
  for (const row of rows) {
    const requests = tokens(row.requests)
    const entry = toEntry({
      timestamp: text(row.usageDay),
      // Insights writes `2025-04-06 00:00:00.000`, which is UTC without a time zone.
      eventTime: Date.parse(`${row['bin(1d)']?.replace(' ', 'T')}Z`) || window.from,
      region: text(row.usageRegion),
      modelId: text(row.usageModel),
      user: text(row.usageUser),
      requests,
      inputTokens: tokens(row.inputTokens),
      outputTokens: tokens(row.outputTokens),
      cacheReadTokens: tokens(row.cacheReadTokens),
      cacheWriteTokens: tokens(row.cacheWriteTokens),
    })
    if (entry) entries.push(entry)
    else malformed += requests
  }
  return { entries, malformed }
}
