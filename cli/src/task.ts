/**
 * Tasks: calls that outlive their request. In 2026 they are an extension of the protocol. Other clients
 * get a handle from a server of this library, and ask for the result with a tool.
 */

import type {
  CallToolResult,
  Client,
  ProgressCallback,
  RequestOptions,
  StandardSchemaV1,
  Tool,
} from '@modelcontextprotocol/client'
import { isCallToolResult } from '@modelcontextprotocol/client'
import { isObject } from './json.ts'
import { exitCodes, Problem } from './problem.ts'
import { TASK_META } from './transport.ts'

/** The name of the extension, which client and server declare. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

const STATUSES = ['working', 'input_required', 'completed', 'failed', 'cancelled'] as const
export type TaskStatus = (typeof STATUSES)[number]

/** A question of a task. It has been checked by no schema yet. */
export interface TaskQuestion {
  readonly method: string
  readonly params: unknown
}

export interface Task {
  readonly taskId: string
  readonly status: TaskStatus
  readonly statusMessage?: string
  /** Milliseconds that the server asks clients to wait between two polls. */
  readonly pollIntervalMs?: number
  /** The open questions by their keys, while the status is `input_required`. */
  readonly inputRequests?: ReadonlyMap<string, TaskQuestion>
  readonly result?: CallToolResult
  readonly error?: { readonly code: number; readonly message: string }
}

export function isTerminal({ status }: Task): boolean {
  return status !== 'working' && status !== 'input_required'
}

/** Whether the server has the extension. Otherwise its tool for results is used, if it has one. */
export function hasTaskMethods(client: Client): boolean {
  const extensions = client.getServerCapabilities()?.extensions
  return client.getProtocolEra() === 'modern' && extensions?.[TASKS_EXTENSION] !== undefined
}

/** Returns the task that a call has become; undefined for a plain result. */
export function taskOf(result: CallToolResult, tools: readonly Tool[]): Task | undefined {
  const created = result._meta?.[TASK_META]
  if (created !== undefined) return readTask(created)
  return resultToolOf(tools) === undefined ? undefined : taskOfHandle(result)
}

export async function getTask(
  client: Client,
  taskId: string,
  options: RequestOptions & { readonly onprogress?: ProgressCallback },
): Promise<Task> {
  if (hasTaskMethods(client)) {
    const { onprogress: _, ...rest } = options
    return client.request({ method: 'tasks/get', params: { taskId } }, TASK, rest)
  }
  const name = await requireResultTool(client, options)
  const result = await client.callTool({ name, arguments: { task: taskId } }, options)
  return taskOfHandle(result) ?? { taskId, status: 'completed', result }
}

export async function cancelTask(
  client: Client,
  taskId: string,
  options: RequestOptions,
): Promise<void> {
  if (hasTaskMethods(client)) {
    await client.request({ method: 'tasks/cancel', params: { taskId } }, ANYTHING, options)
    return
  }
  const name = await requireResultTool(client, options)
  const request = { name, arguments: { task: taskId, cancel: true } }
  const { isError, content } = await client.callTool(request, options)
  if (!isError) return
  const [first] = content
  throw new Problem(first?.type === 'text' ? first.text : 'The task could not be cancelled.')
}

/** Sends the answers to the questions of a task, by their keys. */
export async function answerTask(
  client: Client,
  taskId: string,
  inputResponses: Record<string, unknown>,
  options: RequestOptions,
): Promise<void> {
  const params = { taskId, inputResponses }
  await client.request({ method: 'tasks/update', params }, ANYTHING, options)
}

/** Reads a task of a server. Throws a {@link Problem} if it is not one. */
function readTask(value: unknown): Task {
  const task = parseTask(value)
  if (task === undefined) throw new Problem('The server described a task that cannot be read.')
  return task
}

function parseTask(value: unknown): Task | undefined {
  if (!isObject(value)) return undefined
  const { taskId, statusMessage, pollIntervalMs, inputRequests, result, error } = value
  const status = STATUSES.find((one) => one === value.status)
  if (typeof taskId !== 'string' || status === undefined) return undefined
  if (status === 'completed' && result !== undefined && !isCallToolResult(result)) return undefined
  return {
    taskId,
    status,
    ...(typeof statusMessage === 'string' && { statusMessage }),
    ...(typeof pollIntervalMs === 'number' && { pollIntervalMs }),
    ...(isObject(inputRequests) && { inputRequests: readQuestions(inputRequests) }),
    ...(isCallToolResult(result) && { result }),
    ...(isObject(error) && {
      error: { code: Number(error.code), message: String(error.message) },
    }),
  }
}

function readQuestions(requests: Record<string, unknown>): Map<string, TaskQuestion> {
  const questions = new Map<string, TaskQuestion>()
  for (const [key, request] of Object.entries(requests)) {
    if (!isObject(request)) continue
    questions.set(key, { method: String(request.method), params: request.params })
  }
  return questions
}

/** Returns the task of a result that is only a handle: the work goes on at the server. */
function taskOfHandle({ structuredContent, isError }: CallToolResult): Task | undefined {
  if (isError || !isObject(structuredContent)) return undefined
  const { task: taskId, status, statusMessage } = structuredContent
  return parseTask({ taskId, status, statusMessage })
}

/** Finds the tool that takes a handle. Its name is an option of the server, so its arguments tell it. */
function resultToolOf(tools: readonly Tool[]): Tool | undefined {
  return tools.find(({ inputSchema: { properties = {} } }) => {
    return Object.hasOwn(properties, 'task') && Object.hasOwn(properties, 'cancel')
  })
}

async function requireResultTool(client: Client, options: RequestOptions): Promise<string> {
  const { signal, timeout } = options
  const offered = client.getServerCapabilities()?.tools !== undefined
  const limits = { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) }
  const tool = offered ? resultToolOf((await client.listTools(undefined, limits)).tools) : undefined
  if (tool !== undefined) return tool.name
  throw new Problem('This server has no tasks.', { exit: exitCodes.failed })
}

function schema<T>(parse: (value: unknown) => T | undefined): StandardSchemaV1<unknown, T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'streamable-mcp',
      validate(value) {
        const parsed = parse(value)
        return parsed === undefined ? { issues: [{ message: 'not a task' }] } : { value: parsed }
      },
    },
  }
}

const TASK = schema(parseTask)
const ANYTHING = schema((value) => value)
