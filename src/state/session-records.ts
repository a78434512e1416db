/** The values of a conversation in the store, one record for each key. Loaded with the first use of `ctx.session`. */

import { isObject } from '../lib/is-object.ts'
import { ChangeWaiter } from './polling.ts'
import type { CurrentRecord } from './records.ts'
import { readCurrent, updateRecord } from './records.ts'
import type { JsonValue, Store, StoreKey, TypedStore } from './store.ts'

/** State that the calls of one conversation share. Values are JSON. */
export interface SessionValues {
  /** The value, or undefined where there is none. */
  get<T = JsonValue>(key: string): Promise<T | undefined>
  /** Writes a value, and replaces an earlier one. Throws a `TypeError` for what has no JSON. */
  set<T = JsonValue>(key: string, value: T): Promise<void>
  /** Whether there was a value. */
  delete(key: string): Promise<boolean>
  /**
   * Replaces a value by one made from it, and returns the new one. No update is lost: `fn` runs
   * again when another call wrote in between, so it should have no side effects.
   *
   * An update that lost twice makes later ones wait until it is done, so that a slow `fn` succeeds
   * beside fast callers. This holds for a `fn` that takes less than 30 seconds. After 200 conflicts
   * in a row the update fails.
   *
   * @example await ctx.session.update('counter', (n: number = 0) => n + 1)
   */
  update<T = JsonValue>(key: string, fn: (value: T | undefined) => T | Promise<T>): Promise<T>
}

/** Where the values of a conversation are: the partition of a session or of a handle. */
export interface Conversation {
  readonly partition: string
  /** Epoch milliseconds that the conversation cannot outlive. */
  readonly expiresAt: number
}

export function openValues(
  untyped: Store,
  conversation: () => Promise<Conversation>,
): SessionValues {
  const store = untyped as TypedStore
  let found: Promise<Conversation> | undefined
  const at = async (key: string) => {
    found ??= conversation()
    const { partition, expiresAt } = await found
    return { key: [partition, `value/${key}`] as const, expiresAt }
  }
  return {
    async get<T>(name: string) {
      const { key } = await at(name)
      const stored = await store.get<Kept<T>>(key)
      return stored && withoutClaim(stored.value)
    },
    async set(name, value) {
      requireJson(value)
      const { key, expiresAt } = await at(name)
      await store.put(key, value, { expiresAt })
    },
    async delete(name) {
      const { key } = await at(name)
      return store.delete(key)
    },
    async update<T>(name: string, fn: (value: T | undefined) => T | Promise<T>) {
      const { key, expiresAt } = await at(name)
      let longest = 0
      let next: T | undefined
      await updateRecord<Kept<T>>(
        store,
        key,
        async ({ value }) => {
          const start = performance.now()
          next = await fn(withoutClaim(value))
          longest = Math.max(longest, performance.now() - start)
          requireJson(next)
          return { value: next, expiresAt }
        },
        async (attempt) => {
          const current = await readUnclaimed<T>(store, key)
          if (attempt < TRIES_BEFORE_CLAIM) return current
          const claim: Claimed<T> = {
            [CLAIM]: claimFor(longest),
            value: withoutClaim(current.value),
          }
          const options = { expiresAt, ifVersion: current.version }
          return { ...current, version: await store.put(key, claim, options) }
        },
      )
      return next as T
    },
  }
}

const CLAIM = 'streamable-mcp/claim'

/** Times that an update loses before it makes the others wait. */
const TRIES_BEFORE_CLAIM = 2
const LONGEST_CLAIM = 30_000

/**
 * A value that an update is about to replace. Other updates wait until the record changes, at most
 * for the milliseconds that are told. Each measures them by itself: no two clocks are compared.
 */
interface Claimed<T> {
  readonly [CLAIM]: number
  readonly value?: T | undefined
}

type Kept<T> = T | Claimed<T>

function isClaimed<T>(kept: Kept<T> | undefined): kept is Claimed<T> {
  return isObject(kept) && Object.hasOwn(kept, CLAIM)
}

function withoutClaim<T>(kept: Kept<T> | undefined): T | undefined {
  return isClaimed(kept) ? kept.value : kept
}

/** Twice the longest run so far, as the next one may take longer. */
const claimFor = (longest: number) => Math.min(Math.ceil(longest * 2) + 1_000, LONGEST_CLAIM)

/** Waits for the update that claims the record, or until its claim is over. */
async function readUnclaimed<T>(store: TypedStore, key: StoreKey): Promise<CurrentRecord<Kept<T>>> {
  let current = await readCurrent<Kept<T>>(store, key)
  const waiter = new ChangeWaiter(store)
  const { signal } = new AbortController()
  let since = performance.now()
  while (isClaimed(current.value)) {
    const left = current.value[CLAIM] - (performance.now() - since)
    if (!(left > 0)) break
    const { version } = current
    await waiter.wait([{ key, after: version }], signal, Math.min(left, LONGEST_CLAIM))
    current = await readCurrent<Kept<T>>(store, key)
    if (current.version !== version) since = performance.now()
  }
  return current
}

/** A value without JSON would be stored as nothing, and every later read of it would fail. */
function requireJson(value: unknown): void {
  if (JSON.stringify(value) === undefined) {
    throw new TypeError('ctx.session keeps JSON: use delete() to keep nothing')
  }
  if (isObject(value) && Object.hasOwn(value, CLAIM)) {
    throw new TypeError(`"${CLAIM}" is a reserved name`)
  }
}
