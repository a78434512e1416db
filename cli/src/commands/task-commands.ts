/** Commands for tasks, which are calls that outlive their request. */

import type { Client } from '@modelcontextprotocol/client'
import { toProblem } from '../errors.ts'
import { followTask } from '../follow-task.ts'
import type { Operation } from '../operations.ts'
import type { ExitCode } from '../problem.ts'
import { exitCodes } from '../problem.ts'
import type { Task } from '../task.ts'
import { cancelTask, getTask, hasTaskMethods } from '../task.ts'
import { table, text } from '../text.ts'
import { showToolResult } from '../tool-call.ts'
import type { Command, Invocation } from './command.ts'
import { wrongUsage } from './command.ts'
import { repeatedly } from './watch.ts'

const tasks: Command = {
  names: ['list-tasks', 'tasks'],
  usage: '[--watch]',
  summary: 'the tasks that were started here, and how they stand',
  notes: [
    'A task is a call that outlives its request. The client keeps the ids of those that it started.',
    '--watch asks again every 2 seconds, or every --interval <seconds>.',
  ],
  needs: 'server',
  run: (invocation) => repeatedly(invocation, undefined, listTasks),
}

async function listTasks(operation: Operation): Promise<ExitCode> {
  const { connection, output, view, signal, tasks: started } = operation
  const rows: Record<string, string>[] = []
  for (const { taskId, tool, startedAt } of await started.all()) {
    const state = await connection.run(signal, (client) => stateOf(client, operation, taskId))
    rows.push({ taskId, tool, startedAt: new Date(startedAt).toISOString(), ...state })
  }
  const render = () =>
    rows.length === 0
      ? text`No task was started here.`
      : table(
          rows.map(({ taskId = '', tool = '', status = '', statusMessage = '' }) => [
            taskId,
            tool,
            output.style(STYLES[status] ?? 'dim', status),
            statusMessage,
          ]),
          '',
        )
  output.result({ tasks: rows }, render, view)
  return exitCodes.ok
}

const STYLES: Readonly<Record<string, 'cyan' | 'yellow' | 'green' | 'red'>> = {
  working: 'cyan',
  input_required: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'red',
}

/** Another login may have started a task, so an unknown one is not an error and stays in the list. */
async function stateOf(
  client: Client,
  { signal, timeout }: Operation,
  taskId: string,
): Promise<{ status: string; statusMessage?: string }> {
  // A server without the extension would answer only after the task has ended.
  if (!hasTaskMethods(client)) return { status: 'not known here' }
  try {
    const { status, statusMessage } = await getTask(client, taskId, { signal, timeout })
    return { status, ...(statusMessage !== undefined && { statusMessage }) }
  } catch (error) {
    const problem = toProblem(error, 'the server')
    if (problem.exit !== exitCodes.failed) throw error
    return { status: 'unknown' }
  }
}

const task: Command = {
  names: ['get-task', 'task'],
  usage: '<id> [--detach] [--save <folder>]',
  summary: 'wait for a task, and print its result',
  notes: [
    'Ctrl+C ends the waiting and not the task. --detach prints how the task stands and does not wait.',
  ],
  needs: 'server',
  run: async (invocation) => {
    const [taskId] = invocation.words
    if (taskId === undefined) throw wrongUsage(task)
    const operation = operationOf(invocation)
    const { connection, output, view, signal, timeout, detach } = operation
    if (detach) {
      const found = await connection.run(signal, (client) =>
        getTask(client, taskId, { signal, timeout }),
      )
      output.result(toJson(found), () => stateText(found), view)
      return exitCodes.ok
    }
    const begun = { taskId, status: 'working' } as const
    return showToolResult(operation, await followTask(operation, begun, { cancels: false }))
  },
}

const cancel: Command = {
  names: ['cancel-task', 'cancel'],
  usage: '<id>',
  summary: 'end a task',
  needs: 'server',
  run: async (invocation) => {
    const [taskId] = invocation.words
    if (taskId === undefined) throw wrongUsage(cancel)
    const { connection, output, view, signal, timeout } = operationOf(invocation)
    await connection.run(signal, (client) => cancelTask(client, taskId, { signal, timeout }))
    const render = () => text`The server was told to cancel the task.`
    output.result({ taskId, cancelled: true }, render, view)
  },
}

function operationOf({ context, signal, view, options }: Invocation): Operation {
  return context.operation(signal, { ...options, view })
}

/** Returns a task as JSON, in which a map would be empty. */
function toJson({ inputRequests, ...rest }: Task): object {
  return { ...rest, ...(inputRequests && { inputRequests: Object.fromEntries(inputRequests) }) }
}

function stateText({ taskId, status, statusMessage }: Task) {
  return statusMessage === undefined
    ? text`${taskId}: ${status}`
    : text`${taskId}: ${status}: ${statusMessage}`
}

export const TASK_COMMANDS: readonly Command[] = [tasks, task, cancel]
