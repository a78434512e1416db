/** What reaches a running call through any instance: answers to its questions, and its cancellation. */
import { invalidRequest } from '../protocol/errors.ts'
import type { JsonRpcResponse, RequestId } from '../protocol/jsonrpc.ts'
import { isCancelled, lastCancellation } from './cancellations.ts'
import { backoff, withKeyLock } from './key-lock.ts'
import { ChangeWaiter } from './polling.ts'
import type { Answer, Item } from './questions.ts'
import { mailboxKey, parseQuestionId, questionId } from './questions.ts'
import type { LegacySession, Session } from './sessions.ts'
import { sessionKey } from './sessions.ts'
import type { JsonValue, Store, StoredRecord, StoreKey, TypedStore } from './store.ts'
import { StoreConflict } from './store.ts'

export interface MailboxOptions {
  /** Milliseconds that the entries of a mailbox are kept. */
  retention: number
  clock: () => number
}

/** Polls for an answer from one read of the session to the next. */
const POLLS_PER_LOOK = 4

/** Calls whose questions one POST may answer: each costs a read and a write. */
const MOST_MAILBOXES = 16

/**
 * Appends the items that `choose` makes from the entries after `after`. Returns false when the entry
 * `after` does not exist any more.
 */
function post(
  store: TypedStore,
  log: StoreKey,
  after: number,
  options: MailboxOptions,
  choose: (items: Item[]) => Item[],
): Promise<boolean> {
  return withKeyLock(store, log, async () => {
    for (let attempt = 0; ; attempt++) {
      const entries = await store.read<Item>(log, after)
      const items = choose(entries.map(({ value }) => value))
      if (items.length === 0) return true
      try {
        const expiresAt = options.clock() + options.retention
        await store.append(log, entries.at(-1)?.seq ?? after, items, { expiresAt })
        return true
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
        if (after > 0 && entries.length === 0) return false
      }
      await backoff(attempt)
    }
  })
}

/** Closes the questions of a call that was ended by an instance that does not run it. */
export async function closeMailbox(
  store: Store,
  partition: string,
  request: RequestId,
  expiresAt: number,
): Promise<void> {
  const options = { retention: 0, clock: () => expiresAt }
  const close = (items: Item[]): Item[] => (items.length > 0 ? [{ x: true }] : [])
  await post(store as TypedStore, mailboxKey(partition, request), 0, options, close)
}

/**
 * Delivers a client's responses, at the cost of a read and a write for each call that asked. A response
 * changes nothing when its question was never asked in this session, or has its answer already. Throws
 * an {@link McpError} when there are responses for too many calls, or when all were for calls that
 * another instance has ended.
 */
export async function deliverResponses(
  store: Store,
  partition: string,
  responses: readonly JsonRpcResponse[],
  options: MailboxOptions,
): Promise<void> {
  const mailboxes = new Map<string, { request: RequestId; after: number; answers: Answer[] }>()
  for (const { id, result, error } of responses) {
    const asked = parseQuestionId(id)
    if (!asked) continue
    const { request, after } = asked
    const name = JSON.stringify(request)
    const mailbox = mailboxes.get(name) ?? { request, after, answers: [] }
    mailboxes.set(name, mailbox)
    mailbox.after = Math.min(mailbox.after, after)
    if (mailbox.answers.some(({ a }) => a === id)) continue
    const response = (error === undefined ? { result } : { error }) as JsonValue
    mailbox.answers.push({ a: `${id}`, response })
  }
  if (mailboxes.size > MOST_MAILBOXES) {
    throw invalidRequest(`a batch can answer questions of ${MOST_MAILBOXES} calls at most`)
  }
  let delivered = false
  let ended = false
  for (const { request, after, answers } of mailboxes.values()) {
    let open: Answer[] = []
    const choose = (items: Item[]) => {
      open = answers.filter((answer) => isOpen(answer, items))
      if (open.length === 0 && items.some((item) => 'x' in item)) ended = true
      return open
    }
    await post(store as TypedStore, mailboxKey(partition, request), after, options, choose)
    if (open.length > 0) delivered = true
  }
  if (ended && !delivered) throw invalidRequest('the call that asked has ended')
}

/** Whether the question was asked and has no answer yet. */
function isOpen({ a: question }: Answer, items: readonly Item[]): boolean {
  const asked = items.findIndex((item) => 'q' in item && item.q === question)
  const later = items.slice(asked + 1)
  return asked >= 0 && !later.some((item) => 'x' in item || ('a' in item && item.a === question))
}

/** The receiving end, for one running call. It reads nothing until a question or a signal needs it. */
export class Mailbox {
  readonly #store: TypedStore
  readonly #session: Session<LegacySession>
  readonly #key: StoreKey
  readonly #request: RequestId
  readonly #options: MailboxOptions
  readonly #answers = new Map<string, (response: JsonValue) => void>()
  readonly #closed = new AbortController()
  /** Ends the pause between two reads when there is something else to read. */
  #wakeReader = () => {}
  #onCancel: (() => void) | undefined
  #reading = false
  /** A question of this call was read, so an end that follows is the end of this call. */
  #asked = false
  #polls = 0
  #ended = false
  /** The last entry that was read. */
  #seq = 0
  /** The version of the session that was read last, and when it expires. */
  #version: number
  #expiresAt: number

