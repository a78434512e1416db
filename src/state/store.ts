/** The one interface behind which everything lives that must outlive a request: records and logs. */

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/**
 * Where a record or a log lives: a partition (one session, one handle, the server) and a name in it.
 * Both may hold any Unicode text; an engine that cannot store some of it must encode it.
 */
export type Key = readonly [partition: string, name: string]

/** A record as it was read. */
export interface Stored {
  readonly value: Json
  /** Grows with every write; what `ifVersion` is compared with. */
  readonly version: number
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

/** One element of a log. Sequence numbers start at 1 and have no gaps. */
export interface Entry {
  readonly seq: number
  readonly value: Json
}

export interface PutOptions {
  /** Epoch milliseconds after which the record reads as absent. */
  expiresAt: number
  /** Write only over this version; `0` means only where there is none. Without it the last write wins. */
  ifVersion?: number
}

/** A place to watch: a record beyond a version, or a log beyond a sequence number. */
export interface Watch {
  readonly key: Key
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
  get(key: Key): Promise<Stored | undefined>
  /** Returns the new version. Throws {@link Conflict} when `ifVersion` no longer holds. */
  put(key: Key, value: Json, options: PutOptions): Promise<number>
  /** Whether there was a record to delete. */
  delete(key: Key): Promise<boolean>
  /**
   * Adds entries after the last one the caller knows of, and returns the new last sequence number.
   * Throws {@link Conflict} when somebody else has appended meanwhile. `after` is a number that
   * `append` or `read` returned for this log, or 0 for a log nothing was read from.
   */
  append(
    log: Key,
    after: number,
    entries: readonly Json[],
    options: { expiresAt: number },
  ): Promise<number>
  /** Entries beyond `after`, in order; all there are, unless `limit` says fewer. */
  read(log: Key, after: number, limit?: number): Promise<Entry[]>
  /**
   * Resolves when one of the places may have changed, or when the signal aborts (never rejects).
   * Only a hint; an engine that cannot wake a waiter leaves it out, and callers poll with back-off.
   */
  wait?(watches: readonly Watch[], signal: AbortSignal): Promise<void>
}

/** Somebody else wrote first: read again, then decide again. */
export class Conflict extends Error {
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
