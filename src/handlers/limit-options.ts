/** The `limits` of a server or of a tool: how often tools may be called. */

import { requireKnown } from './definition.ts'

/** How often calls may come. At least one of `perMinute` and `perDay`. */
export interface Limit {
  /** Calls a minute, in the long run; below 1 for fewer. What is not used is saved, up to `burst`. */
  perMinute?: number
  /** Calls that may come at once. @default `perMinute`, at least 1 */
  burst?: number
  /** Calls from one midnight UTC to the next. */
  perDay?: number
}

/**
 * Limits for calls of tools. All instances on one store count together.
 *
 * @example createMcp({ name, version, limits: { perCaller: { perMinute: 60, burst: 10, perDay: 1_000 } } })
 */
export interface Limits {
  /**
   * For each caller. Of a server: all its calls together. Of a tool: its calls of this tool, which count for
   * the server's limit as well. Without `auth` all callers are one.
   */
  perCaller?: Limit
  /** For each tool, all callers together. That of the tool replaces that of the server. */
  perTool?: Limit
}

const NAMES = new Set(['perCaller', 'perTool', 'perMinute', 'burst', 'perDay'])

/** Throws a `TypeError` for limits that cannot work. `what` names them. */
export function requireLimits(what: string, limits: Limits | false = {}): void {
  requireKnown(what, limits || {}, NAMES)
  for (const limit of Object.values(limits) as Limit[]) {
    requireKnown(what, limit, NAMES)
    if ((limit.perMinute ?? limit.perDay) && Object.values(limit).every((n) => n > 0)) continue
    throw new TypeError(`${what}: perMinute or perDay, above 0`)
  }
}