  /** `session` as it was read for this call: only later cancellations count. */
  constructor(
    store: Store,
    session: Session<LegacySession>,
    request: RequestId,
    options: MailboxOptions,
  ) {
    this.#store = store as TypedStore
    this.#session = session
    this.#key = mailboxKey(session.partition, request)
    this.#request = request
    this.#options = options
    this.#version = session.version
    this.#expiresAt = session.expiresAt
  }

  /** Opens a question: returns its id, which the caller sends, and the promise of its answer. */
  async ask(): Promise<{ id: string; answer: Promise<JsonValue> }> {
    const after = this.#seq
    const id = questionId(this.#request, after)
    const posted = await post(this.#store, this.#key, after, this.#options, () => [{ q: id }])
    if (!posted) {
      this.#seq = 0 // a full store has dropped the mailbox, which begins anew
      return this.ask()
    }
    const answer = new Promise<JsonValue>((resolve) => this.#answers.set(id, resolve))
    this.#read()
    return { id, answer }
  }

  /** Stops waiting for an answer. */
  drop(id: string): void {
    this.#answers.delete(id)
  }

  /** Calls `onCancel` when the client has cancelled the call or another instance has ended it, also before now. */
  watchCancellation(onCancel: () => void): void {
    if (this.#ended) onCancel()
    else {
      this.#onCancel = onCancel
      this.#read()
    }
  }

  close(): void {
    this.#closed.abort()
  }

  #read(): void {
    this.#wakeReader()
    if (this.#reading) return
    this.#reading = true
    void this.#loop().finally(() => {
      this.#reading = false
    })
  }

  async #loop(): Promise<void> {
    const { signal } = this.#closed
    const waiter = new ChangeWaiter(this.#store)
    const session = sessionKey(this.#session.partition)
    while (!signal.aborted && (this.#onCancel || this.#answers.size > 0)) {
      const pause = new AbortController()
      const wake = () => {
        waiter.reset()
        pause.abort()
      }
      this.#wakeReader = wake
      signal.addEventListener('abort', wake)
      try {
        const asks = this.#answers.size > 0
        const [cancelled, answered] = await Promise.all([
          this.#onCancel && (!asks || this.#looksAtSession()) && this.#readSession(session),
          asks && this.#readAnswers(),
        ])
        if (cancelled || answered) waiter.reset()
      } catch {
        // The store is busy. The wait goes on, and the caller limits it.
      }
      const watches = [
        ...(this.#onCancel ? [{ key: session, after: this.#version }] : []),
        ...(this.#answers.size > 0 ? [{ key: this.#key, after: this.#seq }] : []),
      ]
      if (watches.length > 0) await waiter.wait(watches, pause.signal, 60_000)
      signal.removeEventListener('abort', wake)
    }
  }

  /**
   * Whether this poll reads the session, too. While an answer is awaited each fourth one does where the
   * store has to be polled: a client that is about to answer seldom cancels.
   */
  #looksAtSession(): boolean {
    return this.#store.wait !== undefined || this.#polls++ % POLLS_PER_LOOK === 0
  }

  /** Cancellations are in the record of the session. Returns whether this call is cancelled. */
  async #readSession(key: StoreKey): Promise<boolean> {
    // A poll that misses the latest cancellation is followed by another one; a session that seems gone is read again.
    const consistent = this.#store.wait !== undefined
    let stored = await this.#store.get<LegacySession>(key, { consistent })
    stored ??= await this.#store.get<LegacySession>(key)
    if (!this.#isCancelledIn(stored)) return false
    this.#onCancel?.()
    this.#onCancel = undefined
    return true
  }

  /**
   * A session that is absent although it has not expired was ended by its client, so no client waits for the
   * call. A cancellation right before that end is absent too, because it was in the same record. A session that has only expired cancels nothing.
   */
  #isCancelledIn(stored: StoredRecord<LegacySession> | undefined): boolean {
    if (!stored) return this.#options.clock() < this.#expiresAt
    this.#version = stored.version
    this.#expiresAt = stored.expiresAt
    const before = lastCancellation(this.#session.data.cancellations)
    return isCancelled(stored.value.cancellations, this.#request, before)
  }

  async #readAnswers(): Promise<boolean> {
    const entries = await this.#store.read<Item>(this.#key, this.#seq)
    for (const { value: item } of entries) {
      if ('q' in item) this.#asked ||= this.#answers.has(item.q)
      if ('x' in item && this.#asked) this.#ended = true
    }
    if (this.#ended) {
      // The client was told that the call has ended, so its answers must have no effect.
      this.#answers.clear()
      this.#onCancel?.()
      this.#onCancel = undefined
      return true
    }
    for (const { value: item } of entries) {
      if (!('a' in item)) continue
      this.#answers.get(item.a)?.(item.response)
      this.#answers.delete(item.a)
    }
    const last = entries.at(-1)
    if (!last) return false
    this.#seq = last.seq
    return true
  }
}
