/** What the methods of the protocol do with tasks. All of it is done as the owner of the call. */

import { HandlerFailure } from '../handlers/failure.ts'
import type { Tool } from '../handlers/tool.ts'
import type { Call } from '../protocol/call.ts'
import { invalidParams } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'
import { requireScopes } from '../protocol/scopes.ts'
import type { Server } from '../server.ts'
import { updateRecord } from '../state/records.ts'
import { randomId } from '../state/sessions.ts'
import type { JsonValue, TypedStore } from '../state/store.ts'
import { ValueTooLarge } from '../state/store.ts'
import { DEFAULT_VERSION, engineOf, toRunnerTask } from './engine.ts'
import { readTask, toEnded } from './record.ts'
import type { TaskRef } from './runner.ts'
import type { StoredTask, TaskAnswer, TaskRecord } from './task.ts'
import { expiryOf, isTerminal, taskKeys } from './task.ts'

/** The record of a task with its name. */
export interface Task extends StoredTask {
  readonly ref: TaskRef
}

const DAY = 86_400_000

/** A new name for a task of the caller. The id has 144 random bits. */
export function newTaskRef({ owner }: Call): TaskRef {
  return { owner, id: randomId() }
}

/**
 * Creates a task of a tool and starts its runner. When this resolves the task is durable, and every
 * instance finds it. Fails when the runner cannot be started; the task is then recorded as `failed`.
 */
export async function createTask(
  call: Call,
  tool: Tool,
  args: Params,
  ref: TaskRef = newTaskRef(call),
): Promise<Task> {
  const { server } = call
  const { ttl = DAY, version = DEFAULT_VERSION } = tool.options.task ?? {}
  const engine = await engineOf(server)
  const now = server.clock()
  const { id, era, revision, client, capabilities, trace } = call.request
  const conversation = tool.options.session ? await call.conversation() : undefined
  const record: TaskRecord = {
    tool: tool.name,
    version,
    status: 'working',
    createdAt: now,
    updatedAt: now,
    ttl,
    turns: 0,
    due: now,
    arguments: args as JsonValue,
    origin: {
      ...{ id, era, revision, client, capabilities, trace },
      principal: call.principal,
      conversation,
    },
  }
  const { record: key } = taskKeys(ref)
  const expiresAt = expiryOf(record)
  const store = server.store as TypedStore
  let stored: StoredTask
  try {
    const written = await store.put(key, record, { expiresAt, ifVersion: 0 })
    stored = { value: record, version: written, expiresAt }
  } catch (error) {
    if (!(error instanceof ValueTooLarge)) throw error
    throw new HandlerFailure('The arguments are larger than the store can hold')
  }
  try {
    await engine.start(ref, stored)
  } catch (error) {
    await failToStart(server, ref)
    throw error
  }
  return { ...stored, ref }
}

/** The task must not stay `working` when no runner knows it. */
async function failToStart(server: Server, ref: TaskRef): Promise<void> {
  const error = { code: -32603, message: 'The task could not be started' }
  const end = { status: 'failed', error } as const
  try {
    await updateRecord<TaskRecord>(server.store, taskKeys(ref).record, ({ value, expiresAt }) =>
      value && !isTerminal(value)
        ? { value: toEnded(value, end, server.clock()), expiresAt }
        : undefined,
    )
  } catch {
    // The store is away: the client gets the error, and the record expires.
  }
}

/**
 * A task of the caller. Throws -32602 for an id that is unknown, expired or of another owner, and
 * `AuthError` when the caller lacks a scope that the task's tool needs now.
 */
export async function getTask(call: Call, id: unknown): Promise<Task> {
  const { server } = call
  const ref = toRef(call, id)
  const stored = await readTask(server.store, ref)
  if (!stored) throw unknownTask()
  requireToolScopes(call, stored)
  const { createdAt, ttl, due } = stored.value
  if (isTerminal(stored.value)) return { ...stored, ref }
  const now = server.clock()
  if (now < createdAt + ttl) {
    if (due !== undefined && due < now) await (await engineOf(server)).rescue(ref, stored, due)
    return { ...stored, ref }
  }
  // Its time is over, and the runner has not ended it.
  const engine = await engineOf(server)
  await engine.expire(ref, stored)
  const expired = await readTask(server.store, ref)
  if (!expired) throw unknownTask()
  return { ...expired, ref }
}

/**
 * Adds answers to the questions of a task. An unknown or answered key is ignored (A.8), and so is an
 * update of a terminal task. A task with all its answers, or with some of them, is run at once.
 */
export async function updateTask(
  call: Call,
  id: unknown,
  answers: { readonly [key: string]: TaskAnswer },
): Promise<Task> {
  return change(call, id, (record, now) => {
    const open = record.questions ?? {}
    const fitting = Object.entries(answers).filter(([key]) => Object.hasOwn(open, key))
    if (isTerminal(record) || fitting.length === 0) return undefined
    const given = new Map(fitting)
    const questions = Object.entries(open).filter(([key]) => !given.has(key))
    return {
      ...record,
      status: questions.length > 0 ? 'input_required' : 'working',
      updatedAt: now,
      due: Math.min(record.due ?? now, now),
      questions: Object.fromEntries(questions),
      answers: { ...record.answers, ...Object.fromEntries(given) },
    }
  })
}

/**
 * Cancels a task. A terminal task stays as it is, because the first terminal status wins; then `refuse` is
 * called, which may throw.
 */
export async function cancelTask(
  call: Call,
  id: unknown,
  refuse: () => void = () => {},
): Promise<Task> {
  return change(call, id, (record, now) => {
    if (!isTerminal(record)) return toEnded(record, { status: 'cancelled' }, now)
    refuse()
    return undefined
  })
}

async function change(
  call: Call,
  id: unknown,
  next: (record: TaskRecord, now: number) => TaskRecord | undefined,
): Promise<Task> {
  const { server } = call
  const ref = toRef(call, id)
  let found: StoredTask | undefined
  let written: StoredTask | undefined
  try {
    written = await updateRecord<TaskRecord>(
      server.store,
      taskKeys(ref).record,
      ({ value, version, expiresAt }) => {
        if (!value) return undefined
        found = { value, version, expiresAt }
        requireToolScopes(call, found)
        const changed = next(value, server.clock())
        return changed && { value: changed, expiresAt }
      },
    )
  } catch (error) {
    if (!(error instanceof ValueTooLarge)) throw error
    throw invalidParams('The answers are larger than the store can hold')
  }
  if (!found) throw unknownTask()
  if (!written) return { ...found, ref }
  const engine = await engineOf(server)
  engine.changed(ref, written)
  const { runner } = engine
  const wake = isTerminal(written.value) && runner.cancel ? runner.cancel : runner.wake
  await wake.call(runner, toRunnerTask(ref, written), found.value.wakeToken)
  return { ...written, ref }
}

const unknownTask = () => invalidParams('Unknown task')

function toRef({ owner }: Call, id: unknown): TaskRef {
  // Any other text cannot be an id of ours. This saves the read and keeps foreign text out of keys.
  if (typeof id !== 'string' || !/^[\w-]{24}$/.test(id)) throw unknownTask()
  return { owner, id }
}

/** The rights of the caller as they are now, not as they were when the task was created (C42). */
function requireToolScopes(call: Call, { value }: StoredTask): void {
  const tool = call.server.registry.tools.get(value.tool)
  if (!tool) return
  // A task of a tool that is hidden from the caller is unknown, like the tool.
  if (!call.registry.tools.has(value.tool)) throw unknownTask()
  requireScopes(call, tool)
}
