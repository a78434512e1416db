/** The registry: everything that one server offers. */
import type { JsonRpcRequest } from '../protocol/jsonrpc.ts'
import type { Guarded } from './access.ts'
import type { Extensions } from './extension.ts'
import type { Prompt } from './prompt.ts'
import type { Resource } from './resource.ts'
import type { Tool } from './tool.ts'

/** The registration of a tool, a prompt or a resource. */
export interface Registration {
  /** Removes it from the server. Clients that listen are not told: call `mcp.notify` for that. */
  remove(): void
}

/** Cached texts at most, which is several times the first pages of all lists in all revisions. */
const MOST_WRITTEN = 100

/** Items by name, as those who look them up need them. */
export interface Items<T>
  extends Pick<ReadonlyMap<string, T>, 'get' | 'has' | 'size' | 'values' | typeof Symbol.iterator> {
  /** The names in the list, where they are not those of all items. */
  readonly listedKeys?: readonly string[]
}

/** What a server offers: to everybody, which is its registry, or to one caller. */
export interface Catalog {
  readonly tools: Items<Tool>
  readonly prompts: Items<Prompt>
  readonly resources: Items<Resource>
  readonly templates: Items<Resource>
  /** Those of them with an item that does not exist for every caller. */
  readonly selective: ReadonlySet<object>
  /** Returns the cached text of this name, or writes and caches it. */
  cachedJson(name: string, write: () => string): string
  /** The request to answer in place of a request that only wraps it. */
  unwrap?(request: JsonRpcRequest): JsonRpcRequest
}

/** Everything that one server offers, by name. In a Map, `constructor` and `__proto__` are names like others. */
export class Registry implements Catalog {
  readonly tools = new Map<string, Tool>()
  readonly prompts = new Map<string, Prompt>()
  readonly resources = new Map<string, Resource>()
  readonly templates = new Map<string, Resource>()
  readonly selective = new Set<object>()
  /** Told what is added to a map or removed from it. */
  onChange: ((map: object, item: Guarded) => void) | undefined
  /** The first extension makes it. */
  extensions?: Extensions
  readonly #written = new Map<string, string>()

  /** Throws a `TypeError` when the name is taken. */
  add<T extends Guarded>(map: Map<string, T>, name: string, value: T): Registration {
    if (map.has(name)) throw new TypeError(`"${name}" is registered already`)
    map.set(name, value)
    const { visible, scopes, stepUp } = value.options
    if (visible || (!stepUp && scopes?.length)) this.selective.add(map)
    const changed = () => {
      this.onChange?.(map, value)
      this.#written.clear()
    }
    changed()
    return {
      remove() {
        if (map.get(name) !== value) return
        map.delete(name)
        changed()
      },
    }
  }

  /**
   * Returns the cached text of this name, or writes and caches it. A registration clears the cache, and so
   * does a full cache: a client chooses the cursors, so it could ask for as many pages as there are items.
   */
  cachedJson(name: string, write: () => string): string {
    const known = this.#written.get(name)
    if (known !== undefined) return known
    const text = write()
    if (this.#written.size >= MOST_WRITTEN) this.#written.clear()
    this.#written.set(name, text)
    return text
  }
}
