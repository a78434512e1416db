/** The registry: everything that one server offers. */
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

/** Everything that one server offers, by name. In a Map, `constructor` and `__proto__` are names like others. */
export class Registry {
  readonly tools = new Map<string, Tool>()
  readonly prompts = new Map<string, Prompt>()
  readonly resources = new Map<string, Resource>()
  readonly templates = new Map<string, Resource>()
  readonly #written = new Map<string, string>()

  /** Throws a `TypeError` when the name is taken. */
  add<T>(map: Map<string, T>, name: string, value: T): Registration {
    if (map.has(name)) throw new TypeError(`"${name}" is registered already`)
    map.set(name, value)
    this.#written.clear()
    return {
      remove: () => {
        if (map.get(name) !== value) return
        map.delete(name)
        this.#written.clear()
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
