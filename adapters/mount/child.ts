/** Another `createMcp()`: its registrations become ours, with the middleware that it has. */

import type {
  CallKind,
  Calls,
  ListedItem,
  ListResult,
  Mcp,
  Middleware,
  Registration,
} from '../../src/index.ts'
import type { BridgeOptions } from '../bridge/offer.ts'
import { requireCarried } from '../bridge/refusals.ts'

type Call = Calls[CallKind]['call']
type Result = Calls[CallKind]['result']

/** The registered names of what was mounted, with the names in the child. */
type Names = { readonly [kind in 'tool' | 'prompt' | 'resource']: Map<string, string> }

/** Registers everything that the child has now. Returns the registrations. */
export function mountChild(
  mcp: Mcp,
  child: Mcp,
  { prefix = '', tools: choose, without = [] }: BridgeOptions,
): Registration[] {
  const names: Names = { tool: new Map(), prompt: new Map(), resource: new Map() }
  const { tools, prompts, resources, templates } = child.registered
  const registrations: Registration[] = []
  const add = (kind: keyof Names, name: string, own: string, registration: Registration) => {
    names[kind].set(name, own)
    registrations.push(registration)
  }
  try {
    for (const [own, { options, handler, durable }] of tools) {
      // Ours is added with the first tool that has `task`.
      if (durable && !options.task) continue
      const chosen = choose?.({ ...options, name: own })
      if (chosen === false) continue
      const name = prefix + own
      add('tool', name, own, mcp.tool(name, { ...options, ...chosen }, handler as never))
    }
    for (const [own, { options, handler }] of prompts) {
      add('prompt', prefix + own, own, mcp.prompt(prefix + own, options, handler as never))
    }
    requireExtensions(mcp, child, without)
    for (const [uri, { options, handler }] of [...resources, ...templates]) {
      add('resource', uri, uri, mcp.resource(uri, options, handler))
    }
  } catch (error) {
    for (const registration of registrations) registration.remove()
    throw error
  }
  for (const { kind, run } of child.middleware) {
    const around = scoped(names, run as Middleware)
    if (kind) mcp.use(kind, around as Middleware<typeof kind>)
    else mcp.use(around)
  }
  return registrations
}

/** An extension that the child has and the whole has not, either by itself or through a tool of the child. */
function requireExtensions(mcp: Mcp, child: Mcp, without: readonly string[]): void {
  const namesOf = ({ registered }: Mcp) =>
    Object.keys(registered.extensions?.settings('2026-07-28') ?? {})
  const known = namesOf(mcp)
  const extensions = namesOf(child).filter((name) => !known.includes(name))
  const capabilities = { extensions: Object.fromEntries(extensions.map((name) => [name, {}])) }
  requireCarried('The mounted server', capabilities, without)
}

/** The child's middleware, for calls of what the child has. It sees the child's own names. */
function scoped(names: Names, run: Middleware): Middleware {
  return async (call, next) => {
    if (call.kind === 'list') return aroundList(names, run, call, next as () => Promise<ListResult>)
    const own = ownName(names, call)
    if (own === undefined) return next()
    return run(renamed(call, own), next)
  }
}

function ownName(names: Names, { kind, name }: Call): string | undefined {
  if (kind === 'tool' || kind === 'prompt' || kind === 'resource') return names[kind].get(name)
  return names.prompt.get(name) ?? names.resource.get(name)
}

/** The same call under the child's name. Everything else is read from the call, and assigned to it. */
function renamed<C extends Call>(call: C, name: string): C {
  return new Proxy(call, {
    get: (target, member) => {
      if (member === 'name') return name
      const value: unknown = Reflect.get(target, member, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, member, value) => Reflect.set(target, member, value, target),
  })
}

/** Shows the child's middleware its own items of a page, and puts what it returns in their place. */
async function aroundList(
  names: Names,
  run: Middleware,
  call: Calls['list']['call'],
  next: () => Promise<ListResult>,
): Promise<Result> {
  const page = await next()
  const items = page[call.name] ?? []
  const kinds = { tools: 'tool', prompts: 'prompt' } as const
  const known =
    call.name === 'tools' || call.name === 'prompts' ? names[kinds[call.name]] : undefined
  const nameOf = (item: ListedItem): string | undefined =>
    known ? known.get(item.name) : names.resource.get(String(item.uri ?? item.uriTemplate))
  const place = items.findIndex((item) => nameOf(item) !== undefined)
  if (place < 0) return page
  const originals = new Map<string, string>()
  const own = items.flatMap((item) => {
    const name = nameOf(item)
    if (name === undefined) return []
    if (!known) return [item]
    originals.set(name, item.name)
    return [{ ...item, name }]
  })
  const result = (await run(call, async () => ({ ...page, [call.name]: own }))) as ListResult
  const kept = (result[call.name] ?? []).map((item) =>
    known ? { ...item, name: originals.get(item.name) ?? item.name } : item,
  )
  const isOther = (item: ListedItem) => nameOf(item) === undefined
  const before = items.slice(0, place).filter(isOther)
  const after = items.slice(place).filter(isOther)
  return { ...page, ...result, [call.name]: [...before, ...kept, ...after] }
}
