/** What a bridge does with the notifications of the other server: lists are read again, changes are passed on. */

import type { Mcp } from '../../src/index.ts'
import type { Offer } from './offer.ts'
import type { OnNotification } from './peer.ts'

/** `offer` is undefined until everything is registered. */
export function follower(
  mcp: Mcp,
  offer: () => Offer | undefined,
  onError: (error: unknown) => void = console.error,
): OnNotification {
  return (method, { uri }) => {
    if (/^notifications\/\w+\/list_changed$/.test(method)) {
      offer()?.refresh().catch(onError)
    }
    if (method === 'notifications/resources/updated' && typeof uri === 'string') {
      mcp.notify.resourceUpdated(uri).catch(onError)
    }
  }
}
