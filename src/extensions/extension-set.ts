/** The extensions of one server. */
import type {
  ExtensionFacts,
  ExtensionMethod,
  Extensions,
  ListName,
} from '../handlers/extension.ts'
import type { Registration, Registry } from '../handlers/registry.ts'
import { callExtension } from '../protocol/extension-methods.ts'
import type { Revision } from '../protocol/revisions.ts'

export class ExtensionSet implements Extensions {
  readonly row = { legacy: callExtension, modern: callExtension }
  readonly #members = new Map<string, ExtensionFacts>()

  /** Throws a `TypeError` when another extension has the name, or one of the methods. */
  add(member: ExtensionFacts, registry: Registry): Registration {
    if (this.#members.get(member.id) === member) return { remove: () => {} }
    for (const name of member.methods.keys()) {
      if (!this.method(name)) continue
      throw new TypeError(`Method "${name}" of "${member.id}" belongs to another extension already`)
    }
    return registry.add(this.#members, member.id, member)
  }

  settings(revision: Revision): Record<string, object> | undefined {
    const all = this.#in(revision)
    if (all.length === 0) return undefined
    return Object.fromEntries(all.map(({ id, settings }) => [id, settings]))
  }

  withMeta(list: ListName, revision: Revision, item: { readonly _meta?: object }): object {
    let all = item
    for (const { itemMeta } of this.#in(revision)) {
      const meta = itemMeta?.(list, { ...item })
      if (meta) all = { ...all, _meta: { ...meta, ...all._meta } }
    }
    return all
  }

  method(name: string, revision?: Revision): ExtensionMethod | undefined {
    const members = revision ? this.#in(revision) : [...this.#members.values()]
    return members.find(({ methods }) => methods.has(name))?.methods.get(name)
  }

  #in(revision: Revision): ExtensionFacts[] {
    return [...this.#members.values()].filter(({ revisions }) => revisions.includes(revision))
  }
}
