/** Reads one line of Bedrock's model invocation log and keeps the values that are counted. */

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000

/** UTC, `YYYY-MM-DD`. */
export function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** The usage of requests with the same day, region, model and caller. */
export interface Entry {
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string
  readonly region: string | undefined
  readonly modelId: string | undefined
  /** ARN of the caller. */
  readonly user: string | undefined
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
}

/**
 * Reads a log line; undefined when it is not an invocation record. Bedrock writes a plain sentence when
 * logging is turned on, and other programs may write to the same group.
 */
export function parseRecord(line: string, eventTime: number): Entry | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return undefined
  }
  const record = fieldsOf(parsed)
  const input = fieldsOf(record.input)
  const output = fieldsOf(record.output)
  return toEntry({
    timestamp: text(record.timestamp),
    eventTime,
    region: text(record.region),
    modelId: text(record.modelId),
    user: text(fieldsOf(record.identity).arn),
    requests: 1,
    inputTokens: tokens(input.inputTokenCount),
    outputTokens: tokens(output.outputTokenCount),
    cacheReadTokens: tokens(input.cacheReadInputTokenCount),
    cacheWriteTokens: tokens(input.cacheWriteInputTokenCount),
  })
}

/** Both ways of reading use this, so that they count the same records for the same day. */
export function toEntry(
  raw: Omit<Entry, 'day'> & { timestamp: string | undefined; eventTime: number },
): Entry | undefined {
  const { timestamp, eventTime, ...entry } = raw
  const says =
    timestamp ??
    entry.region ??
    entry.modelId ??
    entry.user ??
    (entry.inputTokens || entry.outputTokens || undefined)
  if (says === undefined) return undefined
  return { ...entry, day: dayOf(timestamp) ?? isoDay(eventTime) }
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function tokens(value: unknown): number {
  const count = typeof value === 'number' || typeof value === 'string' ? Number(value) : 0
  return Number.isFinite(count) && count > 0 ? count : 0
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Returns undefined for a bad timestamp, because one of them must not fail the whole report (A5). */
function dayOf(timestamp: string | undefined): string | undefined {
  const day = timestamp?.slice(0, 10)
  if (!day || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined
  return Number.isNaN(Date.parse(day)) ? undefined : day
}
