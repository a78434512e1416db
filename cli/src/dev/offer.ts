/** What a server offers, and how that differs from what it offered before. */

import type { AuthorServer } from './author-server.ts'
import { pathOf } from './author-server.ts'

const LISTS = {
  tools: { method: 'tools/list', key: 'name', change: 'tools' },
  prompts: { method: 'prompts/list', key: 'name', change: 'prompts' },
  resources: { method: 'resources/list', key: 'uri', change: 'resources' },
  resourceTemplates: {
    method: 'resources/templates/list',
    key: 'uriTemplate',
    change: 'resources',
  },
} as const

type ListName = keyof typeof LISTS
export type Change = (typeof LISTS)[ListName]['change']

const NAMES = Object.keys(LISTS) as ListName[]

/** The definitions by list and name, as JSON; undefined for a list that this program may not read. */
export type Offer = Readonly<Record<ListName, ReadonlyMap<string, string> | undefined>>

/** A server that fails on its own lists is told to the author as an error in his code. */
export class ListFailure extends Error {
  override name = 'ListFailure'
}

/** Reads the lists through the server's own endpoint. `token` is what its callers need, if it is known. */
export async function readOffer(
  server: AuthorServer,
  port: number,
  token?: string,
): Promise<Offer> {
  const entries: [ListName, ReadonlyMap<string, string> | undefined][] = []
  for (const name of NAMES) entries.push([name, await readList(server, name, port, token)])
  return Object.fromEntries(entries) as Offer
}

async function readList(
  server: AuthorServer,
  name: ListName,
  port: number,
  token: string | undefined,
): Promise<ReadonlyMap<string, string> | undefined> {
  const { method, key } = LISTS[name]
  const found = new Map<string, string>()
  let cursor: unknown
  do {
    const response = await server.fetch(
      listRequest(`http://localhost:${port}${pathOf(server)}`, method, cursor, token),
    )
    const answer = (await response.json().catch(() => ({}))) as Answer
    // A server without prompts does not know the method.
    if (answer.error?.code === METHOD_NOT_FOUND) return found
    if (answer.error && response.status !== 401 && response.status !== 403) {
      throw new ListFailure(`${method}: ${answer.error.message}`)
    }
    if (answer.result === undefined) return undefined
    const items = answer.result[name] as Record<string, unknown>[]
    for (const item of items) found.set(String(item[key]), JSON.stringify(item))
    cursor = answer.result.nextCursor
  } while (cursor !== undefined)
  return found
}

const METHOD_NOT_FOUND = -32601
const REVISION = '2026-07-28'

interface Answer {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string }
}

function listRequest(url: string, method: string, cursor: unknown, token?: string): Request {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientInfo': { name: 'streamable-mcp dev', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { _meta, ...(cursor !== undefined && { cursor }) }
  return new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
}

export interface Difference {
  /** The lists that clients have to read again. */
  readonly changes: ReadonlySet<Change>
  /** `+ add`, `~ greet`, `- old`. */
  readonly words: readonly string[]
}

/** Compares two offers. A list that cannot be read counts as changed, because clients may read it. */
export function differenceOf(before: Offer, after: Offer): Difference {
  const changes = new Set<Change>()
  const words: string[] = []
  for (const name of NAMES) {
    const [old, now] = [before[name], after[name]]
    const added = old && now ? [...now.keys()].filter((key) => !old.has(key)) : []
    const removed = old && now ? [...old.keys()].filter((key) => !now.has(key)) : []
    const changed =
      old && now
        ? [...now].flatMap(([key, text]) => (old.has(key) && old.get(key) !== text ? [key] : []))
        : []
    words.push(
      ...added.map((key) => `+ ${key}`),
      ...changed.map((key) => `~ ${key}`),
      ...removed.map((key) => `- ${key}`),
    )
    if (!old || !now || added.length + removed.length + changed.length > 0)
      changes.add(LISTS[name].change)
  }
  return { changes, words }
}

/** `2 tools, 1 prompt`; undefined where no list can be read. */
export function countsOf(offer: Offer): string | undefined {
  const words = {
    tools: 'tool',
    prompts: 'prompt',
    resources: 'resource',
    resourceTemplates: 'template',
  }
  const counts = NAMES.flatMap((name) => {
    const size = offer[name]?.size ?? 0
    return size === 0 ? [] : [`${size} ${words[name]}${size === 1 ? '' : 's'}`]
  })
  if (offer.tools === undefined) return undefined
  return counts.join(', ') || 'nothing yet'
}
