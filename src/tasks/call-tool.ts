/** `tools/call` of a durable tool, for every client: a task, the plain result, or a handle for the result tool. */
import { text } from '../handlers/content.ts'
import { HandlerFailure } from '../handlers/failure.ts'
import { takeFromLimits } from '../handlers/limits.ts'
import type { Tool } from '../handlers/tool.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from '../protocol/call.ts'
import { invalidParams, McpError } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'
import { writeResult, writeToolResult } from '../protocol/results.ts'
import { requireValid } from '../protocol/tool-checks.ts'
import type { CallToolResult } from '../protocol/types.ts'
import { asksForTask, requireTaskSupport, writeCreatedTask } from './experimental.ts'
import { declaresTasks, toCreateTaskResult } from './extension.ts'
import type { Task } from './operations.ts'
import { cancelTask, createTask, getTask, newTaskRef } from './operations.ts'
import type { TaskRef } from './runner.ts'
import type { TaskRecord } from './task.ts'
import { waitForTask } from './wait.ts'

/** The JSON text of the result. A failure that the model should read is thrown as {@link HandlerFailure}. */
export async function callDurableTool(call: Call, tool: Tool, given: Params): Promise<string> {
  if (asksForTask(call)) return callAsExperimentalTask(call, tool, given)
  if (!tool.options.task) return callResultTool(call, given)
  const args = await prepareArguments(call, tool, given)
  if (declaresTasks(call)) {
    return writeResult(call, toCreateTaskResult(call.server, await createTask(call, tool, args)))
  }
  // In 2026 each round runs this from the top: the step and the answers are in the state of the rounds.
  const requester = await call.openRequester()
  const { owner, id } = await requester.step('task', async () => newTaskRef(call))
  let created: Task | undefined
  const begin = async () => {
    await requester.step('created', async () => {
      created = await createTask(call, tool, args, { owner, id })
    })
    return created ?? getTask(call, id)
  }
  return writeTask(call, await waitForTask(call, { owner, id }, begin, { cancels: true }))
}

/** A client that wants a task does not read the result of a tool that failed, so a failure is an error for it. */
async function callAsExperimentalTask(call: Call, tool: Tool, given: Params): Promise<string> {
  requireTaskSupport(tool)
  try {
    const args = await prepareArguments(call, tool, given)
    return writeCreatedTask(call, await createTask(call, tool, args))
  } catch (error) {
    if (error instanceof HandlerFailure) throw invalidParams(error.message)
    throw error
  }
}

/**
 * The tool's own arguments. They are checked before there is a task, so that the model can correct them, and
 * a call above a limit makes no task.
 */
async function prepareArguments(call: Call, tool: Tool, given: Params): Promise<Params> {
  const { session, ...own } = given
  const hasHandle = tool.options.session === true && call.era === 'modern'
  if (hasHandle) await call.openHandle(session)
  const args = hasHandle ? own : given
  requireValid(await tool.input.validate(args))
  if (tool.options.limits ?? call.server.toolLimits) await takeFromLimits(call, tool)
  return args
}

/** The tool by which a model asks for the state or the result of a task. */
async function callResultTool(call: Call, { task, cancel }: Params): Promise<string> {
  try {
    if (cancel === true) return writeTask(call, await cancelTask(call, task))
    const found = await getTask(call, task)
    return writeTask(call, await waitForTask(call, found.ref, async () => found))
  } catch (error) {
    // A failed task or an unknown one is for the model, not for the program of the client.
    if (error instanceof McpError) throw new HandlerFailure(error.message)
    throw error
  }
}

/** The result of a task, or where it stands. A task that failed is the error that the call would have had. */
function writeTask(call: Call, { ref, value }: Task): string {
  const { tools } = call.server.registry
  if (value.error) throw new McpError(value.error.code, value.error.message, value.error.data)
  const tool = tools.get(value.tool) ?? tools.get(call.server.resultTool)
  if (!tool) throw new HandlerFailure(`The server no longer offers ${value.tool}`)
  return writeToolResult(
    call,
    tool,
    value.result ?? toStateResult(call.server.resultTool, ref, value),
  )
}

function toStateResult(
  resultTool: string,
  { id: task }: TaskRef,
  record: TaskRecord,
): CallToolResult {
  const { status, statusMessage, questions } = record
  const [open] = Object.values(questions ?? {})
  const asks = isObject(open?.params) ? open.params.message : undefined
  const lines =
    status === 'cancelled'
      ? ['The work was cancelled.']
      : [
          'The work goes on.',
          statusMessage && `Progress: ${statusMessage}`,
          open && `It waits for an answer: ${typeof asks === 'string' ? asks : open.method}`,
          `Call ${resultTool} with {"task": "${task}"} for its result, with "cancel": true to end it.`,
        ]
  return {
    content: [text(lines.filter(Boolean).join('\n'))],
    structuredContent: { task, status, ...(statusMessage && { statusMessage }) },
  }
}
