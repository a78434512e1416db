/** Middleware: functions of the author that run around calls. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type {
  CallToolResult,
  Completion,
  GetPromptResult,
  ListResult,
  ReadResourceResult,
} from '../protocol/types.ts'
import type { Context } from './context.ts'

/** A call of a tool, as its middleware sees it: what is called, and `ctx`. */
export interface ToolCall extends Context {
  readonly kind: 'tool'
  /** The name of the tool. */
  readonly name: string
  /** The arguments, which have passed the input schema. What is assigned here is passed on without another check. */
  arguments: Record<string, unknown>
}

/** A call that gets a prompt. */
export interface PromptCall extends Context {
  readonly kind: 'prompt'
  /** The name of the prompt. */
  readonly name: string
  /** As in {@link ToolCall}. */
  arguments: Record<string, unknown>
}

/** A call that reads a resource. */
export interface ResourceCall extends Context {
  readonly kind: 'resource'
  /** The URI, or the URI template, under which the resource is registered. */
  readonly name: string
  /** The URI that the client reads. */
  readonly uri: string
  /** The variables of the template. What is assigned here is passed on to the handler. */
  arguments: Readonly<Record<string, string>>
}

/** A call that lists what the server has. */
export interface ListCall extends Context {
  readonly kind: 'list'
  /** Names the list: the member of the result that holds the items. */
  readonly name: 'tools' | 'prompts' | 'resources' | 'resourceTemplates'
  /** Where the page begins; the first page has none. */
  readonly arguments: { readonly cursor?: string }
}

/** A call that asks for values of an argument while a person fills it in. */
export interface CompletionCall extends Context {
  readonly kind: 'completion'
  /** The name of the prompt, or the template of the resource. */
  readonly name: string
  /** The argument or variable. */
  readonly argument: string
  /** The text that the person has typed so far. */
  readonly value: string
  /** The arguments that are already filled in. */
  readonly arguments: Readonly<Record<string, string>>
}

/** The calls that middleware can run around, by their kind, and the results of each. */
export interface Calls {
  tool: { call: ToolCall; result: CallToolResult }
  prompt: { call: PromptCall; result: GetPromptResult }
  resource: { call: ResourceCall; result: ReadResourceResult }
  list: { call: ListCall; result: ListResult }
  completion: { call: CompletionCall; result: Completion }
}

/** One of the kinds of calls that middleware can run around. */
export type CallKind = keyof Calls

/**
 * Runs around calls. `next()` runs the rest and resolves with the result; the middleware returns that or
 * another one, which takes the way back through the middleware before it. Without `next()`, neither the
 * handler nor later middleware runs.
 *
 * What it throws is an error of the call, as if the handler had thrown it. `next()` of a tool resolves
 * with `isError` for a `failure()`, and rejects with any other exception of the handler.
 *
 * @example
 * const timing: Middleware = async (call, next) => {
 *   const start = performance.now()
 *   try {
 *     return await next()
 *   } finally {
 *     console.log(call.kind, call.name, performance.now() - start)
 *   }
 * }
 */
export type Middleware<K extends CallKind = CallKind> = (
  call: Calls[K]['call'],
  next: () => Promise<Calls[K]['result']>,
) => MaybePromise<Calls[K]['result']>

/** A middleware as the server keeps it. */
export interface AddedMiddleware {
  /** Undefined for every kind. */
  readonly kind: CallKind | undefined
  readonly run: unknown
}

/** Throws a `TypeError` for an unknown kind, and for a middleware that is not a function. */
export function createMiddleware(first: CallKind | Middleware, second?: unknown): AddedMiddleware {
  const [kind, run] = typeof first === 'string' ? [first, second] : [undefined, first]
  if (typeof run === 'function' && (!kind || KINDS.includes(kind))) return { kind, run }
  throw new TypeError(`mcp.use(): the kinds are ${KINDS}`)
}

const KINDS = ['tool', 'prompt', 'resource', 'list', 'completion']
