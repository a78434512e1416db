/** The tasks extension of 2026: `tasks/get`, `tasks/update`, `tasks/cancel`, and the result that creates a task (A.8). */
import { isObject } from '../lib/is-object.ts'
import type { Call } from '../protocol/call.ts'
import { invalidParams, methodNotFound, missingCapability } from '../protocol/errors.ts'
import { writeResult } from '../protocol/results.ts'
import { serverMeta } from '../protocol/server-meta.ts'
import { offersTasks, TASKS_EXTENSION } from '../protocol/tasks-extension.ts'
import type { Server } from '../server.ts'
import type { JsonValue } from '../state/store.ts'
import { callExperimentalMethod } from './experimental.ts'
import type { Task } from './operations.ts'
import { cancelTask, getTask, updateTask } from './operations.ts'
import type { TaskAnswer } from './task.ts'
import { toTaskFields } from './task-fields.ts'

/** Whether the client takes tasks, which it declares on each request. In 2025 the extension does not exist. */
export function declaresTasks({ era, request }: Call): boolean {
  return era === 'modern' && isObject(request.capabilities.extensions?.[TASKS_EXTENSION])
}

/** Answers a method of tasks with the JSON text of its result. */
export async function callTaskMethod(call: Call): Promise<string> {
  if (call.era === 'legacy') return callExperimentalMethod(call)
  const { server, method, params } = call
  if (!offersTasks(server)) throw methodNotFound(method)
  // Before the id is looked up, so that the answer tells nothing about it.
  if (!declaresTasks(call)) throw missingCapability({ extensions: { [TASKS_EXTENSION]: {} } })
  switch (method) {
    case 'tasks/get':
      return writeResult(call, toTaskResult(server, await getTask(call, params.taskId)))
    case 'tasks/update':
      await updateTask(call, params.taskId, toAnswers(params.inputResponses))
      return writeResult(call, {})
    default:
      await cancelTask(call, params.taskId)
      return writeResult(call, {})
  }
}

function toAnswers(responses: unknown): Record<string, TaskAnswer> {
  if (!isObject(responses)) throw invalidParams('inputResponses must be an object')
  return Object.fromEntries(
    Object.entries(responses).map(([key, result]) => [key, { result: result as JsonValue }]),
  )
}

/** The result of a `tools/call` that goes on as a task. It is flat, and has neither a result nor an error. */
export function toCreateTaskResult(server: Server, task: Task): object {
  return { resultType: 'task', ...toTaskFields(server, task) }
}

/** The task as `tasks/get` tells it: with its open questions, its result or its error, by its status. */
function toTaskResult(server: Server, task: Task): object {
  const { status, questions, result, error } = task.value
  return {
    ...toTaskFields(server, task),
    ...(status === 'input_required' && { inputRequests: questions }),
    // The official client wants a `resultType` in the inner result, too.
    ...(result && {
      result: {
        resultType: 'complete',
        ...result,
        _meta: { ...result._meta, ...serverMeta(server) },
      },
    }),
    ...(error && { error }),
  }
}
