/** `createMcp()`: what an author writes against, and the app made from it. */
import type { Hono } from 'hono'
import type { Bindings } from './app.ts'
import { createApp } from './app.ts'
import type { Notify } from './handlers/context.ts'
import { requireText, requireTimer } from './handlers/definition.ts'
import { HandlerFailure } from './handlers/failure.ts'
import { createNotify } from './handlers/notify.ts'
import type { PromptHandler, PromptOptions } from './handlers/prompt.ts'
import { createPrompt } from './handlers/prompt.ts'
import type { Registration } from './handlers/registry.ts'
import { Registry } from './handlers/registry.ts'
import type { ResourceHandler, ResourceOptions } from './handlers/resource.ts'
import { createResource } from './handlers/resource.ts'
import { addResultTool } from './handlers/result-tool.ts'
import type { ToolHandler, ToolOptions } from './handlers/tool.ts'
import { createTool } from './handlers/tool.ts'
import { lazyImport } from './lib/lazy-import.ts'
import { StreamReaders } from './lib/stream-readers.ts'
import type { McpOptions } from './options.ts'
import { resultPrefixOf } from './protocol/server-meta.ts'
import { offersTasks } from './protocol/tasks-extension.ts'
import type { Implementation } from './protocol/types.ts'
import type { Schema } from './schema/schema.ts'
import type { LogEntry, Server } from './server.ts'
import { createChanges } from './state/change-feed.ts'
import { memoryStore } from './state/memory.ts'
import type { Seal } from './state/sealed-state.ts'
import type { LegacySession } from './state/sessions.ts'
import { Sessions } from './state/sessions.ts'
import type { Store } from './state/store.ts'
import { inProcess } from './tasks/in-process.ts'
import type { TaskRef, Turn, TurnOptions } from './tasks/runner.ts'

/** A server: registration of tools, prompts and resources, and the functions that serve requests. */
export interface Mcp {
  /**
   * Offers a tool.
   *
   * @example
   * mcp.tool('add', {
   *   description: 'Adds two numbers',
   *   input: v.object({ a: v.number(), b: v.number() }),
   * }, ({ a, b }) => a + b)
   */
  tool<
    const I extends Schema | undefined = undefined,
    R = unknown,
    const S extends boolean = false,
  >(name: string, options: ToolOptions<I, R, S>, handler: ToolHandler<I, R, S>): Registration
  /** Offers a prompt. A string is one user message. */
  prompt<const I extends Schema | undefined = undefined>(
    name: string,
    options: PromptOptions<I>,
    handler: PromptHandler<I>,
  ): Registration
  /** Offers a resource under a URI, or under each URI of a template such as `file:///{name}`. */
  resource(uri: string, options: ResourceOptions, handler: ResourceHandler): Registration
  /** Tells all clients that something changed, from outside a call. Resolves when it is durable. */
  readonly notify: Notify
  /** The calls of tools with `task`, for their runners. */
  readonly tasks: {
    /** Runs one turn of a task: what a runner on another host calls. */
    turn(task: TaskRef, options: TurnOptions): Promise<Turn>
    /**
     * Takes over the tasks that earlier processes have left. A server that lives long calls it when it
     * starts, as `serve()` does; otherwise it happens with the first task.
     */
    resume(): Promise<void>
  }
  /** Where sessions, streams and handles are kept: the option of that name, or its default. */
  readonly store: Store
  /** The routes, to be mounted in another app: `app.route('/', mcp.app)`. */
  readonly app: Hono<{ Bindings: Bindings }>
  /** Seconds of silence that Bun allows, when it serves the default export: the most that it takes. */
  readonly idleTimeout: number
  /** The whole server as one function. An adapter passes what the host knows as `env.platform`. */
  readonly fetch: (request: Request, env?: Bindings) => Response | Promise<Response>
  /**
   * Ends listening streams at once, gives running calls the time to finish (milliseconds), then ends
   * them with an error.
   */
  close(options?: { grace?: number }): Promise<void>
}

const sealedState = lazyImport(() => import('./state/sealed-state.ts'))
const taskCalls = lazyImport(() => import('./tasks/call-tool.ts'))
const tasks = lazyImport(() => import('./tasks/engine.ts'))

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * A server that speaks every revision of the protocol from one URL.
 *
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0' })
 * mcp.tool('get_weather', { description: 'Current weather', input }, ({ city }) => `21 °C in ${city}`)
 * export default mcp
 */
