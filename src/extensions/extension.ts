/** `extension()`: methods, capabilities and metadata that the protocol itself does not have. */
import type { ExtensionContext, ExtensionMethod, ListName } from '../handlers/extension.ts'
import type { Registration, Registry } from '../handlers/registry.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Revision } from '../protocol/revisions.ts'
import type { Infer, Schema } from '../schema/schema.ts'
import { createObjectValidator } from '../schema/validator.ts'
import { ExtensionSet } from './extension-set.ts'

/** Options of an extension. */
export interface ExtensionOptions {
  /** The settings that are announced under the extension's name. @default {} */
  settings?: object
  /** The revisions in which the extension exists. @default 2025-11-25 and 2026-07-28 */
  revisions?: readonly Revision[]
  /**
   * Adds members to the `_meta` of an item of a list. It is called when the list is written, which is
   * once for each revision and page, so it must not depend on the caller. The item's own `_meta` wins.
   *
   * @example itemMeta: (list) => (list === 'tools' ? { 'com.example/tier': 'free' } : undefined)
   */
  itemMeta?: (
    list: ListName,
    item: Readonly<Record<string, unknown>>,
  ) => Record<string, unknown> | undefined
}

/** Options of a method. */
export interface MethodOptions<I extends Schema | undefined> {
  /** Schema of the params: an object. Without it, the handler gets the params as they came. */
  input?: I
}

/** Answers a method with the members of its result. It may throw a `McpError`; other exceptions are only logged. */
export type MethodHandler<I extends Schema | undefined> = (
  params: I extends Schema ? Infer<I> : Record<string, unknown>,
  ctx: ExtensionContext,
) => MaybePromise<object>

/** A prefix in the form of a reversed domain name, a slash, and a name (SEP-2133). */
const EXTENSION_ID =
  /^[a-z]([a-z0-9-]*[a-z0-9])?(\.[a-z]([a-z0-9-]*[a-z0-9])?)+\/[a-z0-9]([\w.-]*[a-z0-9])?$/i

/** Methods that an extension cannot answer, because the server answers them itself. */
export const PROTOCOL_METHODS: ReadonlySet<string> = new Set([
  ...['initialize', 'ping', 'server/discover', 'subscriptions/listen', 'logging/setLevel'],
  ...['completion/complete', 'tools/list', 'tools/call', 'prompts/list', 'prompts/get'],
  ...['resources/list', 'resources/templates/list', 'resources/read'],
  ...['resources/subscribe', 'resources/unsubscribe'],
  ...['tasks/get', 'tasks/result', 'tasks/update', 'tasks/cancel'],
])

/** An extension of the protocol. Made by {@link extension}, and added to a server by `mcp.extend()`. */
export class Extension {
  readonly id: string
  /** An extension exists for every caller. */
  readonly options = {}
  /** The value under `capabilities.extensions[id]`. */
  readonly settings: object
  /** The revisions in which it exists. */
  readonly revisions: readonly Revision[]
  /** The option of that name. */
  readonly itemMeta: ExtensionOptions['itemMeta']
  readonly methods: ReadonlyMap<string, ExtensionMethod>
  readonly #methods = new Map<string, ExtensionMethod>()

  constructor(id: string, options: ExtensionOptions) {
    const { settings = {}, revisions = ['2025-11-25', '2026-07-28'], itemMeta } = options
    if (!EXTENSION_ID.test(id)) {
      throw new TypeError(`Extension "${id}" needs a name such as com.example/feature`)
    }
    this.id = id
    this.settings = settings
    this.revisions = revisions
    this.itemMeta = itemMeta
    this.methods = this.#methods
  }

  /**
   * Offers a method.
   *
   * @example
   * notes.method('notes/count', { input: v.object({ tag: v.string() }) }, ({ tag }) => ({
   *   count: countNotes(tag),
   * }))
   */
  method<const I extends Schema | undefined = undefined>(
    name: string,
    { input }: MethodOptions<I>,
    handler: MethodHandler<I>,
  ): this {
    const what = `Method "${name}" of extension "${this.id}"`
    if (PROTOCOL_METHODS.has(name)) throw new TypeError(`${what} is a method of the protocol`)
    if (!/^[\w.-]+(\/[\w.-]+)+$/.test(name) || name.startsWith('notifications/')) {
      throw new TypeError(`${what} needs a name such as feature/verb`)
    }
    if (this.#methods.has(name)) throw new TypeError(`${what} is there already`)
    if (typeof handler !== 'function') throw new TypeError(`${what} needs a handler`)
    this.#methods.set(name, {
      input: input && createObjectValidator(input, `Input of ${what}`),
      // The type of the params is the author's; the validator holds it at run time.
      handler: handler as ExtensionMethod['handler'],
    })
    return this
  }

  /** Adds the extension to what a server offers: `mcp.extend()` calls it. To add it again changes nothing. */
  addTo(registry: Registry): Registration {
    const known = registry.extensions
    const extensions = known instanceof ExtensionSet ? known : new ExtensionSet()
    registry.extensions = extensions
    return extensions.add(this, registry)
  }
}
/**
 * Makes an extension of the protocol: its name and settings are announced in `server/discover` and in the
 * 2025-11-25 handshake, and its methods are answered for clients of both eras, after authorization like
 * all others.
 *
 * @param id A prefix that you own, a slash, and a name: `com.example/notes`.
 * @example
 * const notes = extension('com.example/notes', { settings: { search: true } })
 * notes.method('notes/count', {}, () => ({ count: 3 }))
 * mcp.extend(notes)
 */
export function extension(id: string, options: ExtensionOptions = {}): Extension {
  return new Extension(id, options)
}
