/** What the registry keeps of an extension, and what the handler of one of its methods gets. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Era, Revision } from '../protocol/revisions.ts'
import type { Validator } from '../schema/schema.ts'
import type { Access } from './access.ts'
import type { Context } from './context.ts'

/** The lists whose items an extension may add metadata to: the members of the results. */
export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

/** The `ctx` of an extension's method. */
export interface ExtensionContext extends Context {
  /**
   * `ttlMs` and `cacheScope` as the server's `cache` option says, for results that clients of 2026 may
   * cache. Empty for clients of 2025, whose results have no such members.
   *
   * @example return { ...ctx.caching, items }
   */
  readonly caching: { readonly ttlMs?: number; readonly cacheScope?: 'public' | 'private' }
}

/** A method of an extension. */
export interface ExtensionMethod {
  readonly input: Validator | undefined
  handler(args: Record<string, unknown>, ctx: ExtensionContext): MaybePromise<object>
}

/** An extension, as the server keeps it. */
export interface ExtensionFacts {
  readonly id: string
  readonly options: Access
  /** The value under `capabilities.extensions[id]`. */
  readonly settings: object
  /** The revisions in which it exists. */
  readonly revisions: readonly Revision[]
  readonly methods: ReadonlyMap<string, ExtensionMethod>
  readonly itemMeta:
    | ((list: ListName, item: Record<string, unknown>) => Record<string, unknown> | undefined)
    | undefined
}

/** All extensions of a server, as the protocol sees them. */
export interface Extensions {
  /** Answers a request for any of their methods, in both eras, with the JSON text of the result. */
  readonly row: Readonly<Record<Era, (call: never) => Promise<string>>>
  /** The settings of the extensions that exist in a revision, by their names; undefined where there are none. */
  settings(revision: Revision): Record<string, object> | undefined
  /** The item of a list with the `_meta` that extensions add to it. */
  withMeta(list: ListName, revision: Revision, item: object): object
  /** The method of that name, if it exists in the revision, or in any when none is given. */
  method(name: string, revision?: Revision): ExtensionMethod | undefined
}
