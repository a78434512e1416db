/** Registers what another server lists, and follows the changes of its lists. */

import type {
  GetPromptResult,
  JsonSchema,
  Mcp,
  PromptOptions,
  ReadResourceResult,
  Registration,
  ResourceOptions,
  ToolOptions,
} from '../../src/index.ts'
import { McpError } from '../../src/index.ts'
import { completers, passThrough, pick, promptSchema, variablesOf } from './pass-through.ts'
import type { Json, Peer } from './peer.ts'
import { isJson } from './peer.ts'
import { toToolResult } from './tool-result.ts'

/** Options that {@link BridgeOptions.tools} may set: what a server decides about a tool of another one. */
export type BridgedToolOptions = Partial<
  Pick<
    ToolOptions,
    | 'title'
    | 'description'
    | 'annotations'
    | 'icons'
    | '_meta'
    | 'scopes'
    | 'stepUp'
    | 'visible'
    | 'timeout'
  >
>

/** A tool of another server, as it lists it. */
export interface ListedTool {
  /** The name without the prefix. */
  readonly name: string
  readonly description?: string
  readonly [member: string]: unknown
}

/** What `mount()` and `proxy()` have in common. */
export interface BridgeOptions {
  /** Begins the names of tools and prompts: `github_`. URIs of resources stay as they are. @default none */
  prefix?: string
  /**
   * Options for each tool, instead of those that the other server lists; `false` leaves the tool out.
   *
   * @example tools: ({ name }) => (name.startsWith('admin_') ? false : { scopes: ['read'] })
   */
  tools?(tool: ListedTool): BridgedToolOptions | false | undefined
  /**
   * Names what the other server has and what is left out on purpose, as the error names it: `tasks`,
   * `experimental.x`. @default nothing, so that the start fails with the name
   */
  without?: readonly string[]
  /** Gets the errors of later changes, such as a new tool with a name that is taken. @default `console.error` */
  onError?(error: unknown): void
}

/** The lists of the protocol, by the member of their results. */
const LISTS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const
type List = (typeof LISTS)[number]

const METHODS: { readonly [list in List]: string } = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
}

/** Pages of one list at most, so that a server that never ends its list does not hold the start up. */
const MOST_PAGES = 10_000
const METHOD_NOT_FOUND = -32_601
const RESOURCE_NOT_FOUND = -32_002

interface Offered {
  /** The item as the other server lists it. */
  readonly json: string
  readonly registration: Registration | undefined
}

