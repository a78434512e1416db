/** One run of a task's handler: what earlier runs have recorded is handed out again, what is new is recorded. */
import type {
  ClientRequest,
  ClientRequester,
  StepOptions,
} from '../client-requests/client-request.ts'
import { StepInterrupted, Suspended } from '../client-requests/client-request.ts'
import { failure } from '../handlers/failure.ts'
import { fingerprint } from '../lib/digest.ts'
import { Delivery } from './delivery.ts'
import { IdleWatch } from './idle-watch.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { JournalIndex, operationOf, questionKey } from './journal-index.ts'
import { fromStoredError, toStoredError } from './stored-error.ts'
import type { OpenQuestion, TaskAnswer } from './task.ts'

/** Where a run has stopped: everything in flight is settled, or waits for the client or for a time. */
export interface Parked {
  readonly questions: ReadonlyMap<string, OpenQuestion>
  /** Epoch milliseconds at which the first sleep ends. */
  readonly sleepsUntil: number | undefined
  /** Whether a step was not begun because the run has to yield. */
  readonly yielded: boolean
}

export interface ReplayOptions {
  /** The id of the task: the first part of the keys of its steps. */
  readonly callKey: string
  readonly journal: Journal
  /** Answers that no run has consumed yet. */
  readonly answers: { readonly [key: string]: TaskAnswer }
  readonly clock: () => number
  /** Whether no new step may begin. */
  readonly mustYield: () => boolean
  /** Told of what a replay should not do. It gets names only. */
  readonly warn: (message: string) => void
}

/** Milliseconds. A shorter sleep ends within the run, because to park costs more. */
const SHORT_SLEEP = 1_000

/** Answers of a client that do not fit, after which the question fails. */
const MOST_ANSWERS = 3

type Outcome = { readonly seq: number; readonly entry: JournalEntry }

export class Replay implements ClientRequester {
  readonly callKey: string
  /** Resolves when the run has parked; rejects when another runner took over or the store is away. */
  readonly parked: Promise<Parked>
  /** Keys of the answers that this run or an earlier one has recorded. */
  readonly consumed: Set<string>
  readonly #options: ReplayOptions
  readonly #journal: Journal
  readonly #index: JournalIndex
  readonly #delivery: Delivery
  readonly #idle: IdleWatch
  readonly #operations = new Map<string, Promise<unknown>>()
  readonly #questions = new Map<string, OpenQuestion>()
  readonly #sleeps: number[] = []
  /** Functions that end the operations that are blocked. */
  readonly #blocked = new Set<(reason: Error) => void>()
  #yielded = false
  #over: Error | undefined
  #resolve: (parked: Parked) => void = () => {}
  #reject: (reason: unknown) => void = () => {}

  constructor(options: ReplayOptions) {
    this.#options = options
    this.callKey = options.callKey
    this.#journal = options.journal
    this.#index = new JournalIndex(options.journal.recorded)
    this.consumed = new Set(this.#index.answered)
    this.parked = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.parked.catch(() => {})
    this.#delivery = new Delivery(this.#index.order, () => this.#idle.delivered())
    this.#idle = new IdleWatch(
      () => this.#delivery.isBusy,
      () => void this.#park(),
    )
  }

  step<T>(name: string, fn: () => T | Promise<T>, { once = false }: StepOptions = {}): Promise<T> {
    return this.#operation('step', name, () => this.#step(name, fn, once)) as Promise<T>
  }

  sleep(name: string, ms: number): Promise<void> {
    return this.#operation('sleep', name, () => this.#sleep(name, ms)) as Promise<void>
  }

  ask<T>(question: ClientRequest<T>): Promise<T> {
    const { method, params = {} } = question
    // The id is another one in each run, and only the client uses it.
    const { elicitationId, ...stable } = params as { elicitationId?: unknown }
    const print = fingerprint(`${method} ${JSON.stringify(stable)}`)
    const name = question.key ?? `${method}-${print.toString(36)}`
    if (this.#operations.has(`question ${name}`)) {
      throw new TypeError(`The question "${name}" is asked twice: give each question its own key`)
    }
    const ask = () => this.#ask(question, name, print)
    return this.#operation('question', name, ask) as Promise<T>
  }

