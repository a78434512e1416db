/**
 * Requests to a client of 2025-11-25 without a long wait for their answers: after a while the run of the handler
 * ends, and when the answers are there the handler runs again with them, on any instance.
 */
import { Failure, failure } from '../handlers/failure.ts'
import { fingerprint } from '../lib/digest.ts'
import type { Mailbox } from '../state/mailbox.ts'
import type { JsonValue } from '../state/store.ts'
import type { ClientRequest, StepOptions } from './client-request.ts'
import { Suspended } from './client-request.ts'
import type { RunState } from './recorded-run.ts'
import { FIRST_RUN, RecordedRun } from './recorded-run.ts'
import type { MessageStream } from './stream-requester.ts'
import { readResponse, StreamRequester } from './stream-requester.ts'

/** A request to the client that has no answer yet. */
export interface OpenRequest {
  /** Names the request in the record of the run. */
  readonly key: string
  /** Its JSON-RPC id. */
  readonly id: string
}

/** What a run leaves when it ends without the answers. */
export interface SuspendedRun {
  readonly run: RunState
  readonly open: readonly OpenRequest[]
}

/** What a run records of a request: the client's response, or why there was none. */
type Recorded = JsonValue | { readonly failed: string }

export interface SuspendingOptions {
  readonly mailbox: Mailbox
  readonly stream: MessageStream
  /** Ends the run on its stream. Returns false where that is not possible: then the run goes on. */
  readonly suspend: (run: SuspendedRun) => Promise<boolean>
  readonly signal: () => AbortSignal
  /** Milliseconds that a person may take. */
  readonly timeout: number
  /** Milliseconds of waiting after which the run ends. */
  readonly suspendAfter: number
  /** What earlier runs have recorded. */
  readonly before?: RunState | undefined
}

/** A request without an answer. Its id is undefined until the mailbox knows the request. */
interface Open {
  readonly print: number
  readonly recorded: Promise<Recorded>
  id: string | undefined
}

export class SuspendingRequester extends StreamRequester {
  readonly #options: SuspendingOptions
  readonly #run: RecordedRun
  /** Keys of recorded answers that this run has not reached yet. */
  readonly #unread: Set<string>
  readonly #open = new Map<string, Open>()
  /** Fingerprints of all requests of this run, also of those that were answered within it. */
  readonly #asked = new Map<string, number>()
  /** Requests that are being sent. */
  readonly #sending = new Set<Promise<unknown>>()
  /** Whether the run is suspended, once that was tried. */
  #suspension: Promise<boolean> | undefined
  #waitsLive = false

  constructor(options: SuspendingOptions) {
    const { mailbox, stream, signal, timeout, before = FIRST_RUN } = options
    super(mailbox, stream, signal, timeout)
    this.#options = options
    this.#run = new RecordedRun(before)
    this.#unread = new Set(this.#run.answers.keys())
  }

  override get callKey(): string {
    return this.#run.callKey
  }

  /** Whether the run still repeats what an earlier one has done, of which the client must not be told again. */
  get repeats(): boolean {
    return this.#unread.size > 0
  }

  override async ask<T>(question: ClientRequest<T>): Promise<T> {
    const { method, params = {} } = question
    const key = this.#run.keyOf(question.key)
    // The id is another one in each run, and only the client uses it.
    const { elicitationId, ...stable } = params as { elicitationId?: unknown }
    const print = fingerprint(`${method} ${JSON.stringify(stable)}`)
    const recorded = this.#run.answers.get(key) as Recorded | undefined
    if (recorded !== undefined && this.#run.fits(question.key, key, print)) {
      this.#unread.delete(key)
      return readRecorded(question, recorded)
    }
    // From here on the run does what no earlier one has done.
    this.#unread.clear()
    const other = this.#open.get(key)
    if (other && other.print !== print) {
      throw new TypeError(`Two different questions that are open have the key "${key}"`)
    }
    return readRecorded(question, await (other ?? this.#openRequest(question, key, print)).recorded)
  }

  override async step<T>(
    name: string,
    fn: () => T | Promise<T>,
    options?: StepOptions,
  ): Promise<T> {
    await this.#unlessSuspended()
    return this.#run.step(name, fn, options)
  }

  #openRequest(question: ClientRequest<unknown>, key: string, print: number): Open {
    const recorded = this.#askLive(question, key)
    const open: Open = { print, recorded, id: undefined }
    this.#open.set(key, open)
    this.#asked.set(key, print)
    return open
  }

  /** Waits for the answer, and ends the run when that takes too long. */
  async #askLive(question: ClientRequest<unknown>, key: string): Promise<Recorded> {
    await this.#unlessSuspended()
    let isSent = () => {}
    const sending = new Promise<void>((resolve) => {
      isSent = resolve
    })
    this.#sending.add(sending)
    const timer = setTimeout(() => void this.#suspend(), this.#options.suspendAfter)
    let recorded: Recorded
    try {
      recorded = await this.send(question, (id) => {
        const open = this.#open.get(key)
        if (open) open.id = id
        isSent()
        this.#sending.delete(sending)
      })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      recorded = { failed: error.message }
    } finally {
      clearTimeout(timer)
      isSent()
      this.#sending.delete(sending)
    }
    // When the run ended meanwhile, the next one finds the answer where this one did.
    await this.#unlessSuspended()
    this.#open.delete(key)
    this.#run.answers.set(key, recorded)
    return recorded
  }

  async #unlessSuspended(): Promise<void> {
    if (await this.#suspension) throw new Suspended()
  }

  /** Ends the run as soon as no step and no sending is under way. Where it cannot end, it waits live. */
  async #suspend(): Promise<void> {
    if (this.#suspension || this.#waitsLive) return
    // Requests of the same turn belong together, and what is under way must not begin anew in the next run.
    do {
      await new Promise((resolve) => setTimeout(resolve, 0))
      await Promise.all([this.#run.settled(), ...this.#sending])
    } while (this.#sending.size > 0)
    if (this.#open.size === 0 || this.#suspension) return
    this.#suspension = this.#leave()
    if (await this.#suspension) return this.endWaits(new Suspended())
    this.#suspension = undefined
    this.#waitsLive = true
  }

  async #leave(): Promise<boolean> {
    const open = [...this.#open].flatMap(([key, { id }]) => (id === undefined ? [] : [{ key, id }]))
    return this.#options.suspend({ run: await this.#run.state(this.#asked), open })
  }
}

async function readRecorded<T>(question: ClientRequest<T>, recorded: Recorded): Promise<T> {
  const failed = (recorded as { failed?: string }).failed
  if (failed !== undefined) throw failure(failed)
  return readResponse(question, recorded)
}
