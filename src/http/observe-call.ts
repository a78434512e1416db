/** Tells observers of requests, and of calls from their start to their end. */
import { AuthError } from '../auth/auth.ts'
import { describe } from '../handlers/internal-error.ts'
import { isObject } from '../lib/is-object.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from '../protocol/call.ts'
import { clip, McpError } from '../protocol/errors.ts'
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import type { CallOutcome, ObservedCall, ObservedRequest, Observer } from '../protocol/observer.ts'
import type { Server } from '../server.ts'
import type { Answer } from './call-stream.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { readTrace } from './meta.ts'
import type { LoggedRequest } from './request-log.ts'
import { shortHash } from './request-log.ts'

/** Methods that are answered outside the table of methods. */
const OTHER_METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'subscriptions/listen',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
])

export function tellRequest(server: Server, logged: LoggedRequest): void {
  const { request, platform, status, startedAt, record } = logged
  const facts: ObservedRequest = {
    verb: request.method,
    status,
    durationMs: server.clock() - startedAt,
    era: record.era,
    revision: record.revision,
    method: record.method === undefined ? undefined : toKnownMethod(server, record.method),
    tool: toKnownTool(server, record.tool),
  }
  for (const observer of [platform.observer, server.observer]) {
    try {
      observer?.request?.(facts)
    } catch (error) {
      logFailure(server, error)
    }
  }
}

export function observeCall(
  incoming: IncomingRequest,
  call: Call,
  run: () => MaybePromise<Answer>,
): Promise<Answer> {
  const { server, id, method, params } = call
  const facts = toObservedCall(server, incoming, { jsonrpc: '2.0', id, method, params })
  return observe(server, incoming, facts, run, ({ body, error, suspended }) => {
    if (error !== undefined) return { error }
    if (suspended) return {}
    if (body === undefined) return { error: 'cancelled' }
    return call.toolFailed ? { error: 'tool_error' } : {}
  })
}

export function observeResponse(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  run: () => Promise<Response>,
): Promise<Response> {
  const facts = toObservedCall(server, incoming, request)
  return observe(server, incoming, facts, run, ({ ok, status }) =>
    ok ? {} : { error: `${status}` },
  )
}

/** The observers run the call one inside the other. The call runs once and its answer is kept, also when an observer fails or calls it twice. */
async function observe<T>(
  server: Server,
  { platform }: IncomingRequest,
  facts: ObservedCall,
  run: () => MaybePromise<T>,
  toOutcome: (answer: T) => CallOutcome,
): Promise<T> {
  let running: Promise<T> | undefined
  let observed = async (): Promise<CallOutcome> => {
    running ??= (async () => run())()
    try {
      return toOutcome(await running)
    } catch (error) {
      return { error: toErrorType(error) }
    }
  }
  for (const observer of [platform.observer, server.observer]) {
    if (observer?.call) observed = nest(observer, facts, observed)
  }
  try {
    await observed()
  } catch (error) {
    logFailure(server, error)
  }
  running ??= (async () => run())()
  return running
}

function logFailure({ log }: Server, error: unknown): void {
  log({ level: 'error', message: 'an observer failed', error: describe(error) })
}

function nest(
  observer: Observer,
  facts: ObservedCall,
  run: () => Promise<CallOutcome>,
): () => Promise<CallOutcome> {
  return async () => {
    let outcome: CallOutcome = {}
    await observer.call?.(facts, async () => {
      outcome = await run()
      return outcome
    })
    return outcome
  }
}

function toErrorType(error: unknown): string {
  if (error instanceof McpError) return String(error.code)
  return error instanceof AuthError ? (error.code ?? 'invalid_token') : '_OTHER'
}

/** A name from the client as one of a bounded set, because each value of a metric's attribute costs money. */
function toKnownMethod({ registry }: Server, method: string): string {
  const isKnown =
    METHODS.has(method) || OTHER_METHODS.has(method) || registry.extensions?.method(method)
  return isKnown ? method : '_OTHER'
}

/** The name of a tool, if it is registered. */
function toKnownTool({ registry }: Server, name: unknown): string | undefined {
  return typeof name === 'string' && registry.tools.has(name) ? name : undefined
}

function toObservedCall(
  server: Server,
  { request, record }: IncomingRequest,
  { id, method, params = {} }: JsonRpcRequest,
): ObservedCall {
  const { _meta: meta } = params
  const own = isObject(meta) ? readTrace((name) => meta[name]) : {}
  const inMeta = own.traceparent !== undefined
  const { name } = params
  const isPrompt = method === 'prompts/get' && typeof name === 'string'
  return {
    era: record.era ?? 'legacy',
    revision: record.revision,
    method: toKnownMethod(server, method),
    tool: method === 'tools/call' ? toKnownTool(server, name) : undefined,
    prompt: isPrompt && server.registry.prompts.has(name) ? name : undefined,
    id: clip(String(id)),
    session: record.session === undefined ? undefined : shortHash(record.session),
    trace: inMeta ? own : readTrace((header) => request.headers.get(header)),
    traceSource: inMeta ? 'meta' : 'headers',
  }
}
