/** Runs the middleware around a call, and the handler inside it. Loaded with the first call that has middleware. */

import { Suspended } from '../client-requests/client-request.ts'
import { isObject } from '../lib/is-object.ts'
import { lazyImport } from '../lib/lazy-import.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from '../protocol/call.ts'
import { writeResult } from '../protocol/results.ts'
import { requireOutput } from '../protocol/tool-checks.ts'
import type { CallToolResult, ListResult } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import { createContext } from './call-context.ts'
import type { Cancellation } from './cancellation.ts'
import { toFailureResult, toToolResult } from './content.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { runOnce } from './idempotent.ts'
import type { CallKind, Calls, ListCall, Middleware } from './middleware.ts'
import type { Tool } from './tool.ts'

/** What a run of middleware needs besides the call. */
interface Around<K extends CallKind> {
  readonly server: Server
  readonly call: Calls[K]['call']
  readonly cancellation: Cancellation
  /** Runs the handler. */
  run(): Promise<Calls[K]['result']>
  /** Converts a failure that the client gets as a result; throws any other one. */
  toResult?(error: unknown): Calls[K]['result']
}

/**
 * Runs the middleware from the first one to the last one, and then the handler. Once the call has ended, or
 * this run of it, no `next()` runs the handler again: the middleware that tries it gets the reason.
 */
function runAround<K extends CallKind>(around: Around<K>): Promise<Calls[K]['result']> {
  const { server, call, cancellation, run, toResult } = around
  const middleware = server.middleware.filter(({ kind }) => !kind || kind === call.kind)
  let ended: Error | undefined
  let stop: ((reason: Error) => void) | undefined
  cancellation.onAbort = (reason) => {
    ended = reason
    stop?.(reason)
  }
  // One promise for both, because a race of two takes several times as long.
  const runHandler = () =>
    new Promise<Calls[K]['result']>((resolve, reject) => {
      if (ended) return reject(ended)
      stop = reject
      return run().then(resolve, reject)
    })
  const from = (position: number) => async (): Promise<Calls[K]['result']> => {
    const next = middleware[position]?.run as Middleware<K> | undefined
    try {
      if (!next) return await runHandler()
      const result = await next(call, from(position + 1))
      if (isObject(result)) return result
      throw new TypeError('Middleware returned no result: return what next() resolves with')
    } catch (error) {
      // Middleware may catch the end of this run, but the run is over.
      if (error instanceof Suspended) ended = error
      if (!toResult || ended) throw error
      return toResult(error)
    }
  }
  return from(0)()
}

/** What a tool's middleware needs of its call. A task has these parts, too. */
export interface ToolRun {
  readonly tool: Tool
  readonly args: Record<string, unknown>
  /** Makes the `ctx` of the handler, and another one for the middleware. */
  readonly createContext: () => Context
  readonly server: Server
  readonly cancellation: Cancellation
  readonly handler: (args: Record<string, unknown>, ctx: Context) => MaybePromise<unknown>
}

/** A tool with its middleware. The result has passed the output schema before the middleware sees it. */
export function runToolAround(options: ToolRun): Promise<CallToolResult> {
  const { server, tool, args, handler, cancellation } = options
  const call = Object.assign(options.createContext(), {
    kind: 'tool' as const,
    name: tool.name,
    arguments: args,
  })
  return runAround<'tool'>({
    server,
    call,
    cancellation,
    async run() {
      const value = await handler(call.arguments, options.createContext())
      const result = toToolResult(value, tool.output !== undefined)
      if (tool.output && !result.isError) {
        requireOutput(await tool.output.validate(result.structuredContent))
      }
      return result
    },
    toResult(error) {
      if (error instanceof Failure) return toFailureResult(error.message)
      throw error
    },
  })
}

const limits = lazyImport(() => import('./limits.ts'))

/** `tools/call` of a tool that ends with its request. */
export function callToolAround(
  call: Call,
  tool: Tool,
  args: Record<string, unknown>,
): Promise<CallToolResult> {
  const { idempotent } = tool.options
  const isLimited = tool.options.limits ?? call.server.toolLimits
  const run = () =>
    runToolAround({
      tool,
      args,
      createContext: () => createContext(call, tool),
      server: call.server,
      cancellation: call.cancellation,
      handler: (given, ctx) =>
        idempotent ? runOnce(call, tool, given, ctx) : tool.handler(given, ctx as never),
    })
  return isLimited ? runLimited(call, tool, run) : run()
}

async function runLimited(
  call: Call,
  tool: Tool,
  run: () => Promise<CallToolResult>,
): Promise<CallToolResult> {
  const meta = await (await limits()).takeFromLimits(call, tool)
  const result = await run()
  return meta ? { ...result, _meta: { ...result._meta, ...meta } } : result
}

/** A call of another kind. `facts` are the members of the call beside its `ctx`. */
export function callAround<K extends Exclude<CallKind, 'tool'>>(
  call: Call,
  facts: Omit<Calls[K]['call'], keyof Context>,
  run: (facts: Calls[K]['call']) => MaybePromise<Calls[K]['result']>,
): Promise<Calls[K]['result']> {
  const around = Object.assign(createContext(call), facts) as unknown as Calls[K]['call']
  return runAround<K>({
    server: call.server,
    call: around,
    cancellation: call.cancellation,
    run: async () => run(around),
  })
}

/**
 * A list as its JSON text. The written list is parsed again for each call, so that middleware may change
 * its copy. Middleware may change it for one caller alone, so caches may not share the list unless the
 * middleware says so.
 */
export async function listAround(
  call: Call,
  name: ListCall['name'],
  written: string,
): Promise<string> {
  const { cursor } = call.params
  const facts = {
    kind: 'list' as const,
    name,
    arguments: typeof cursor === 'string' ? { cursor } : {},
  }
  const caching = call.era === 'modern' && { ...call.server.cache, cacheScope: 'private' as const }
  const page = await callAround<'list'>(
    call,
    facts,
    (): ListResult => ({ ...(JSON.parse(written) as ListResult), ...caching }),
  )
  return writeResult(call, { ...caching, ...page })
}
