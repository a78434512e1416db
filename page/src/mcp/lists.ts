/** What a server offers, read page by page. */
import type { JsonObject } from '../json.ts'
import { isObject, objectsOf, textOf } from '../json.ts'
import type { Connection } from './protocol.ts'
import { headerValue } from './protocol.ts'

export interface Catalog {
  readonly tools: readonly JsonObject[]
  readonly prompts: readonly JsonObject[]
  readonly resources: readonly JsonObject[]
  readonly templates: readonly JsonObject[]
}

/** A server whose lists never end is cut here. */
const MOST_PAGES = 100

export async function readCatalog(connection: Connection): Promise<Catalog> {
  const { capabilities } = connection.info
  const list = (capability: string, method: string, member: string) =>
    isObject(capabilities[capability]) ? readList(connection, method, member) : []
  const [tools, prompts, resources, templates] = await Promise.all([
    list('tools', 'tools/list', 'tools'),
    list('prompts', 'prompts/list', 'prompts'),
    list('resources', 'resources/list', 'resources'),
    // A server may have resources and not know this method.
    Promise.resolve(list('resources', 'resources/templates/list', 'resourceTemplates')).catch(
      () => [],
    ),
  ])
  return { tools, prompts, resources, templates }
}

async function readList(
  connection: Connection,
  method: string,
  member: string,
): Promise<JsonObject[]> {
  const all: JsonObject[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const result = await connection.request(method, cursor === undefined ? {} : { cursor })
    all.push(...objectsOf(result[member]))
    cursor = textOf(result.nextCursor)
    if (cursor === undefined) break
  }
  return all
}

/** The arguments that the schema wants in headers (`x-mcp-header`), as those headers. */
export function paramHeadersOf(schema: unknown, values: unknown): Record<string, string> {
  const headers: [string, string][] = []
  const visit = (at: unknown, value: unknown, depth: number) => {
    if (!isObject(at) || !isObject(at.properties) || !isObject(value) || depth > 10) return
    for (const [name, property] of Object.entries(at.properties)) {
      if (!isObject(property) || !Object.hasOwn(value, name)) continue
      const header = property['x-mcp-header']
      const given = value[name]
      const isPlain = ['string', 'boolean', 'number'].includes(typeof given)
      if (typeof header === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(header) && isPlain) {
        headers.push([`Mcp-Param-${header}`, headerValue(String(given))])
      }
      visit(property, given, depth + 1)
    }
  }
  visit(schema, values, 0)
  return Object.fromEntries(headers)
}
