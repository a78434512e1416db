/** `mount()`: an `McpServer` of the official SDK, or another `createMcp()`, as part of a server. */

import type { Mcp } from '../src/index.ts'
import { follower } from './bridge/follow.ts'
import type { BridgeOptions } from './bridge/offer.ts'
import { Offer } from './bridge/offer.ts'
import type { Peer } from './bridge/peer.ts'
import { mountChild } from './mount/child.ts'
import type { OfficialServer } from './mount/official.ts'
import { connectOfficial } from './mount/official.ts'

export type { BridgedToolOptions, BridgeOptions, ListedTool } from './bridge/offer.ts'
export type { OfficialServer } from './mount/official.ts'

/** What `mount()` returns. */
export interface Mounted {
  /** Takes the tools, prompts and resources back, and closes the mounted server of an official SDK. */
  close(): Promise<void>
}

/**
 * Offers the tools, prompts and resources of another server, in both eras, with the sessions, streams,
 * authorization and adapters of `mcp`.
 *
 * A server of an official SDK (`McpServer`, v1 or v2) is connected in this process and must not be connected
 * elsewhere. Questions, progress and log messages of its handlers go to the client of each call, through
 * `ctx`; changes of its lists are followed. Another `createMcp()` gives what it has at this moment, its
 * middleware included; what belongs to its HTTP side (`auth`, `store`, limits) is that of `mcp`.
 *
 * @throws {TypeError} for a name that is taken, and for what cannot be carried over, by its name
 * @example
 * const mcp = createMcp({ name: 'all', version: '1.0.0' })
 * await mount(mcp, weatherServer, { prefix: 'weather_' })
 */
export async function mount(
  mcp: Mcp,
  server: OfficialServer | Mcp,
  options: BridgeOptions = {},
): Promise<Mounted> {
  if ('registered' in server) {
    if (server === mcp) throw new TypeError('A server cannot be mounted into itself')
    const registrations = mountChild(mcp, server, options)
    return {
      async close() {
        for (const registration of registrations) registration.remove()
      },
    }
  }
  if (typeof server.connect !== 'function' || !server.server) {
    throw new TypeError(
      'mount(mcp, server): the server is an McpServer of @modelcontextprotocol/sdk or /server, or a createMcp()',
    )
  }
  let offer: Offer | undefined
  const follow = follower(mcp, () => offer, options.onError)
  const peer: Peer = await connectOfficial(server, follow, options.without)
  const offered = new Offer(mcp, peer, options)
  offer = offered
  try {
    await offered.begin()
  } catch (error) {
    await peer.close()
    throw error
  }
  return {
    async close() {
      offered.end()
      await peer.close()
    },
  }
}
