/** The experimental tasks of 2025-11-25, on the same records as the extension of 2026 (B71–B80). */
import type { Tool } from '../handlers/tool.ts'
import type { Call } from '../protocol/call.ts'
import { code, invalidParams, McpError, methodNotFound } from '../protocol/errors.ts'
import { writeResult, writeToolResult } from '../protocol/results.ts'
import { has } from '../protocol/revisions.ts'
import { offersTasks } from '../protocol/tasks-extension.ts'
import type { CallToolResult } from '../protocol/types.ts'
import type { Task } from './operations.ts'
import { cancelTask, getTask } from './operations.ts'
import { toTaskFields } from './task-fields.ts'
import { waitForTask } from './wait.ts'

/** Whether the client wants a task by the parameter of 2025-11-25, which any other revision ignores (A.8, B71). */
export function asksForTask({ params, revision }: Call): boolean {
  return Boolean(params.task) && has.tasks(revision)
}

/** Throws -32601 for a tool that is not listed as one that can be a task (B72). */
export function requireTaskSupport(tool: Tool): void {
  if (tool.options.task) return
  throw new McpError(code.methodNotFound, `Tool ${tool.name} cannot be called as a task`)
}

/** The result of a `tools/call` that goes on as a task (B73). */
export function writeCreatedTask(call: Call, task: Task): string {
  return writeResult(call, { task: toExperimentalTask(call, task) })
}

/** Answers `tasks/get`, `tasks/result` and `tasks/cancel`. */
export async function callExperimentalMethod(call: Call): Promise<string> {
  const { server, method, params, revision } = call
  if (!has.tasks(revision) || !offersTasks(server)) throw methodNotFound(method)
  switch (method) {
    case 'tasks/get':
      return writeResult(call, toExperimentalTask(call, await getTask(call, params.taskId)))
    case 'tasks/result':
      return writeTaskResult(call, await getTask(call, params.taskId))
    default: {
      const refuse = () => {
        throw invalidParams('The task has already ended')
      }
      const task = await cancelTask(call, params.taskId, refuse)
      return writeResult(call, toExperimentalTask(call, task))
    }
  }
}

/** Timers hold 31 bits of milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1

/** Waits for the end of the task, asks its questions on this call, and returns what a plain call would have (B75). */
async function writeTaskResult(call: Call, found: Task): Promise<string> {
  const meta = { 'io.modelcontextprotocol/related-task': { taskId: found.ref.id } }
  const { value } = await waitForTask(call, found.ref, async () => found, {
    atMost: LONGEST_WAIT,
    waitsForOthers: true,
    questionMeta: meta,
  })
  const { result, error, status } = value
  if (error) throw new McpError(error.code, error.message, error.data)
  if (!result) {
    const why = status === 'cancelled' ? 'was cancelled' : 'goes on: ask for its result again'
    throw new McpError(code.internal, `The task ${why}`)
  }
  const { tools } = call.server.registry
  const tool = tools.get(value.tool) ?? tools.get(call.server.resultTool)
  if (!tool) throw methodNotFound(call.method)
  return writeToolResult(call, tool, { ...result, _meta: { ...result._meta, ...meta } })
}

/** A failure of the tool is a failed task here, and a completed one in the extension (B79). */
function toExperimentalTask({ server }: Call, task: Task): object {
  const { ttlMs: ttl, pollIntervalMs: pollInterval, ...fields } = toTaskFields(server, task)
  const { result } = task.value
  return { ...fields, ttl, pollInterval, ...(result?.isError && toFailed(result)) }
}

/** The official client shows nothing else of a failed task, so the reason is in its message (B80). */
function toFailed({ content }: CallToolResult): { status: 'failed'; statusMessage: string } {
  const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []))
  return { status: 'failed', statusMessage: texts.join('\n') }
}
