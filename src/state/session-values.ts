/** `ctx.session`: the values that a conversation keeps between its calls. */
import { lazyImport } from '../lib/lazy-import.ts'
import type { Conversation, SessionValues } from './session-records.ts'
import type { Store } from './store.ts'

export type { Conversation, SessionValues }

// Most tools keep nothing.
const records = lazyImport(() => import('./session-records.ts'))

/**
 * Makes the `ctx.session` of a call. `conversation` is called at the first use, because opening a
 * conversation may cost a write. Values live as long as their conversation can live, also when nothing
 * reads them.
 */
export function sessionValues(
  store: Store,
  conversation: () => Promise<Conversation>,
): SessionValues {
  let values: SessionValues | undefined
  const open = async () => {
    const { openValues } = await records()
    values ??= openValues(store, conversation)
    return values
  }
  return {
    get: async (key) => (await open()).get(key),
    set: async (key, value) => (await open()).set(key, value),
    delete: async (key) => (await open()).delete(key),
    update: async (key, fn) => (await open()).update(key, fn),
  }
}
