/** One page of a list as JSON text, written once for each revision and cursor. */
import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import type { ListName } from '../handlers/extension.ts'
import type { Items } from '../handlers/registry.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from './call.ts'
import { invalidParams } from './errors.ts'
import type { Revision } from './revisions.ts'
import { has, isModernRevision } from './revisions.ts'
import { serverMeta } from './server-meta.ts'

export interface List<T> {
  /** The member of the result that holds the items. */
  readonly name: ListName
  readonly items: Items<T>
  toItem(item: T, revision: Revision): object
}

export function listPage<T>(call: Call, list: List<T>): MaybePromise<string> {
  return finishPage(call, list, writtenPage(call, list))
}

/** The page that the cursor of the call names, before middleware has seen it. */
export function writtenPage<T>(call: Call, list: List<T>): string {
  const { revision, params } = call
  const { cursor } = params
  if (cursor !== undefined && typeof cursor !== 'string') throw badCursor()
  const page =
    cursor === undefined ? `${list.name} ${revision}` : `${list.name} ${revision} ${cursor}`
  return call.registry.cachedJson(page, () => writePage(call, list, cursor))
}

export function finishPage(
  call: Call,
  { name }: Pick<List<never>, 'name'>,
  text: string,
): MaybePromise<string> {
  return hasMiddleware(call, 'list') ? listAround(call, name, text) : text
}

async function listAround(call: Call, name: List<never>['name'], text: string): Promise<string> {
  return (await middlewareRunner()).listAround(call, name, text)
}

function writePage<T>(
  { server, registry, revision }: Call,
  list: List<T>,
  cursor: string | undefined,
): string {
  const { items, nextCursor } = pageOf(list.items, cursor, server.pageSize)
  const isModern = isModernRevision(revision)
  return JSON.stringify({
    ...(isModern && { resultType: 'complete' }),
    [list.name]: items.map((item) => {
      const listed = list.toItem(item, revision)
      return server.registry.extensions?.withMeta(list.name, revision, listed) ?? listed
    }),
    nextCursor,
    ...(isModern && {
      ...server.cache,
      // A list of one caller is not for others, whatever the server says of its lists (A.7).
      ...(registry.selective.has(list.items) && { cacheScope: 'private' }),
      _meta: serverMeta(server),
    }),
  })
}

/** Stops at the end of the page: reading the whole list for each page would cost the square of its length. */
function pageOf<T>(
  map: Items<T>,
  cursor: string | undefined,
  size: number,
): { items: T[]; nextCursor: string | undefined } {
  const seen = cursor === undefined ? undefined : keyOf(cursor)
  if (seen !== undefined && !map.has(seen)) throw badCursor()
  let begun = seen === undefined
  const items: T[] = []
  let last = ''
  for (const [key, item] of map) {
    if (!begun) {
      begun = key === seen
      continue
    }
    if (items.length === size) return { items, nextCursor: toCursor(last) }
    items.push(item)
    last = key
  }
  return { items, nextCursor: undefined }
}

/** A cursor names the last item of its page, so it is valid on every instance, and while the list grows (B56). */
function toCursor(key: string): string {
  return btoa(encodeURIComponent(key))
}

function keyOf(cursor: string): string {
  try {
    const key = decodeURIComponent(atob(cursor))
    // Base64 has many spellings of one key: each would be cached as another page.
    if (toCursor(key) === cursor) return key
  } catch {
    // Not base64, or not percent-encoded.
  }
  throw badCursor()
}

const badCursor = () => invalidParams('Invalid cursor: this list has not issued it')

/** The members of every kind of item, as far as the revision knows them (B64). */
export function describedItem(
  { title, icons, _meta }: { title?: string; icons?: object[]; _meta?: object },
  revision: Revision,
): object {
  return {
    ...(title && has.titles(revision) && { title }),
    ...(icons && has.icons(revision) && { icons }),
    ...(_meta && has.titles(revision) && { _meta }),
  }
}
