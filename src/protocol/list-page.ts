/** One page of a list as JSON text, written once for each revision and cursor. */
import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import type { ListName } from '../handlers/extension.ts'
import { registrationsOf } from '../handlers/registrations.ts'
import type { Items, Registry } from '../handlers/registry.ts'
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

function writePage<T>(call: Call, list: List<T>, cursor: string | undefined): string {
  const { server, registry, revision } = call
  const { items, nextCursor } = pageOf(call, list, cursor)
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

/** The items after a cursor. A page costs what it holds, however long the list is and wherever the page stands. */
function pageOf<T>(
  { server: { registry, pageSize } }: Call,
  { name, items: visible }: List<T>,
  cursor: string | undefined,
): { items: T[]; nextCursor: string | undefined } {
  const order = orderOf(registry, name === 'resourceTemplates' ? 'templates' : name)
  const { listedKeys } = visible
  const keys = listedKeys ?? order.keys
  let at = 0
  if (cursor !== undefined) {
    const seen = keyOf(cursor)
    if (!visible.has(seen)) throw badCursor()
    at = (listedKeys ? listedKeys.indexOf(seen) : Number(order.positions().get(seen))) + 1
  }
  const items: T[] = []
  let last = ''
  for (; at < keys.length; at++) {
    const key = keys[at] ?? ''
    const item = visible.get(key)
    if (!item) continue
    if (items.length === pageSize) return { items, nextCursor: toCursor(last) }
    items.push(item)
    last = key
  }
  return { items, nextCursor: undefined }
}

interface Order {
  /** Registrations until it was found. */
  readonly count: number
  readonly keys: readonly string[]
  /** Where each key stands. Only lists of several pages need it. */
  readonly positions: () => ReadonlyMap<string, number>
}

const orders = new WeakMap<object, Order>()

/** The order of a list, found once for each state of the registry. */
function orderOf(registry: Registry, name: 'tools' | 'prompts' | 'resources' | 'templates'): Order {
  const { count } = registrationsOf(registry)
  const known = orders.get(registry[name])
  if (known?.count === count) return known
  const keys = [...registry[name].keys()]
  let positions: ReadonlyMap<string, number> | undefined
  const order: Order = {
    count,
    keys,
    positions() {
      positions ??= new Map(keys.map((key, at) => [key, at]))
      return positions
    },
  }
  orders.set(registry[name], order)
  return order
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
