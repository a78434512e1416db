/** The one way to change a record that others may change as well. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { backoff, withKeyLock } from './key-lock.ts'
import type { Store, StoredRecord, StoreKey, TypedStore } from './store.ts'
import { StoreConflict } from './store.ts'

/** A record to be changed. Version 0 means that there is none. */
export interface CurrentRecord<T> {
  readonly value: T | undefined
  readonly version: number
  readonly expiresAt: number
}

/** Conflicts in a row, about 20 seconds of them, after which an update fails. */
const MOST_TRIES = 200

/**
 * Reads a record, changes it, and writes it only over the version that was read; all of this again
 * after a conflict. Updates of one process wait for each other, so that they do not conflict.
 *
 * `change` returns undefined to leave the record as it is. `read` may replace the plain read.
 * Throws {@link StoreConflict} after 200 conflicts in a row.
 */
export function updateRecord<T>(
  store: Store,
  key: StoreKey,
  change: (current: CurrentRecord<T>) => MaybePromise<{ value: T; expiresAt: number } | undefined>,
  read: (attempt: number) => Promise<CurrentRecord<T>> = () =>
    readCurrent(store as TypedStore, key),
): Promise<StoredRecord<T> | undefined> {
  return withKeyLock(store, key, async () => {
    for (let attempt = 0; ; attempt++) {
      const current = await unlessConflict(read(attempt))
      if (current) {
        const next = await change(current)
        if (!next) return undefined
        const { value, expiresAt } = next
        const options = { expiresAt, ifVersion: current.version }
        const version = await unlessConflict((store as TypedStore).put(key, value, options))
        if (version !== undefined) return { value, version, expiresAt }
      }
      if (attempt >= MOST_TRIES) throw new StoreConflict()
      await backoff(attempt)
    }
  })
}

export async function readCurrent<T>(store: TypedStore, key: StoreKey): Promise<CurrentRecord<T>> {
  const stored = await store.get<T>(key)
  return stored ?? { value: undefined, version: 0, expiresAt: 0 }
}

/** Undefined after a conflict. */
async function unlessConflict<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation
  } catch (error) {
    if (error instanceof StoreConflict) return undefined
    throw error
  }
}
