/** `proxy()`: the tools, prompts and resources of a remote MCP server as part of a server. */

import type { Mcp } from '../src/index.ts'
import { follower } from './bridge/follow.ts'
import type { BridgeOptions } from './bridge/offer.ts'
import { Offer } from './bridge/offer.ts'
import { requireCarried } from './bridge/refusals.ts'
import { Connections } from './proxy/connections.ts'
import type { UpstreamOptions } from './proxy/upstream.ts'
import { Upstream } from './proxy/upstream.ts'
import { watch } from './proxy/watch.ts'

export type { BridgedToolOptions, BridgeOptions, ListedTool } from './bridge/offer.ts'
export type { UpstreamOptions } from './proxy/upstream.ts'

/** Options of {@link proxy}. */
export interface ProxyOptions extends BridgeOptions, UpstreamOptions {
  /**
   * Holds a stream open on which the remote server tells of changes of its lists, and reads them again when
   * it was away. Without it they are read once. @default true
   */
  watch?: boolean
}

/** What `proxy()` returns. */
export interface Proxied {
  /** Reads the lists of the remote server again. */
  refresh(): Promise<void>
  /** Takes everything back, and ends the sessions at the remote server. */
  close(): Promise<void>
}

/**
 * Offers the tools, prompts and resources of a remote MCP server of either era to clients of both. Questions,
 * progress, log messages and cancellation pass through; each caller has its own session there. The remote
 * server may be restarted: its sessions are opened again, and its lists are read again.
 *
 * It gets the headers that `headers` names, and nothing of a caller's credentials.
 *
 * @throws {TypeError} for a name that is taken, and for what cannot be carried over, by its name
 * @example
 * await proxy(mcp, 'https://search.example.com/mcp', {
 *   prefix: 'search_',
 *   headers: { authorization: `Bearer ${token}` },
 * })
 */
export async function proxy(
  mcp: Mcp,
  url: string | URL,
  options: ProxyOptions = {},
): Promise<Proxied> {
  const { onError = console.error } = options
  let offer: Offer | undefined
  const onNotification = follower(mcp, () => offer, onError)
  const peer = new Connections(new Upstream(url, options), options.era, onNotification)
  const offered = new Offer(mcp, peer, options)
  try {
    await peer.connect()
    requireCarried('The remote server', peer.capabilities, options.without)
    await offered.begin()
  } catch (error) {
    offered.end()
    await peer.close()
    throw error
  }
  offer = offered
  const stop = new AbortController()
  if (options.watch !== false) {
    watch(peer, stop.signal, () => offered.refresh().catch(onError)).catch(onError)
  }
  return {
    refresh: () => offered.refresh(),
    async close() {
      stop.abort()
      offered.end()
      await peer.close()
    },
  }
}
