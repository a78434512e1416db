/** `createMcp()`: what an author writes against, and the app made from it. */
import { createApp } from './app.ts'
import type { Cancellation } from './handlers/cancellation.ts'
import { requireKnown, requireText, requireTimer } from './handlers/definition.ts'
import { HandlerFailure } from './handlers/failure.ts'
import { createGroup } from './handlers/group.ts'
import { requireLimits } from './handlers/limit-options.ts'
import type { CallKind, Middleware } from './handlers/middleware.ts'
import { createMiddleware } from './handlers/middleware.ts'
import { createNotify } from './handlers/notify.ts'
import { createPrompt } from './handlers/prompt.ts'
import { Registry } from './handlers/registry.ts'
import { createResource } from './handlers/resource.ts'
import { addResultTool } from './handlers/result-tool.ts'
import { createTool } from './handlers/tool.ts'
import { lazyImport } from './lib/lazy-import.ts'
import { StreamReaders } from './lib/stream-readers.ts'
import type { Mcp } from './mcp-interface.ts'
import type { McpOptions } from './options.ts'
import { resultPrefixOf } from './protocol/server-meta.ts'
import { offersTasks } from './protocol/tasks-extension.ts'
import type { LogEntry, Server } from './server.ts'
import { createChanges } from './state/change-feed.ts'
import { memoryStore } from './state/memory.ts'
import type { Seal } from './state/sealed-state.ts'
import type { LegacySession } from './state/sessions.ts'
import { Sessions } from './state/sessions.ts'
import { inProcess } from './tasks/in-process.ts'

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
export function createMcp(given: McpOptions): Mcp {
  // Everything that is read below is an option, so that no list has to repeat the names.
  const known = new Set<string>()
  const options = new Proxy(given, {
    get: (_, name: keyof McpOptions) => known.add(name) && given[name],
  })
  const runtime = globalThis.navigator?.userAgent
  const {
    name,
    version,
    title,
    description,
    websiteUrl,
    icons,
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
  requireLimits('limits', options.limits)
  if (options.stateKeys?.some((key) => key.length < 32)) {
    throw new TypeError('Each of stateKeys needs 32 characters or more')
  }
  for (const [option, value] of Object.entries({
    callTimeout,
    answerTimeout,
    ...(suspendAfter && { suspendAfter }),
    keepAlive,
    drainTimeout,
    listenTimeout,
    streamLease,
    ...(streamGather !== 0 && { streamGather }),
  })) {
    requireTimer(option, value)
  }
  const sessionOptions = {
    ttl: sessionTtl,
    maxAge: options.sessionMaxAge ?? Math.max(7 * 24 * HOUR, sessionTtl),
    clock,
  }
  const registry = new Registry()
  const searches = options.tools === 'search'
  const changes = createChanges(store, clock, options.changeCopies)
  const info = { name, version, title, description, websiteUrl, icons }
  let seal: Seal | undefined
  const server: Server = {
    info,
    resultPrefix: resultPrefixOf(info),
    instructions: options.instructions,
    registry,
    toolLimits: options.limits,
    middleware: [],
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
    searches,
    cache: { ttlMs: cache.ttlMs, cacheScope: cache.scope },
    clock,
    log: options.log ?? logProblems,
    observer: options.observer,
    running: new Set(),
    longLivedStreams: new Set(),
    readers: new StreamReaders(),
    stopped: false,
  }
  // A list that has not all tools is made where lists are made for a caller.
  if (searches) registry.selective.add(registry.tools)
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

  requireKnown('createMcp()', given, known)
  const closeTasks = async (grace: number) => (await tasks()).closeTasks(server, grace)

  const mcp: Mcp = {
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
    group: (name, shared) => createGroup(mcp, name, shared),
    use(kind: CallKind | Middleware, middleware?: unknown) {
      server.middleware.push(createMiddleware(kind, middleware))
    },
    extend: (extension) => extension.addTo(registry),
    registered: registry,
    middleware: server.middleware,
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
      setWakeToken: async (task, token) =>
        (await (await tasks()).engineOf(server)).setWakeToken(task, token),
    },
    store,
    info,
    app,
    idleTimeout: 255,
    fetch: (request, env) => app.fetch(request, env),
    async close({ grace = 10_000 } = {}) {
      server.stopped = true
      for (const end of server.longLivedStreams) end()
      await Promise.all([emptied(server.running, grace), offersTasks(server) && closeTasks(grace)])
      const end = (call: Cancellation) => {
        call.abort(new HandlerFailure('The server is shutting down'))
        return server.running
      }
      server.running.forEach(end)
      // A request may still be on its way to its handler: its call ends when it begins.
      server.running.add = end
      await emptied(server.running, 1_000)
    },
  }
  return mcp
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
