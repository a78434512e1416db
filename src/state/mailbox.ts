/** What reaches a running call from outside, through any instance: answers to its questions, and cancellation. */
import type { RequestId } from '../protocol/jsonrpc.ts'
import { withKeyLock } from './key-lock.ts'
import { ChangeWaiter } from './polling.ts'
import { randomId } from './sessions.ts'
import type { JsonValue, Store, StoredEntry, StoreKey } from './store.ts'
import { StoreConflict } from './store.ts'

/** A question was asked (`q`), a question was answered (`a`), the call was cancelled (`c`, at a time). */
type Item =
  | { readonly q: string }
  | { readonly a: string; readonly response: JsonValue }
  | { readonly c: number }

export interface MailboxOptions {
  /** Milliseconds that the items of a call are kept. */
  retention: number
  clock: () => number
}

/** Calls are found by their JSON-RPC id, with its type: `1` and `"1"` are two ids. */
function mailboxKey(partition: string, request: RequestId): StoreKey {
  return [partition, `inbox/${JSON.stringify(request)}`]
}

/**
 * A question's own id names the call it belongs to, so that its answer finds the way, and an entry of
 * the inbox before it, so that whoever looks for it need not read what earlier questions left.
 */
function questionId(request: RequestId, after: number): string {
  return `${randomId()}.${after}:${JSON.stringify(request)}`
}

function parseQuestionId(id: string): { request: RequestId; after: number } | undefined {
  const [, after, request = ''] = /^[\w-]{24}\.(\d{1,15}):(.*)$/s.exec(id) ?? []
  try {
    return { request: JSON.parse(request) as RequestId, after: Number(after) }
  } catch {
    return undefined
  }
}

/** Adds an item if the log, as it then is beyond an entry, allows it; false when it does not, or has lost that entry. */
function post(
  store: Store,
  log: StoreKey,
  after: number,
  item: Item,
  options: MailboxOptions,
  allowed: (items: Item[]) => boolean,
): Promise<boolean> {
  return withKeyLock(store, log, async () => {
    for (;;) {
      const entries = await store.read(log, after)
      if (!allowed(entries.map(({ value }) => value as unknown as Item))) return false
      try {
        await store.append(log, entries.at(-1)?.seq ?? after, [item as unknown as JsonValue], {
          expiresAt: options.clock() + options.retention,
        })
        return true
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
        if (after > 0 && entries.length === 0) return false
      }
    }
  })
}

/**
 * Delivers a client's response. An answer to a question that was never asked in this session, or
 * that has its answer already, changes nothing and returns false.
 */
export async function deliverResponse(
  store: Store,
  partition: string,
  question: unknown,
  response: JsonValue,
  options: MailboxOptions,
): Promise<boolean> {
  if (typeof question !== 'string') return false
  const asked = parseQuestionId(question)
  if (!asked) return false
  return post(
    store,
    mailboxKey(partition, asked.request),
    asked.after,
    { a: question, response },
    options,
    (items) =>
      items.some((item) => 'q' in item && item.q === question) &&
      !items.some((item) => 'a' in item && item.a === question),
  )
}

/** Leaves word that a call is cancelled, for whichever instance runs it. */
export async function deliverCancellation(
  store: Store,
  partition: string,
  request: RequestId,
  options: MailboxOptions,
): Promise<void> {
  await post(
    store,
    mailboxKey(partition, request),
    0,
    { c: options.clock() },
    options,
    (items) => items.length < 1_000,
  )
}

/** The receiving end, for one running call. Nothing is read before a question or a signal needs it. */
export class Mailbox {
  readonly #store: Store
  readonly #key: StoreKey
  readonly #request: RequestId
  readonly #options: MailboxOptions
  readonly #startedAt: number
  readonly #answers = new Map<string, (response: JsonValue) => void>()
  readonly #closed = new AbortController()
  #onCancel: (() => void) | undefined
  #reading = false
  /** The last entry that was read. */
  #seq = 0

  /** `startedAt`: when the call began, which may be long before anybody looks into its inbox. */
  constructor(
    store: Store,
    partition: string,
    request: RequestId,
    startedAt: number,
    options: MailboxOptions,
  ) {
    this.#store = store
    this.#key = mailboxKey(partition, request)
    this.#request = request
    this.#options = options
    this.#startedAt = startedAt
  }

  /** Opens a question: its id, and the promise of its answer. The caller sends it, and sets the limit of the wait. */
  async ask(): Promise<{ id: string; answer: Promise<JsonValue> }> {
    const after = this.#seq
    const id = questionId(this.#request, after)
    if (!(await post(this.#store, this.#key, after, { q: id }, this.#options, () => true))) {
      this.#seq = 0 // a full store has let go of what was read, and the log begins anew
      return this.ask()
    }
    const answer = new Promise<JsonValue>((resolve) => this.#answers.set(id, resolve))
    this.#read()
    return { id, answer }
  }

  /** Nobody waits for the answer any more. */
  drop(id: string): void {
    this.#answers.delete(id)
  }

  /** Starts to look out for cancellation. */
  watchCancellation(onCancel: () => void): void {
    this.#onCancel = onCancel
    this.#read()
  }

  close(): void {
    this.#closed.abort()
  }

  #read(): void {
    if (this.#reading) return
    this.#reading = true
    void this.#loop().finally(() => {
      this.#reading = false
    })
  }

  async #loop(): Promise<void> {
    const { signal } = this.#closed
    const waiter = new ChangeWaiter(this.#store)
    while (!signal.aborted && (this.#onCancel || this.#answers.size > 0)) {
      let entries: StoredEntry[] = []
      try {
        entries = await this.#store.read(this.#key, this.#seq)
      } catch {
        // the store is busy: the wait goes on, its limit is the caller's
      }
      for (const { value } of entries) this.#receive(value as unknown as Item)
      const last = entries.at(-1)
      if (last) {
        this.#seq = last.seq
        waiter.reset()
      }
      await waiter.wait([{ key: this.#key, after: this.#seq }], signal, 60_000)
    }
  }

  #receive(item: Item): void {
    if ('a' in item) {
      this.#answers.get(item.a)?.(item.response)
      this.#answers.delete(item.a)
    } else if ('c' in item && item.c >= this.#startedAt) {
      // an older one was meant for an earlier call with the same id
      this.#onCancel?.()
      this.#onCancel = undefined
    }
  }
}