  /** Ends the run: what is blocked is rejected, and what the handler still asks for is refused. */
  end(reason: Error = new Suspended()): void {
    if (!this.#over) this.#over = reason
    this.#idle.end()
    this.#delivery.end()
    for (const reject of this.#blocked) reject(this.#over)
    this.#blocked.clear()
  }

  /** Warns when the run did not meet what earlier runs have recorded. To be called when it has ended. */
  checkNames(): void {
    const missed = [...this.#index.operations].filter((id) => !this.#operations.has(id))
    if (missed.length === 0) return
    const added = [...this.#operations.keys()].filter((id) => !this.#index.operations.has(id))
    this.#options.warn(
      `did not reach ${missed.join(', ')}, which an earlier run has recorded${
        added.length > 0 ? `, but met ${added.join(', ')}` : ''
      }: only recorded results may decide what comes next`,
    )
  }

  #operation(kind: string, name: string, run: () => Promise<unknown>): Promise<unknown> {
    const id = `${kind} ${name}`
    const known = this.#operations.get(id)
    if (known) this.#options.warn(`uses the ${id} twice: both get the outcome of the first`)
    if (known) return known
    if (this.#over) return Promise.reject(this.#over)
    this.#idle.asked()
    const operation = run()
    // An operation that the handler does not wait for must not end the process.
    operation.catch(() => {})
    this.#operations.set(id, operation)
    return operation
  }

  async #step(name: string, fn: () => unknown, once: boolean): Promise<unknown> {
    const recorded = this.#index.outcomeOf(operationOf('step', name))
    if (recorded) return this.#hand(recorded)
    if (this.#options.mustYield()) {
      this.#yielded = true
      return this.#block()
    }
    const outcome = await this.#idle.during(async () => {
      const entry = await this.#run(name, fn, once)
      const tooLarge = failure(`The result of step "${name}" is larger than the store can hold`)
      const { seq, written } = this.#add(entry, {
        e: 'failed',
        name,
        error: toStoredError(tooLarge),
      })
      return { seq, entry: await this.#durable(written) }
    })
    return this.#hand(outcome)
  }

  async #run(name: string, fn: () => unknown, once: boolean): Promise<JournalEntry> {
    if (once && !this.#index.hasBegun(operationOf('step', name))) {
      await this.#durable(this.#journal.add({ e: 'begun', name }).written)
    } else if (once) {
      return { e: 'failed', name, error: toStoredError(new StepInterrupted(name)) }
    }
    try {
      const value = await fn()
      const json: string | undefined = JSON.stringify(value)
      if (json === undefined && value !== undefined) throw new TypeError('The value has no JSON')
      // A replay gets the value out of JSON, so this run gets it so too.
      return { e: 'done', name, ...(json !== undefined && { value: JSON.parse(json) }) }
    } catch (error) {
      return { e: 'failed', name, error: toStoredError(error) }
    }
  }

  async #sleep(name: string, ms: number): Promise<unknown> {
    const id = operationOf('sleep', name)
    const recorded = this.#index.outcomeOf(id)
    if (recorded) return this.#hand(recorded)
    const begun = this.#index.begunAs(id)
    const until = begun?.e === 'sleep' ? begun.until : this.#options.clock() + Math.max(0, ms)
    if (!begun) this.#journal.add({ e: 'sleep', name, until })
    const left = until - this.#options.clock()
    if (left > SHORT_SLEEP) {
      this.#sleeps.push(until)
      return this.#block()
    }
    const outcome = await this.#idle.during(async () => {
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
      return this.#note({ e: 'woke', name })
    })
    return this.#hand(outcome)
  }

  async #ask<T>({ method, params, parse }: ClientRequest<T>, name: string, print: number) {
    for (let n = 1; n <= MOST_ANSWERS; n++) {
      const answer = await this.#answer({ method, ...(params && { params }) }, name, n, print)
      if ('error' in answer) throw failure(answer.error)
      const value = await parse(answer.result)
      if (value !== undefined) return value
    }
    throw failure(`The client's answer does not fit ${method}`)
  }

  /** The answer to the `n`th try of a question. */
  async #answer(question: OpenQuestion, name: string, n: number, print: number) {
    const id = operationOf('question', name, n)
    const recorded = this.#index.outcomeOf(id)
    if (recorded) return (await this.#hand(recorded)) as TaskAnswer
    const asked = this.#index.begunAs(id)
    if (asked?.e === 'ask' && asked.print !== print) {
      this.#options.warn(`asks another question "${name}" than an earlier run`)
    }
    if (!asked) this.#journal.add({ e: 'ask', name, n, print })
    const key = questionKey(name, n)
    const answer = this.#options.answers[key]
    if (answer) {
      this.consumed.add(key)
      return (await this.#hand(this.#note({ e: 'answer', name, n, answer }))) as TaskAnswer
    }
    this.#questions.set(key, question)
    return this.#block()
  }

  /** Records an outcome that need not be durable yet: everything that follows from it comes after it in the journal. */
  #note(entry: JournalEntry): Outcome {
    return { seq: this.#add(entry).seq, entry }
  }

  #add(entry: JournalEntry, instead?: JournalEntry) {
    if (this.#over) throw this.#over
    const added = this.#journal.add(entry, instead)
    this.#delivery.expect(added.seq)
    return added
  }

  /** Hands an outcome to the handler when those before it have been handed out. */
  async #hand({ seq, entry }: Outcome): Promise<unknown> {
    await this.#delivery.turnOf(seq)
    if (this.#over) throw this.#over
    if (entry.e === 'failed') throw fromStoredError(entry.error)
    if (entry.e === 'done') return entry.value
    return entry.e === 'answer' ? entry.answer : undefined
  }

  /** Waits for the journal. When it cannot be written, the run is over: the handler must not go on. */
  async #durable<T>(written: Promise<T>): Promise<T> {
    try {
      return await written
    } catch (error) {
      this.#reject(error)
      this.end()
      throw this.#over
    }
  }

  /** Never resolves in this run. */
  #block(): Promise<never> {
    return new Promise((_, reject) => {
      this.#blocked.add(reject)
      this.#idle.blocked()
    })
  }

  async #park(): Promise<void> {
    this.#over = new Suspended()
    try {
      await this.#journal.settled()
      const sleepsUntil = this.#sleeps.length > 0 ? Math.min(...this.#sleeps) : undefined
      this.#resolve({ questions: this.#questions, sleepsUntil, yielded: this.#yielded })
    } catch (error) {
      this.#reject(error)
    }
    this.end()
  }
}
