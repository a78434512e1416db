/** The connections to one remote server: one for each caller and its headers, so that no session is shared. */

import type { Context } from '../../src/index.ts'
import type { Json, OnNotification, Peer } from '../bridge/peer.ts'
import { LegacyConnection } from './legacy.ts'
import { ModernConnection } from './modern.ts'
import { ParamHeaders } from './modern-headers.ts'
import type { Upstream, UpstreamOptions } from './upstream.ts'

/** Sessions that are kept at most: the one that was used least recently is ended. */
const MOST_CONNECTIONS = 1_000

type Connection = LegacyConnection | ModernConnection

export class Connections implements Peer {
  capabilities: Json = {}
  readonly #upstream: Upstream
  readonly #onNotification: OnNotification
  readonly #paramHeaders = new ParamHeaders()
  readonly #open = new Map<string, Connection>()
  #era: 'legacy' | 'modern' | undefined

  constructor(upstream: Upstream, era: UpstreamOptions['era'], onNotification: OnNotification) {
    this.#upstream = upstream
    this.#era = era
    this.#onNotification = onNotification
  }

  /** Finds the era: a server of 2026 answers `server/discover`, and one of 2025 refuses it. */
  async connect(): Promise<void> {
    if (!this.#era) {
      const modern = this.#create(await this.#upstream.headersFor(undefined), 'modern')
      try {
        await modern.capabilities()
        this.#era = 'modern'
      } catch {
        this.#era = 'legacy'
      }
    }
    const connection = await this.#connection(undefined)
    this.capabilities = await connection.capabilities()
  }

  async request(method: string, params: Json, ctx?: Context): Promise<Json> {
    return (await this.#connection(ctx)).request(method, params, ctx)
  }

  async listen(signal: AbortSignal, onOpen: () => void): Promise<boolean> {
    return (await this.#connection(undefined)).listen(signal, onOpen)
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map((connection) => connection.close()))
  }

  async #connection(ctx: Context | undefined): Promise<Connection> {
    const headers = await this.#upstream.headersFor(ctx)
    const key = JSON.stringify([ctx?.principal?.id, Object.entries(headers).toSorted()])
    const known = this.#open.get(key) ?? this.#create(headers, this.#era)
    // The order of the map is that of the last use.
    this.#open.delete(key)
    this.#open.set(key, known)
    const [oldest] = this.#open
    if (oldest && this.#open.size > MOST_CONNECTIONS) {
      this.#open.delete(oldest[0])
      void oldest[1].close()
    }
    return known
  }

  #create(headers: Record<string, string>, era: UpstreamOptions['era']): Connection {
    if (era === 'legacy') return new LegacyConnection(this.#upstream, headers, this.#onNotification)
    return new ModernConnection(this.#upstream, headers, this.#onNotification, this.#paramHeaders)
  }
}
