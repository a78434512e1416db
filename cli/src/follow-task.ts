/** Follows a task to its end: polls it, shows its progress, and answers its questions. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { CallToolResult } from '@modelcontextprotocol/client'
import { isSpecType } from '@modelcontextprotocol/client'
import { toProblem } from './errors.ts'
import type { Operation } from './operations.ts'
import { exitCodes, Problem } from './problem.ts'
import { progressBar } from './progress.ts'
import type { Task, TaskQuestion } from './task.ts'
import { answerTask, cancelTask, getTask, isTerminal } from './task.ts'
import { fitted, text } from './text.ts'

/** Milliseconds before the first poll: many tasks end at once. Later the server says how long to wait. */
const FIRST_PAUSE = 250
const DEFAULT_PAUSE = 5_000
const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 60_000

/** How many polls in a row may fail, because a server may be replaced while the task goes on. */
const FAILURES = 7

/** Milliseconds after the first failed poll. They double with each one, to a minute in all. */
const FIRST_BACKOFF = 1_000

export interface FollowOptions {
  /** Whether Ctrl+C cancels the task. Otherwise it ends only the waiting. */
  readonly cancels: boolean
}

/** Resolves with the result of a task. Throws a {@link Problem} for a task that failed or was cancelled. */
export async function followTask(
  operation: Operation,
  begun: Task,
  { cancels }: FollowOptions,
): Promise<CallToolResult> {
  const { output, signal } = operation
  const { taskId } = begun
  try {
    return resultOf(await untilTerminal(operation, begun, cancels))
  } catch (error) {
    if (signal.aborted && cancels) await cancelAtOnce(operation, taskId)
    else if (signal.aborted) output.note(text`The task goes on; \`cancel ${taskId}\` ends it.`)
    if (signal.aborted) throw new Problem('Cancelled.', { exit: exitCodes.interrupted })
    throw error
  } finally {
    output.status(undefined)
  }
}

async function untilTerminal(operation: Operation, begun: Task, cancels: boolean): Promise<Task> {
  const { output, signal } = operation
  const started = performance.now()
  const answered = new Set<string>()
  let announced = false
  let task = begun
  let pause = FIRST_PAUSE
  while (!isTerminal(task)) {
    if (await answerQuestions(operation, task, answered)) pause = FIRST_PAUSE
    const seconds = Math.round((performance.now() - started) / 1000)
    const about = task.statusMessage ?? 'working'
    output.status(fitted(text`… ${about} (${seconds} s)`, output.columns - 1))
    await sleep(pause, undefined, { signal })
    task = await poll(operation, task.taskId)
    if (cancels && !announced && !isTerminal(task)) {
      output.note(output.style('dim', text`Task ${task.taskId} goes on; Ctrl+C cancels it.`))
      announced = true
    }
    pause = clamp(task.pollIntervalMs ?? DEFAULT_PAUSE)
  }
  return task
}

function clamp(milliseconds: number): number {
  return Math.min(Math.max(milliseconds, SHORTEST_PAUSE), LONGEST_PAUSE)
}

/** Asks for the task, and again if the server cannot be reached for a while. */
async function poll(operation: Operation, taskId: string): Promise<Task> {
  const { connection, output, signal, timeout } = operation
  const bar = progressBar(output)
  const options = {
    signal,
    timeout,
    resetTimeoutOnProgress: true,
    onprogress: bar.update,
  }
  for (let failures = 1; ; failures++) {
    try {
      return await connection.run(signal, (client) => getTask(client, taskId, options))
    } catch (error) {
      const problem = toProblem(error, 'the server')
      if (problem.exit !== exitCodes.unreachable || failures === FAILURES) throw error
      if (failures === 1)
        output.note(output.style('yellow', text`${problem.message} Asking again.`))
      await sleep(FIRST_BACKOFF * 2 ** (failures - 1), undefined, { signal })
    }
  }
}

/** Answers the questions that were not answered yet. Returns whether there were any. */
async function answerQuestions(
  operation: Operation,
  { taskId, inputRequests = new Map() }: Task,
  answered: Set<string>,
): Promise<boolean> {
  const { connection, output, signal, timeout } = operation
  const open = [...inputRequests].filter(([key]) => !answered.has(key))
  if (open.length === 0) return false
  output.status(undefined)
  const answers: [string, unknown][] = []
  for (const [key, question] of open) answers.push([key, await answer(operation, taskId, question)])
  await connection.run(signal, (client) =>
    answerTask(client, taskId, Object.fromEntries(answers), { signal, timeout }),
  )
  for (const [key] of open) answered.add(key)
  return true
}

async function answer(
  { responder, signal }: Operation,
  taskId: string,
  question: TaskQuestion,
): Promise<unknown> {
  const { elicit, sample } = responder
  if (isSpecType.ElicitRequest(question) && elicit !== undefined) {
    return elicit(question.params, signal)
  }
  if (isSpecType.CreateMessageRequest(question) && sample !== undefined) {
    return sample(question.params, signal)
  }
  const asks = isSpecType.ElicitRequest(question) ? question.params.message : question.method
  throw new Problem(`The task waits for an answer: ${asks}`, {
    next: `Run \`task ${taskId}\` at a terminal, or with --answer.`,
  })
}

/** The code of a task that asks what its client did not declare. */
const MISSING_CAPABILITY = -32021

function resultOf({ status, statusMessage, result, error }: Task): CallToolResult {
  if (status === 'cancelled') throw new Problem('The task was cancelled.')
  if (result !== undefined) return result
  if (error !== undefined) {
    const next =
      error.code === MISSING_CAPABILITY ? 'Call it at a terminal, or with --answer.' : undefined
    throw new Problem(`The task failed with error ${error.code}: ${error.message}`, { next })
  }
  throw new Problem(`The task ended without a result: ${statusMessage ?? status}.`)
}

/** Milliseconds that Ctrl+C waits for the server to take the cancellation. */
const CANCEL_LIMIT = 3_000

async function cancelAtOnce({ connection, output }: Operation, taskId: string): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_LIMIT)
  const cancel = connection.run(signal, (client) =>
    cancelTask(client, taskId, { signal, timeout: CANCEL_LIMIT }),
  )
  await cancel.catch(() => {
    output.note(text`The task was not cancelled: try \`cancel ${taskId}\`.`)
  })
}
