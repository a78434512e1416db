/** `resources/list` with the resources that templates list. Loaded with the first such template. */
import { createContext } from '../handlers/call-context.ts'
import type { ListedResource, Resource } from '../handlers/resource.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { matchUri } from '../handlers/uri-match.ts'
import type { Call } from './call.ts'
import { invalidParams } from './errors.ts'
import type { List } from './list-page.ts'
import { describedItem, finishPage, writtenPage } from './list-page.ts'
import { writeResult } from './results.ts'
import type { ListResult } from './types.ts'

/** Where a page of listed resources begins: the template, the cursor of its lister, and items to skip. */
interface Position {
  readonly template: string
  readonly cursor: string | undefined
  readonly skip: number
}

interface Page {
  readonly items: readonly object[]
  readonly next: Position | undefined
}

/**
 * First the registered resources, then those of each lister, in the order of registration. The page of a
 * lister may be of any length: what does not fit stays for the next page of the client.
 */
export async function listWithTemplates(
  call: Call,
  list: List<Resource>,
  listers: readonly Resource[],
): Promise<string> {
  const { server, params, era } = call
  const begin = toPosition(params.cursor)
  const [first] = listers
  let items: readonly object[] = []
  let position = begin
  if (!begin) {
    const written = JSON.parse(writtenPage(call, list)) as ListResult
    if (written.nextCursor !== undefined) return finishPage(call, list, JSON.stringify(written))
    items = written.resources as readonly object[]
    position = first && startOf(first)
  }
  while (position && items.length < server.pageSize) {
    const page = await pageFrom(call, listers, position, server.pageSize - items.length)
    items = [...items, ...page.items]
    position = page.next
  }
  const result = {
    resources: items,
    ...(position && { nextCursor: toCursor(position) }),
    // A lister knows its caller, so what it lists is for that caller alone (A.7).
    ...(era === 'modern' && { ...server.cache, cacheScope: 'private' }),
  }
  return finishPage(call, list, writeResult(call, result))
}

const startOf = ({ uri }: Resource): Position => ({ template: uri, cursor: undefined, skip: 0 })

/** At most `room` items of the lister at a position, and where the next ones are. */
async function pageFrom(
  call: Call,
  listers: readonly Resource[],
  { template, cursor, skip }: Position,
  room: number,
): Promise<Page> {
  const at = listers.findIndex(({ uri }) => uri === template)
  const lister = listers[at]
  // A template that is hidden from the caller, or that was removed.
  if (!lister) throw badCursor()
  const { resources, nextCursor } = await runLister(call, lister, cursor)
  const items = resources.slice(skip, skip + room).flatMap((item) => toItem(call, lister, item))
  if (resources.length > skip + room) {
    return { items, next: { template, cursor, skip: skip + room } }
  }
  if (nextCursor !== undefined) return { items, next: { template, cursor: nextCursor, skip: 0 } }
  const following = listers[at + 1]
  return { items, next: following && startOf(following) }
}

async function runLister(call: Call, lister: Resource, cursor: string | undefined) {
  const { list } = lister.options
  try {
    return await runHandler(call, `List of ${lister.uri}`, call.server.limits.call, async () => {
      const context = Object.assign(createContext(call), cursor !== undefined && { cursor })
      const listed = (await list?.(context)) ?? []
      return 'resources' in listed ? listed : { resources: listed, nextCursor: undefined }
    })
  } catch (error) {
    throw toMcpError(error)
  }
}

/** An item as the client sees it, with what the template says of all. A registered resource is listed itself. */
function toItem(
  { server, registry, revision }: Call,
  { uri: template, template: parsed, options }: Resource,
  item: ListedResource,
): object[] {
  if (registry.resources.has(item.uri)) return []
  if (!parsed || !matchUri(parsed, item.uri)) {
    const message = 'a listed resource does not match its template, so no client could read it'
    server.log({ level: 'error', message, template })
    return []
  }
  const { name, description, mimeType, annotations, size } = { ...options, ...item }
  const described = describedItem({ ...options, ...item }, revision)
  return [{ uri: item.uri, name, ...described, description, mimeType, annotations, size }]
}

/** Begins with a bracket, as no URI does: those are the cursors of registered resources. */
function toCursor({ template, cursor, skip }: Position): string {
  return btoa(encodeURIComponent(JSON.stringify([template, skip, ...(cursor ? [cursor] : [])])))
}

function toPosition(given: unknown): Position | undefined {
  if (typeof given !== 'string') return undefined
  try {
    const text = decodeURIComponent(atob(given))
    if (!text.startsWith('[')) return undefined
    const [template, skip, cursor] = JSON.parse(text) as unknown[]
    if (typeof template !== 'string' || !Number.isSafeInteger(skip) || Number(skip) < 0) {
      throw badCursor()
    }
    return { template, skip: Number(skip), cursor: typeof cursor === 'string' ? cursor : undefined }
  } catch {
    throw badCursor()
  }
}

const badCursor = () => invalidParams('Invalid cursor: this list has not issued it')