/** What one server offers of another. */
export class Offer {
  readonly #mcp: Mcp
  readonly #peer: Peer
  readonly #options: BridgeOptions
  readonly #offered: { readonly [list in List]: Map<string, Offered> } = {
    tools: new Map(),
    prompts: new Map(),
    resources: new Map(),
    resourceTemplates: new Map(),
  }
  #refreshing: Promise<unknown> | undefined
  #closed = false

  constructor(mcp: Mcp, peer: Peer, options: BridgeOptions) {
    this.#mcp = mcp
    this.#peer = peer
    this.#options = options
  }

  /** Reads all lists and registers what they hold, or nothing when something of it cannot be registered. */
  async begin(): Promise<void> {
    const begun = (async () => {
      for (const list of LISTS) await this.#update(list)
    })()
    this.#refreshing = begun.catch(() => {})
    try {
      await begun
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** Reads the lists again, one refresh after the other, and tells the clients what has changed. */
  refresh(): Promise<void> {
    const earlier = this.#refreshing
    const next = (async () => {
      await earlier
      await this.#refresh()
    })()
    const quiet = next.catch(() => {})
    this.#refreshing = quiet
    return next
  }

  async #refresh(): Promise<void> {
    const { notify } = this.#mcp
    const changed = new Set<List>()
    for (const list of LISTS) {
      if (!this.#closed && (await this.#update(list))) changed.add(list)
    }
    if (changed.has('tools')) await notify.toolsChanged()
    if (changed.has('prompts')) await notify.promptsChanged()
    if (changed.has('resources') || changed.has('resourceTemplates')) {
      await notify.resourcesChanged()
    }
  }

  /** Takes back everything. */
  end(): void {
    this.#closed = true
    for (const list of LISTS) {
      for (const { registration } of this.#offered[list].values()) registration?.remove()
      this.#offered[list].clear()
    }
  }

  /** Whether something has changed. */
  async #update(list: List): Promise<boolean> {
    const offered = this.#offered[list]
    const listed = new Map<string, Json>()
    for (const item of await this.#read(list)) listed.set(keyOf(list, item), item)
    if (this.#closed) return false
    let changed = false
    for (const [key, { json, registration }] of offered) {
      const item = listed.get(key)
      if (item && JSON.stringify(item) === json) continue
      registration?.remove()
      offered.delete(key)
      changed = true
    }
    for (const [key, item] of listed) {
      if (offered.has(key)) continue
      offered.set(key, { json: JSON.stringify(item), registration: this.#register(list, item) })
      changed = true
    }
    return changed
  }

  async #read(list: List): Promise<Json[]> {
    const capability = list === 'resourceTemplates' ? 'resources' : list
    if (!this.#peer.capabilities[capability]) return []
    const items: Json[] = []
    let cursor: unknown
    for (let page = 0; page < MOST_PAGES; page++) {
      let result: Json
      try {
        result = await this.#peer.request(METHODS[list], cursor === undefined ? {} : { cursor })
      } catch (error) {
        // Some servers have resources and no templates.
        if (error instanceof McpError && error.code === METHOD_NOT_FOUND) return items
        throw error
      }
      const read = result[list]
      if (Array.isArray(read)) items.push(...read.filter(isJson))
      cursor = result.nextCursor
      if (cursor === undefined) return items
    }
    throw new Error(`The other server's ${METHODS[list]} has more than ${MOST_PAGES} pages`)
  }

  #register(list: List, item: Json): Registration | undefined {
    if (list === 'tools') return this.#tool(item)
    return list === 'prompts' ? this.#prompt(item) : this.#resource(list, item)
  }

  #tool(item: Json): Registration | undefined {
    const { prefix = '', tools } = this.#options
    const name = String(item.name)
    const own = tools?.({ ...item, name })
    if (own === false) return undefined
    if (isJson(item.execution) && item.execution.taskSupport === 'required') {
      throw new TypeError(
        `Tool "${name}" runs only as a task of its own server (execution.taskSupport: "required"), which is not carried over: leave it out with tools: ({ name }) => name !== '${name}' && {}, and declare it with mcp.tool(…, { task })`,
      )
    }
    const { inputSchema, outputSchema, description, title } = item
    const options = {
      ...pick(item, 'title', 'annotations', 'icons', '_meta'),
      description: description || title || name,
      input: passThrough((inputSchema ?? { type: 'object' }) as JsonSchema),
      ...(isJson(outputSchema) && { output: passThrough(outputSchema) }),
      ...own,
    } as ToolOptions
    return this.#mcp.tool(prefix + name, options, async (args, ctx) =>
      toToolResult(await this.#peer.request('tools/call', { name, arguments: args }, ctx)),
    )
  }

  #prompt(item: Json): Registration {
    const name = String(item.name)
    const schema = promptSchema(item.arguments)
    const names = Object.keys((schema?.properties ?? {}) as object)
    const options = {
      ...pick(item, 'title', 'description', 'icons', '_meta'),
      ...(schema && { input: passThrough(schema) }),
      ...completers(this.#peer, { type: 'ref/prompt', name }, names),
    } as unknown as PromptOptions
    return this.#mcp.prompt((this.#options.prefix ?? '') + name, options, async (args, ctx) => {
      const result: unknown = await this.#peer.request(
        'prompts/get',
        { name, arguments: args },
        ctx,
      )
      return result as GetPromptResult
    })
  }

  #resource(list: List, item: Json): Registration {
    const isTemplate = list === 'resourceTemplates'
    const uri = keyOf(list, item)
    const ref = { type: 'ref/resource', uri }
    const options = {
      name: uri,
      ...pick(item, 'name', 'title', 'description', 'mimeType', 'annotations', 'icons', '_meta'),
      ...(!isTemplate && pick(item, 'size')),
      ...(isTemplate && completers(this.#peer, ref, variablesOf(uri))),
    } as ResourceOptions
    return this.#mcp.resource(uri, options, async (_, ctx) => {
      try {
        const result: unknown = await this.#peer.request('resources/read', { uri: ctx.uri }, ctx)
        return result as ReadResourceResult
      } catch (error) {
        // The code differs by revision, so our own server chooses it.
        if (error instanceof McpError && error.code === RESOURCE_NOT_FOUND) return undefined
        throw error
      }
    })
  }
}

function keyOf(list: List, item: Json): string {
  if (list === 'resources') return String(item.uri)
  return String(list === 'resourceTemplates' ? item.uriTemplate : item.name)
}
