/** `tools: 'search'`: a model finds tools by words and calls them by one tool, so no list has to hold them all. */
import { failure } from '../handlers/failure.ts'
import { registrationsOf } from '../handlers/registrations.ts'
import type { Items, Registry } from '../handlers/registry.ts'
import type { Tool } from '../handlers/tool.ts'
import { createTool } from '../handlers/tool.ts'
import { isObject } from '../lib/is-object.ts'
import { propertiesOf } from '../schema/schema.ts'
import type { JsonRpcRequest } from './jsonrpc.ts'
import type { Era } from './revisions.ts'

export const SEARCH_TOOL = 'search_tools'
export const CALL_TOOL = 'call_tool'

/** Tools of one answer, without a limit of the model and at most. */
const FOUND = 10
const MOST_FOUND = 50

/** What a server with `tools: 'search'` lists: the two tools, and those with `listed`. */
export class SearchedTools implements Items<Tool> {
  readonly listedKeys: readonly string[]
  readonly #all: Items<Tool>
  readonly #own: ReadonlyMap<string, Tool>

  /** `all` are the tools that exist for the caller. */
  constructor(registry: Registry, all: Items<Tool>, era: Era) {
    this.#all = all
    this.#own = new Map([
      [SEARCH_TOOL, searchTool(registry, all, era)],
      [CALL_TOOL, callTool],
    ])
    this.listedKeys = [...this.#own.keys(), ...listedOf(registry).filter((name) => all.has(name))]
  }

  get size(): number {
    return this.#all.size
  }

  get(name: string): Tool | undefined {
    return this.#own.get(name) ?? this.#all.get(name)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  [Symbol.iterator](): MapIterator<[string, Tool]> {
    return this.#all[Symbol.iterator]()
  }

  values(): MapIterator<Tool> {
    return this.#all.values()
  }
}

/** A call through `call_tool` as the call of that tool. A name that the caller does not see is left to `call_tool`. */
export function unwrapCall(request: JsonRpcRequest, tools: Items<Tool>): JsonRpcRequest {
  const { method, params } = request
  if (method !== 'tools/call' || params?.name !== CALL_TOOL) return request
  const given = isObject(params.arguments) ? params.arguments : {}
  const { name, arguments: args = {} } = given
  if (typeof name !== 'string' || name === CALL_TOOL || !tools.has(name)) return request
  return { ...request, params: { ...params, name, arguments: args } }
}

/** The name of the tool that a call through `call_tool` is for. */
export function calledName(args: unknown): unknown {
  return isObject(args) ? args.name : undefined
}

const callTool = createTool(
  CALL_TOOL,
  {
    description: `Calls a tool that ${SEARCH_TOOL} has found, and returns its result`,
    input: {
      type: 'object',
      properties: {
        name: { type: 'string', description: `The tool's name, as ${SEARCH_TOOL} told it` },
        arguments: { type: 'object', description: 'Arguments that match its inputSchema' },
      },
      required: ['name'],
    },
  },
  ({ name }) => failure(`No tool has the name ${name}: look for one with ${SEARCH_TOOL}`),
)

const searchDefinition = createTool(
  SEARCH_TOOL,
  {
    description: `Finds tools by what they do. Call them with ${CALL_TOOL}`,
    input: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words of the task, such as "refund an order"' },
        limit: { type: 'integer', minimum: 1, maximum: MOST_FOUND, default: FOUND },
      },
      required: ['query'],
    },
    annotations: { readOnlyHint: true },
  },
  () => undefined,
)

function searchTool(registry: Registry, all: Items<Tool>, era: Era): Tool {
  return {
    ...searchDefinition,
    handler: ({ query, limit = FOUND }) => {
      const tools: object[] = []
      for (const name of rank(indexOf(registry), wordsOf(`${query}`))) {
        const tool = all.get(name)
        if (!tool) continue
        const { inputSchema, modernInputSchema, options } = tool
        tools.push({
          name,
          description: options.description,
          inputSchema: era === 'modern' ? modernInputSchema : inputSchema,
        })
        if (tools.length >= Number(limit)) break
      }
      return { tools }
    },
  }
}

/** Which tools have a word, and how often; how many words each tool has. */
interface Index {
  readonly count: number
  readonly postings: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly lengths: ReadonlyMap<string, number>
  readonly average: number
  readonly listed: readonly string[]
}

const indexes = new WeakMap<Registry, Index>()

const listedOf = (registry: Registry) => indexOf(registry).listed

/** Made with the first use after a registration. */
function indexOf(registry: Registry): Index {
  const { count } = registrationsOf(registry)
  const known = indexes.get(registry)
  if (known?.count === count) return known
  const postings = new Map<string, Map<string, number>>()
  const lengths = new Map<string, number>()
  let total = 0
  for (const [name, { options, inputSchema }] of registry.tools) {
    const parameters = propertiesOf(inputSchema).map(([parameter]) => parameter)
    const about = `${options.title ?? ''} ${options.description} ${parameters.join(' ')}`
    // The name says most, so it counts twice.
    const words = wordsOf(`${name} ${name} ${about}`)
    total += words.length
    lengths.set(name, words.length)
    for (const word of words) {
      const found = postings.get(word) ?? new Map<string, number>()
      postings.set(word, found.set(name, (found.get(name) ?? 0) + 1))
    }
  }
  const listed = [...registry.tools].flatMap(([name, { options }]) => (options.listed ? name : []))
  const average = total / Math.max(1, lengths.size)
  const index = { count, postings, lengths, average, listed }
  indexes.set(registry, index)
  return index
}

/** The parts of names like `refundOrder` and `refund_order` are words, and a plural counts as its singular. */
function wordsOf(text: string): string[] {
  const parts = text.replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2').toLowerCase()
  const words = parts.match(/[\p{L}\p{N}]+/gu) ?? []
  return words.map((word) => (word.length > 3 ? word.replace(/(?<!s)s$/, '') : word))
}

/** Okapi BM25 with its usual weights. */
const SATURATION = 1.2
const LENGTH_WEIGHT = 0.75

/** Names of tools with at least one of the words, the best first. */
function rank({ postings, lengths, average }: Index, words: readonly string[]): string[] {
  const scores = new Map<string, number>()
  for (const word of new Set(words)) {
    const found = postings.get(word)
    if (!found) continue
    const rarity = Math.log(1 + (lengths.size - found.size + 0.5) / (found.size + 0.5))
    for (const [name, times] of found) {
      const length = (lengths.get(name) ?? average) / average
      const norm = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length)
      const score = (rarity * times * (SATURATION + 1)) / (times + norm)
      scores.set(name, (scores.get(name) ?? 0) + score)
    }
  }
  return [...scores].sort(([, a], [, b]) => b - a).map(([name]) => name)
}