export function createMcp(options: McpOptions): Mcp {
  const runtime = globalThis.navigator?.userAgent
  const {
    path = '/mcp',
    clock = Date.now,
    store = memoryStore({ clock }),
    auth,
    // Listeners share one reader, but requests of a Worker cannot wake each other.
    listening = runtime !== 'Cloudflare-Workers',
    sessionTtl = 24 * HOUR,
    callTimeout = 10 * MINUTE,
    answerTimeout = 5 * MINUTE,
    suspendAfter,
    stateTtl = 10 * MINUTE,
    keepAlive = runtime?.startsWith('Bun/') ? 8_000 : 15_000,
    drainTimeout = 30_000,
    listenTimeout = HOUR,
    streamLease = 15_000,
    // A store that cannot wake a waiter is mostly paid by the operation.
    streamGather = store.wait ? 0 : 250,
    streamRetention = HOUR,
    pageSize = 500,
    cache = { ttlMs: MINUTE, scope: 'private' },
  } = options
  requireText('createMcp()', options, 'name', 'clients show it')
  requireText('createMcp()', options, 'version', 'clients show it beside the name')
  if (options.stateKeys?.some((key) => key.length < 32)) {
    throw new TypeError('Each of stateKeys needs 32 characters or more')
  }
  for (const [name, value] of Object.entries({
    callTimeout,
    answerTimeout,
    ...(suspendAfter && { suspendAfter }),
    keepAlive,
    drainTimeout,
    listenTimeout,
    streamLease,
    ...(streamGather !== 0 && { streamGather }),
  })) {
    requireTimer(name, value)
  }
  const sessionOptions = {
    ttl: sessionTtl,
    maxAge: options.sessionMaxAge ?? Math.max(7 * 24 * HOUR, sessionTtl),
    clock,
  }
  const registry = new Registry()
  const changes = createChanges(store, clock, options.changeCopies)
  const info = toInfo(options)
  let seal: Seal | undefined
  const server: Server = {
    info,
    resultPrefix: resultPrefixOf(info),
    instructions: options.instructions,
    registry,
    store,
    sessions: new Sessions<LegacySession>(store, 'session', sessionOptions),
    sessionIds: options.sessions ?? 'issued',
    handles: new Sessions(store, 'handle', sessionOptions),
    changes,
    async seal() {
      const { createSeal } = await sealedState()
      seal ??= createSeal(store, clock, options.stateKeys)
      return seal
    },
    mailbox: { retention: Math.max(callTimeout, HOUR, 2 * answerTimeout), clock },
    eventLog: {
      // A suspended call is kept while its client may answer, and as long again for its result.
      retention: Math.max(callTimeout, streamRetention, suspendAfter ? 2 * answerTimeout : 0),
      lease: streamLease,
      gather: streamGather,
      maxEvents: 10_000,
      maxLength: 8 * 1024 * 1024,
      clock,
    },
    listening,
    limits: {
      call: callTimeout,
      answer: answerTimeout,
      suspend: suspendAfter,
      keepAlive,
      drain: drainTimeout,
      listen: listenTimeout,
      state: stateTtl,
    },
    runner: options.runner ?? inProcess(),
    resultTool: options.resultTool ?? 'task_result',
    pageSize,
    cache: { ttlMs: cache.ttlMs, cacheScope: cache.scope },
    clock,
    log: options.log ?? logProblems,
    observer: options.observer,
    running: new Set(),
    longLivedStreams: new Set(),
    readers: new StreamReaders(),
    stopped: false,
  }
  options.observer?.start?.({
    openStreams: () => server.longLivedStreams.size,
    runningCalls: () => server.running.size,
    storeStats: () => store.stats,
  })
  const app = createApp(server, {
    path,
    auth,
    logRequests: options.log !== undefined,
    checks: options,
  })

  const closeTasks = async (grace: number) => (await tasks()).closeTasks(server, grace)

  return {
    tool(name, definition, handler) {
      const tool = createTool(name, definition, handler)
      if (tool.durable) addResultTool(registry, server.resultTool)
      return registry.add(registry.tools, name, tool)
    },
    prompt(name, definition, handler) {
      return registry.add(registry.prompts, name, createPrompt(name, definition, handler))
    },
    resource(uri, definition, handler) {
      const resource = createResource(uri, definition, handler)
      return registry.add(
        resource.template ? registry.templates : registry.resources,
        uri,
        resource,
      )
    },
    notify: createNotify((change) => changes.publish(change)),
    tasks: {
      turn: async (task, turnOptions) =>
        (await (await tasks()).engineOf(server)).turn(task, turnOptions),
      async resume() {
        if (!offersTasks(server)) return
        // The rest of the code, so that no client waits for it.
        await taskCalls()
        await (await (await tasks()).engineOf(server)).runner.resume?.()
      },
    },
    store,
    app,
    idleTimeout: 255,
    fetch: (request, env) => app.fetch(request, env),
    async close({ grace = 10_000 } = {}) {
      server.stopped = true
      for (const end of server.longLivedStreams) end()
      await Promise.all([emptied(server.running, grace), offersTasks(server) && closeTasks(grace)])
      for (const call of server.running) {
        call.abort(new HandlerFailure('The server is shutting down'))
      }
      await emptied(server.running, 1_000)
    },
  }
}

function toInfo({
  name,
  version,
  title,
  description,
  websiteUrl,
  icons,
}: McpOptions): Implementation {
  return {
    name,
    version,
    ...(title && { title }),
    ...(description && { description }),
    ...(websiteUrl && { websiteUrl }),
    ...(icons && { icons }),
  }
}

/** A library that was given no log speaks up only when something is wrong. */
function logProblems(entry: LogEntry): void {
  if (entry.level === 'warn' || entry.level === 'error') console.error(JSON.stringify(entry))
}

async function emptied(running: ReadonlySet<unknown>, atMost: number): Promise<void> {
  const end = Date.now() + atMost
  while (running.size > 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
