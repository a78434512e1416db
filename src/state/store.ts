/** The one interface behind which everything lives that must outlive a request: records and logs. */
import type { StoreStats } from '../protocol/observer.ts'

/** A value that JSON can carry. A store keeps no other values. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/**
 * Where a record or a log lives: a partition (one session, one handle, the server) and a name in it.
 * Both may hold any Unicode text; an engine that cannot store some of it must encode it.
 */
export type StoreKey = readonly [partition: string, name: string]

/** A record as it was read. */
export interface StoredRecord<T = JsonValue> {
  readonly value: T
  /** Grows with every write; what `ifVersion` is compared with. */
  readonly version: number
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

/** One element of a log. Sequence numbers start at 1 and have no gaps. */
export interface StoredEntry<T = JsonValue> {
  readonly seq: number
  readonly value: T
}

/** How long a record is kept, and over what it may be written. */
export interface StorePutOptions {
  /** Epoch milliseconds after which the record reads as absent. */
  expiresAt: number
  /** Write only over this version; `0` means only where there is none. Without it the last write wins. */
  ifVersion?: number
}

/** How a record may be read. */
export interface StoreGetOptions {
  /**
   * False allows an answer without the latest writes, where the engine has a cheaper read of that kind:
   * on DynamoDB it costs half. @default true
   */
  consistent?: boolean
}

/** A place to watch: a record beyond a version, or a log beyond a sequence number. */
export interface StoreWatch {
  readonly key: StoreKey
  readonly after: number
}

/**
 * Shared state of every instance of a server. Reads are strongly consistent, each change is one
 * conditional write, and what has expired is absent to every method from that moment on.
 *
 * An engine that cannot be reached, or is throttled past its own retries, throws
 * {@link StoreUnavailable}; it never answers "absent" instead.
 *
 * Record names and log names do not overlap: a name is used as one or the other.
 */
export interface Store {
  /** True where only this process sees what is stored, as in `memoryStore()`. @default false */
  readonly processLocal?: boolean
  /** Counts since the start, for metrics, where the engine keeps them. */
  readonly stats?: StoreStats
  /** The record, or undefined where there is none or it has expired. An engine may ignore the options. */
  get(key: StoreKey, options?: StoreGetOptions): Promise<StoredRecord | undefined>
  /** Returns the new version. Throws {@link StoreConflict} when `ifVersion` no longer holds. */
  put(key: StoreKey, value: JsonValue, options: StorePutOptions): Promise<number>
  /** Whether there was a record to delete. */
  delete(key: StoreKey): Promise<boolean>
  /**
   * Adds entries after the last one the caller knows of, and returns the new last sequence number.
   * Throws {@link StoreConflict} when another writer has appended meanwhile. `after` is a number that
   * `append` or `read` returned for this log, or 0 for a log nothing was read from.
   */
  append(
    log: StoreKey,
    after: number,
    entries: readonly JsonValue[],
    options: { expiresAt: number },
  ): Promise<number>
  /** Entries beyond `after`, in order; all there are, unless `limit` says fewer. */
  read(log: StoreKey, after: number, limit?: number): Promise<StoredEntry[]>
  /**
   * Resolves when one of the places may have changed, or when the signal aborts (never rejects).
   * Only a hint; an engine that cannot wake a waiter leaves it out, and callers poll with back-off.
   */
  wait?(watches: readonly StoreWatch[], signal: AbortSignal): Promise<void>
}

/** The same store for a caller that names the types of what it has written, which an engine cannot know. */
export interface TypedStore extends Pick<Store, 'delete' | 'wait'> {
  get<T>(key: StoreKey, options?: StoreGetOptions): Promise<StoredRecord<T> | undefined>
  put<T>(key: StoreKey, value: T, options: StorePutOptions): Promise<number>
  append<T>(
    log: StoreKey,
    after: number,
    entries: readonly T[],
    options: { expiresAt: number },
  ): Promise<number>
  read<T>(log: StoreKey, after: number, limit?: number): Promise<StoredEntry<T>[]>
}

/** Another writer was first: read again, then decide again. */
export class StoreConflict extends Error {
  override name = 'Conflict'
}

/** The engine did not answer or asked to slow down: worth another try a little later. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

/** A value that the engine can never hold; trying again does not help. */
export class ValueTooLarge extends Error {
  override name = 'ValueTooLarge'
}
