/** Limits of tools: a call takes from each budget that it counts for, before its tool runs. Loaded with the first such call. */
import type { Call } from '../protocol/call.ts'
import { code, McpError } from '../protocol/errors.ts'
import type { Server } from '../server.ts'
import { Budgets } from '../state/budgets.ts'
import type { StoreKey } from '../state/store.ts'
import type { Limit, Limits } from './limit-options.ts'
import type { Tool } from './tool.ts'

/** The member of a result's `_meta` that tells how many calls are left. */
const LIMITS_META = 'streamable-mcp/limits'

/** One budget that a call counts for. */
interface Applied {
  readonly kind: keyof Limits
  readonly key: StoreKey
  readonly limit: Limit
}

const opened = new WeakMap<Server, Budgets>()

function budgetsOf(server: Server): Budgets {
  const known = opened.get(server) ?? new Budgets(server.store, server.clock)
  opened.set(server, known)
  return known
}

/**
 * Takes one call from each budget: first those of the caller, so that a refused caller takes nothing from
 * the others. Throws a {@link McpError} that says when to try again. Returns the `_meta` that tells what is
 * left, and nothing for a later run of a call, which was counted in its first one.
 */
export async function takeFromLimits(
  call: Call,
  tool: Tool,
): Promise<Record<string, unknown> | undefined> {
  // A state of 2026 that is not valid has been refused by now.
  const isLaterRun =
    call.era === 'modern' ? typeof call.params.requestState === 'string' : call.repeats
  if (isLaterRun) return undefined
  const budgets = budgetsOf(call.server)
  const applied = limitsOf(call, tool)
  // A budget that is known to be used up refuses before another one is taken from.
  for (const { kind, key, limit } of applied) {
    const refusal = budgets.refusal(key, limit)
    if (refusal) throw tooManyCalls(kind, refusal.retryAfter)
  }
  const left: { [kind in keyof Limits]?: { remaining: number } } = {}
  for (const { kind, key, limit } of applied) {
    const { granted, remaining, retryAfter } = await budgets.take(key, limit)
    if (!granted) throw tooManyCalls(kind, retryAfter)
    left[kind] = { remaining: Math.min(remaining, left[kind]?.remaining ?? remaining) }
  }
  return { [LIMITS_META]: left }
}

function limitsOf({ server, owner }: Call, { name, options }: Tool): Applied[] {
  const own = options.limits || {}
  const { perCaller, perTool } = server.toolLimits ?? {}
  const caller = `limit/${owner}/caller`
  const candidates: readonly (readonly [keyof Limits, StoreKey, Limit | undefined])[] = [
    ['perCaller', [caller, `tool/${name}`], own.perCaller],
    ['perCaller', [caller, 'all'], perCaller],
    ['perTool', [`tool-limit/${name}`, 'all'], own.perTool ?? perTool],
  ]
  return candidates.flatMap(([kind, key, limit]) => (limit ? [{ kind, key, limit }] : []))
}

function tooManyCalls(limit: keyof Limits, retryAfter: number): McpError {
  const of = limit === 'perTool' ? 'of this tool ' : ''
  const unit = retryAfter === 1 ? 'second' : 'seconds'
  return new McpError(
    code.tooManyCalls,
    `Too many calls ${of}at the moment: try again in ${retryAfter} ${unit}`,
    { retryAfter, limit },
  )
}
