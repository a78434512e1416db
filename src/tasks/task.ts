/** What a task is: its record, its lease, and its places in the store. */
import type { Principal } from '../auth/auth.ts'
import type { RequestInfo } from '../handlers/context.ts'
import type { CallToolResult, ClientCapabilities } from '../protocol/types.ts'
import type { Conversation } from '../state/session-values.ts'
import type { JsonValue, StoredRecord, StoreKey } from '../state/store.ts'
import type { TaskRef } from './runner.ts'

/** The statuses of the specification. The last three are terminal: they never change (A.8, B74). */
export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled'

/** A request to the client that a task waits for. It is stored once and served as it was stored (A.8). */
export interface OpenQuestion {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params?: object | undefined
}

/** What came of a question: the client's result, or why there is none, as a sentence for the model. */
export type TaskAnswer = { readonly result: JsonValue } | { readonly error: string }

/** A JSON-RPC error, which ends a task as `failed`. */
export interface TaskError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** The request that created a task, as far as its handler may see it. It holds no headers and no token. */
export interface TaskOrigin
  extends Pick<RequestInfo, 'id' | 'era' | 'revision' | 'client' | 'trace'> {
  readonly capabilities: ClientCapabilities
  /** Who called; undefined without authorization. The handler keeps these rights for the task's life. */
  readonly principal?: Principal | undefined
  /** Where `ctx.session` is, for a tool with `session: true`. */
  readonly conversation?: (Conversation & { readonly handle?: string | undefined }) | undefined
}

/** The record of a task. Any instance writes it, and only over the version that it has read. */
export interface TaskRecord {
  readonly tool: string
  /** The tool's `task.version` when the task began: a replay needs the same one. */
  readonly version: string
  readonly status: TaskStatus
  /** Progress or the reason of a failure, for people. */
  readonly statusMessage?: string | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
  /** Milliseconds from `createdAt` within which the task must end. */
  readonly ttl: number
  /** Turns that have parked. A lease counts only for the turn that it was taken for. */
  readonly turns: number
  /** Epoch milliseconds from which a turn may run; undefined while only an answer can go on with it. */
  readonly due?: number | undefined
  /** Absent in a terminal task, with everything else that only a running task needs. */
  readonly arguments?: JsonValue | undefined
  readonly origin?: TaskOrigin | undefined
  /** Questions without an answer, by their key on the wire. */
  readonly questions?: { readonly [key: string]: OpenQuestion } | undefined
  /** Answers that no turn has consumed yet. */
  readonly answers?: { readonly [key: string]: TaskAnswer } | undefined
  /** What the runner has to be told to wake the task, such as a callback's id. */
  readonly wakeToken?: string | undefined
  readonly result?: CallToolResult | undefined
  readonly error?: TaskError | undefined
}

/** The lease of a task: who runs it, and which of its turns. It decides only when to take over. */
export interface TaskLease {
  readonly runner: string
  readonly turn: number
}

/** A task as it was read or written. */
export type StoredTask = StoredRecord<TaskRecord>

/** The partition of a task. The owner is part of it, so a stranger gets the answer of an unknown id. */
export function taskPartition({ owner, id }: TaskRef): string {
  return `task/${owner}/${id}`
}

/** The three places of a task in the store. */
export const taskKeys = (task: TaskRef) => {
  const partition = taskPartition(task)
  const key = (name: string): StoreKey => [partition, name]
  return { record: key('task'), journal: key('journal'), lease: key('lease') }
}

export function isTerminal({ status }: TaskRecord): boolean {
  return status !== 'working' && status !== 'input_required'
}

const DAY = 86_400_000

/** When the record and the journal expire: a day after the time within which the task must end. */
export function expiryOf({ createdAt, ttl }: Pick<TaskRecord, 'createdAt' | 'ttl'>): number {
  return createdAt + ttl + DAY
}
