/** A client that listens, and which changes it may learn of. */
import type { Caller } from '../handlers/access.ts'
import type { Registrations } from '../handlers/registrations.ts'
import { registrationsOf } from '../handlers/registrations.ts'
import { catalogFor, isVisible } from '../protocol/catalog.ts'
import { notificationMessage } from '../protocol/jsonrpc.ts'
import { findResource } from '../protocol/resources-read.ts'
import type { Server } from '../server.ts'
import type { Change, ChangeBatch } from '../state/change-log.ts'

/** The changes that a client listens to. */
export interface Interest {
  readonly tools: boolean
  readonly prompts: boolean
  readonly resources: boolean
  readonly uris: ReadonlySet<string>
}

type ListKind = 'tools' | 'prompts' | 'resources'

export class Listener {
  readonly #server: Server
  readonly #caller: Caller
  readonly #registrations: Registrations
  /** How many registrations there were when the client was told last, for each list. */
  readonly #told: Record<ListKind, number>

  constructor(server: Server, caller: Caller) {
    this.#server = server
    this.#caller = caller
    this.#registrations = registrationsOf(server.registry)
    const { count } = this.#registrations
    this.#told = { tools: count, prompts: count, resources: count }
  }

  /**
   * Changes as notifications, each with `_meta`. After a gap everything that the client listens to counts
   * as changed.
   */
  async toNotifications(
    { changes, gap }: ChangeBatch,
    interest: Interest,
    meta?: object,
  ): Promise<string[]> {
    const _meta = meta && { _meta: meta }
    // A change for all and one for this caller tell the same.
    const messages = new Set<string>()
    for (const change of gap ? everything(interest) : changes) {
      if (change.kind === 'resource') {
        const { uri } = change
        if (!interest.uris.has(uri) || !(await this.#mayRead(uri))) continue
        messages.add(notificationMessage('notifications/resources/updated', { uri, ..._meta }))
      } else if (interest[change.kind] && (await this.#concerns(change))) {
        const method = `notifications/${change.kind}/list_changed`
        messages.add(notificationMessage(method, _meta || undefined))
      }
    }
    return [...messages]
  }

  /** A resource may have been hidden from the caller since it began to follow it. */
  async #mayRead(uri: string): Promise<boolean> {
    const { selective, resources, templates } = this.#server.registry
    if (!selective.has(resources) && !selective.has(templates)) return true
    const request = { method: 'resources/read', params: { uri } }
    return findResource(await catalogFor(this.#server, this.#caller, request), uri) !== undefined
  }

  async #concerns({ kind, subject }: Exclude<Change, { kind: 'resource' }>): Promise<boolean> {
    if (subject !== undefined) return subject === this.#caller.principal?.subject
    const { registry } = this.#server
    const { count, latest } = this.#registrations
    const more = count - this.#told[kind]
    this.#told[kind] = count
    if (more > latest.length) return true
    const lists: object[] = [registry[kind], ...(kind === 'resources' ? [registry.templates] : [])]
    const ofList = latest.slice(latest.length - more).filter(({ map }) => lists.includes(map))
    // Without a registration in this process, the reason of the change is not known here.
    if (ofList.length === 0) return true
    for (const { item } of ofList) {
      if (await isVisible(this.#server, this.#caller, item)) return true
    }
    return false
  }
}

function everything({ uris }: Interest): Change[] {
  return [
    { kind: 'tools' },
    { kind: 'prompts' },
    { kind: 'resources' },
    ...Array.from(uris, (uri) => ({ kind: 'resource' as const, uri })),
  ]
}
