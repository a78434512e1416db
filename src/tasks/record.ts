/** The record of a task that this process runs, and the writes by which a turn ends. */
import { text } from '../handlers/content.ts'
import { code } from '../protocol/errors.ts'
import type { CallToolResult } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { Store, StoreWatch, TypedStore } from '../state/store.ts'
import { StoreConflict, ValueTooLarge } from '../state/store.ts'
import type { Parked } from './replay.ts'
import type { TaskRef, Turn } from './runner.ts'
import type { StoredTask, TaskError, TaskRecord } from './task.ts'
import { expiryOf, isTerminal, taskKeys } from './task.ts'

/** How a task ends. */
export interface TaskEnd {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly result?: CallToolResult
  readonly error?: TaskError
}

export function readTask(store: Store, ref: TaskRef): Promise<StoredTask | undefined> {
  return (store as TypedStore).get<TaskRecord>(taskKeys(ref).record)
}

/** A terminal record holds what a client may still ask for, and nothing that only a running task needs. */
export function toEnded(record: TaskRecord, end: TaskEnd, now: number): TaskRecord {
  const { tool, version, createdAt, ttl, turns, statusMessage } = record
  return {
    tool,
    version,
    createdAt,
    ttl,
    turns,
    updatedAt: now,
    statusMessage: end.error?.message ?? statusMessage,
    ...end,
  }
}

/** What the record of a task needs of the server. */
type TaskHost = Pick<Server, 'store' | 'clock'>

/** The record as this process has last read or written it. Every write goes over that version only. */
export class TaskState {
  readonly #server: TaskHost
  readonly #ref: TaskRef
  readonly #onChange: (stored: StoredTask) => void
  #stored: StoredTask

  constructor(
    server: TaskHost,
    ref: TaskRef,
    stored: StoredTask,
    onChange: (stored: StoredTask) => void,
  ) {
    this.#server = server
    this.#ref = ref
    this.#stored = stored
    this.#onChange = onChange
  }

  /** Where and from which version on another instance may have changed the task. */
  get watch(): StoreWatch {
    return { key: taskKeys(this.#ref).record, after: this.#stored.version }
  }

  /** Reads the record. Whether the task is terminal or gone. */
  async isEnded(): Promise<boolean> {
    const stored = await readTask(this.#server.store, this.#ref)
    if (stored && stored.version > this.#stored.version) this.#stored = stored
    return !stored || isTerminal(stored.value)
  }

  async setStatusMessage(statusMessage: string): Promise<void> {
    await this.#update((record) => ({ ...record, statusMessage }))
  }

  /** Ends a turn whose handler waits. An answer that came meanwhile makes the next turn due at once. */
  async park(parked: Parked, consumed: ReadonlySet<string>, message?: string): Promise<Turn> {
    const { turns } = this.#stored.value
    let turn: Turn = 'lost'
    const written = await this.#update((record) => {
      // An earlier try may have met a record that was not parked yet.
      turn = 'lost'
      // Another runner has parked the task meanwhile: it is that one's turn that counts.
      if (record.turns !== turns) return undefined
      const now = this.#server.clock()
      const answers = without(record.answers, consumed)
      const questions = Object.fromEntries(
        [...parked.questions].map(([key, question]) => [key, record.questions?.[key] ?? question]),
      )
      const open = without(questions, new Set(Object.keys(answers)))
      const isDue = parked.yielded || Object.keys(answers).some((key) => key in questions)
      const due = isDue ? now : parked.sleepsUntil
      const asks = Object.keys(open).length > 0
      turn = isDue ? 'again' : due === undefined ? 'asks' : toSleep(due, asks)
      return {
        ...record,
        status: asks ? 'input_required' : 'working',
        statusMessage: message ?? record.statusMessage,
        updatedAt: now,
        turns: turns + 1,
        due,
        // It belonged to the turn that has just ended.
        wakeToken: undefined,
        questions: open,
        answers,
      }
    })
    return written === 'gone' || written === 'ended' ? toTurn(written) : turn
  }

  /** Keeps what the runner needs to be woken, unless there is already something to do. */
  async setWakeToken(wakeToken: string): Promise<Turn> {
    let turn: Turn = 'again'
    const written = await this.#update((record) => {
      turn = waitOf(record, this.#server.clock())
      return turn === 'again' ? undefined : { ...record, wakeToken }
    })
    return written === 'gone' || written === 'ended' ? toTurn(written) : turn
  }

  /** Ends the task. The first terminal status wins. */
  async end(end: TaskEnd): Promise<Turn> {
    const { clock } = this.#server
    try {
      const result = end.result && withHandle(end.result, this.#stored.value)
      const whole = { ...end, ...(result && { result }) }
      await this.#update((record) => toEnded(record, whole, clock()))
    } catch (error) {
      if (!(error instanceof ValueTooLarge)) throw error
      const message = 'The result is larger than the store can hold'
      const failed = { status: 'failed', error: { code: code.internal, message } } as const
      await this.#update((record) => toEnded(record, failed, clock()))
    }
    return 'done'
  }

  /** `change` may leave the record as it is by returning undefined. */
  async #update(
    change: (record: TaskRecord) => TaskRecord | undefined,
  ): Promise<'written' | 'unchanged' | 'ended' | 'gone'> {
    const store = this.#server.store as TypedStore
    const { record: key } = taskKeys(this.#ref)
    for (;;) {
      const { value, version } = this.#stored
      if (isTerminal(value)) return 'ended'
      const next = change(value)
      if (!next) return 'unchanged'
      const expiresAt = expiryOf(next)
      try {
        const written = await store.put(key, next, { expiresAt, ifVersion: version })
        this.#stored = { value: next, version: written, expiresAt }
        this.#onChange(this.#stored)
        return 'written'
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw error
      }
      const current = await readTask(this.#server.store, this.#ref)
      if (!current) return 'gone'
      this.#stored = current
    }
  }
}

const toSleep = (sleepsUntil: number, asks: boolean): Turn =>
  asks ? { sleepsUntil, asks } : { sleepsUntil }

/** What a task that no runner has begun a turn of waits for. */
export function waitOf({ due, questions = {} }: TaskRecord, now: number): Turn {
  if (due === undefined) return 'asks'
  return due > now ? toSleep(due, Object.keys(questions).length > 0) : 'again'
}

const toTurn = (written: 'gone' | 'ended'): Turn => (written === 'gone' ? 'gone' : 'done')

function without<T>(
  all: { readonly [key: string]: T } | undefined,
  keys: ReadonlySet<string>,
): { readonly [key: string]: T } {
  return Object.fromEntries(Object.entries(all ?? {}).filter(([key]) => !keys.has(key)))
}

/** The model has to know the handle of the conversation, as after any call (C17). */
function withHandle(result: CallToolResult, { origin }: TaskRecord): CallToolResult {
  const handle = origin?.conversation?.handle
  if (!handle) return result
  return {
    ...result,
    content: [...result.content, text(`session: ${handle}`)],
    _meta: { ...result._meta, 'streamable-mcp/session': handle },
  }
}
