/**
 * The catalog of one caller: the registry without what is hidden from it. Methods look everything up there,
 * so something hidden is answered as if it were not registered. Loaded where catalogs differ.
 */
import type { Access, Caller, Guarded } from '../handlers/access.ts'
import { logInternal } from '../handlers/internal-error.ts'
import { registrationsOf } from '../handlers/registrations.ts'
import type { Catalog, Items, Registry } from '../handlers/registry.ts'
import { isObject } from '../lib/is-object.ts'
import type { Server } from '../server.ts'
import type { JsonRpcRequest, Params } from './jsonrpc.ts'
import { lacksScopes } from './scopes.ts'
import { CALL_TOOL, calledName, SEARCH_TOOL, SearchedTools, unwrapCall } from './tool-search.ts'

type Visible = Access['visible']

/** The items of a map that a caller sees. */
class VisibleItems<T extends Guarded> implements Items<T> {
  readonly #all: Items<T>
  readonly #shows: (item: Guarded) => boolean

  constructor(all: Items<T>, shows: (item: Guarded) => boolean) {
    this.#all = all
    this.#shows = shows
  }

  /** Of all items: a list that the server announces exists for every caller, also when it is empty. */
  get size(): number {
    return this.#all.size
  }

  get(name: string): T | undefined {
    const item = this.#all.get(name)
    return item && this.#shows(item) ? item : undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  *[Symbol.iterator](): MapIterator<[string, T]> {
    for (const entry of this.#all) if (this.#shows(entry[1])) yield entry
  }

  *values(): MapIterator<T> {
    for (const [, item] of this) yield item
  }
}

/**
 * The catalog of a caller for one request. `visible` is asked for what the request can reach, each function
 * once; everything else that has one is hidden.
 */
export async function catalogFor(
  server: Server,
  caller: Caller,
  request: { readonly method: string; readonly params?: Params },
): Promise<Catalog> {
  const { registry } = server
  const { count } = registrationsOf(registry)
  const items = reached(registry, request.method, request.params ?? {})
  const answers = new Map<Visible, boolean>()
  const asked = new Map(items.map(({ options }) => [options.visible, options]))
  await Promise.all(
    Array.from(asked, async ([visible, options]) => {
      answers.set(visible, await isAllowed(server, caller, options))
    }),
  )
  const shows = (item: Guarded) =>
    !isForbidden(caller, item) &&
    (item.options.visible === undefined || answers.get(item.options.visible) === true)
  // Callers who see the same share what is cached. The count is part of the name because a registration
  // that came while `visible` was asked changes what the digits mean.
  const view = `${count}.${items.map((item) => (shows(item) ? 1 : 0)).join('')}`
  const selective = new Set<object>()
  const visibleOf = <T extends Guarded>(all: Items<T>): Items<T> => {
    if (!registry.selective.has(all)) return all
    const visible = new VisibleItems(all, shows)
    selective.add(visible)
    return visible
  }
  const seen = visibleOf(registry.tools)
  const tools = server.searches ? new SearchedTools(registry, seen, caller.era) : seen
  if (server.searches) selective.add(tools)
  const unwrap = server.searches && { unwrap: (one: JsonRpcRequest) => unwrapCall(one, tools) }
  return {
    tools,
    prompts: visibleOf(registry.prompts),
    resources: visibleOf(registry.resources),
    templates: visibleOf(registry.templates),
    selective,
    ...unwrap,
    // A client chooses parts of the name, so the view comes first.
    cachedJson: (name, write) => registry.cachedJson(`${view} ${name}`, write),
  }
}

/** Whether an item exists for a caller. */
export async function isVisible(server: Server, caller: Caller, item: Guarded): Promise<boolean> {
  return !isForbidden(caller, item) && isAllowed(server, caller, item.options)
}

/** Whether missing scopes hide it from the caller. */
function isForbidden(caller: Caller, item: Guarded): boolean {
  return !item.options.stepUp && lacksScopes(caller, item)
}

/** The answer of `visible`. An exception is a no: a failure must show nothing that should be hidden. */
async function isAllowed(server: Server, caller: Caller, options: Access): Promise<boolean> {
  if (options.visible === undefined) return true
  try {
    return (await options.visible(caller)) === true
  } catch (error) {
    logInternal(server, 'visible threw', error)
    return false
  }
}

/** What a request can reach: one item, or those that stand for a whole list. */
function reached(registry: Registry, method: string, params: Params): Guarded[] {
  const { name, uri, ref, arguments: args } = params
  const { tools, prompts, resources, templates } = registry
  switch (method) {
    case 'tools/call': {
      const tool = tools.get((name === CALL_TOOL ? calledName(args) : name) as string)
      if (name === SEARCH_TOOL && !tool) return representativesOf(registry, tools)
      // The tool for results of tasks reaches the tools of those tasks.
      return tool?.durable ? representativesOf(registry, tools) : present(tool)
    }
    case 'tools/list':
    case 'tasks/get':
    case 'tasks/result':
    case 'tasks/update':
    case 'tasks/cancel':
      return representativesOf(registry, tools)
    case 'prompts/list':
      return representativesOf(registry, prompts)
    case 'prompts/get':
      return present(prompts.get(name as string))
    case 'completion/complete': {
      const named = isObject(ref) ? ref : {}
      const at = named.uri as string
      return present(prompts.get(named.name as string), templates.get(at), resources.get(at))
    }
    case 'resources/read':
    case 'resources/subscribe':
      return [...present(resources.get(uri as string)), ...representativesOf(registry, templates)]
    case 'resources/list':
    case 'resources/templates/list':
    case 'subscriptions/listen':
      return [...representativesOf(registry, resources), ...representativesOf(registry, templates)]
    default:
      return []
  }
}

const present = (...items: readonly (Guarded | undefined)[]) =>
  items.filter((item) => item !== undefined)

interface Representatives {
  /** Registrations until they were found. */
  readonly count: number
  readonly items: Guarded[]
}

const known = new WeakMap<object, Representatives>()

/**
 * One item for each pair of `visible` and scopes, found once for each state of the registry, because a list
 * may have many thousand items.
 */
function representativesOf(registry: Registry, map: ReadonlyMap<string, Guarded>): Guarded[] {
  const { count } = registrationsOf(registry)
  const before = known.get(map)
  if (before?.count === count) return before.items
  const found = new Map<Visible, Map<string, Guarded>>()
  for (const item of map.values()) {
    const { visible, scopes = [], stepUp } = item.options
    const needed = stepUp ? '' : scopes.join(' ')
    if (!visible && needed === '') continue
    const same = found.get(visible) ?? new Map<string, Guarded>()
    found.set(visible, same)
    if (!same.has(needed)) same.set(needed, item)
  }
  const items = Array.from(found.values(), (same) => [...same.values()]).flat()
  known.set(map, { count, items })
  return items
}
