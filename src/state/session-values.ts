/** `ctx.session`: what a conversation keeps between its calls, one record a key. */

import { backoff, withKeyLock } from './key-lock.ts'
import type { JsonValue, Store } from './store.ts'
import { StoreConflict } from './store.ts'

/** State that the calls of one conversation share. Values are JSON. */
export interface SessionValues {
  get<T = JsonValue>(key: string): Promise<T | undefined>
  set<T = JsonValue>(key: string, value: T): Promise<void>
  /** Whether there was a value. */
  delete(key: string): Promise<boolean>
  /**
   * Replaces a value by one made from it, and returns the new one. `fn` is run again when another
   * call wrote in between, so that no update is lost: keep it free of effects.
   *
   * @example await ctx.session.update('counter', (n: number = 0) => n + 1)
   */
  update<T = JsonValue>(key: string, fn: (value: T | undefined) => T | Promise<T>): Promise<T>
}

/** Minutes of losing to others: by then it is `fn` that writes to the value it is to replace. */
const MOST_TRIES = 1_000

/** Where a conversation's values are: a session's partition, or a handle's. */
export interface Conversation {
  readonly partition: string
  /** Epoch milliseconds that the conversation cannot outlive. */
  readonly expiresAt: number
}

/**
 * `conversation` is asked at the first use only: opening one may cost a write. Values live as long
 * as their conversation can, whether they are touched or not.
 */
export function sessionValues(
  store: Store,
  conversation: () => Promise<Conversation>,
): SessionValues {
  let found: Promise<Conversation> | undefined
  const at = async (key: string) => {
    found ??= conversation()
    const { partition, expiresAt } = await found
    return { key: [partition, `value/${key}`] as const, expiresAt }
  }
  return {
    async get<T>(name: string) {
      const { key } = await at(name)
      return (await store.get(key))?.value as T | undefined
    },
    async set(name, value) {
      requireJson(value)
      const { key, expiresAt } = await at(name)
      await store.put(key, value as JsonValue, { expiresAt })
    },
    async delete(name) {
      const { key } = await at(name)
      return store.delete(key)
    },
    async update<T>(name: string, fn: (value: T | undefined) => T | Promise<T>) {
      const { key, expiresAt } = await at(name)
      return withKeyLock(store, key, async () => {
        for (let attempt = 0; ; attempt++) {
          const stored = await store.get(key)
          const next = await fn(stored?.value as T | undefined)
          requireJson(next)
          try {
            await store.put(key, next as JsonValue, { expiresAt, ifVersion: stored?.version ?? 0 })
            return next
          } catch (error) {
            if (!(error instanceof StoreConflict) || attempt === MOST_TRIES) throw error
          }
          await backoff(attempt)
        }
      })
    },
  }
}

/** What has no JSON would be kept as nothing, and break every later look at it. */
function requireJson(value: unknown): void {
  if (JSON.stringify(value) !== undefined) return
  throw new TypeError('ctx.session keeps JSON: use delete() to keep nothing')
}
