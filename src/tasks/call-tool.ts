/** `tools/call` of a durable tool, for every client: a task, the plain result, or a handle for the result tool. */
import { createContext } from '../handlers/call-context.ts'
import { Cancelled } from '../handlers/cancellation.ts'
import { text } from '../handlers/content.ts'
import { Failure, HandlerFailure } from '../handlers/failure.ts'
import type { Tool } from '../handlers/tool.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from '../protocol/call.ts'
import { McpError } from '../protocol/errors.ts'
import type { Params } from '../protocol/jsonrpc.ts'
import { writeResult, writeToolResult } from '../protocol/results.ts'
import { requireValid } from '../protocol/tool-checks.ts'
import type { CallToolResult } from '../protocol/types.ts'
import type { JsonValue } from '../state/store.ts'
import type { Engine } from './engine.ts'
import { engineOf } from './engine.ts'
import { declaresTasks, toCreateTaskResult } from './extension.ts'
import { TaskFollower } from './follow.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Task } from './operations.ts'
import { cancelTask, createTask, getTask, newTaskRef, updateTask } from './operations.ts'
import type { TaskRef } from './runner.ts'
import type { OpenQuestion, TaskAnswer, TaskRecord } from './task.ts'
import { isTerminal } from './task.ts'

/** The JSON text of the result. A failure that the model should read is thrown as {@link HandlerFailure}. */
export async function callDurableTool(call: Call, tool: Tool, given: Params): Promise<string> {
  if (!tool.options.task) return callResultTool(call, given)
  const args = await prepareArguments(call, tool, given)
  if (declaresTasks(call)) {
    return writeResult(call, toCreateTaskResult(call.server, await createTask(call, tool, args)))
  }
  const engine = await engineOf(call.server)
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
  return follow(call, engine, { owner, id }, begin, { cancels: true })
}

/** The tool's own arguments. They are checked before there is a task, so that the model can correct them. */
async function prepareArguments(call: Call, tool: Tool, given: Params): Promise<Params> {
  const { session, ...own } = given
  const hasHandle = tool.options.session === true && call.era === 'modern'
  if (hasHandle) await call.openHandle(session)
  const args = hasHandle ? own : given
  requireValid(await tool.input.validate(args))
  return args
}

/** The tool by which a model asks for the state or the result of a task. */
async function callResultTool(call: Call, { task, cancel }: Params): Promise<string> {
  try {
    if (cancel === true) return writeTask(call, await cancelTask(call, task))
    const engine = await engineOf(call.server)
    const found = await getTask(call, task)
    return await follow(call, engine, found.ref, async () => found, { cancels: false })
  } catch (error) {
    // A failed task or an unknown one is for the model, not for the program of the client.
    if (error instanceof McpError) throw new HandlerFailure(error.message)
    throw error
  }
}

const WAIT_FOR = 45_000

/** Milliseconds that are left for the reply before the host cuts the call off. */
const TIME_TO_REPLY = 1_000

/**
 * Waits for the task, asks its questions of this client, and returns its result, or its handle when the
 * time is over. With `cancels`, a client that gives up the call cancels the task, as it has no handle yet.
 */
async function follow(
  call: Call,
  engine: Engine,
  ref: TaskRef,
  begin: () => Promise<Task>,
  { cancels }: { readonly cancels: boolean },
): Promise<string> {
  const { server, deadline = Number.POSITIVE_INFINITY } = call
  const heartbeat = new Heartbeat(createContext(call), call.progressToken !== undefined)
  const follower = new TaskFollower(engine, ref, (progress) => heartbeat.set(progress))
  const end = endOf(call, engine)
  try {
    let task = await begin()
    const { waitFor = WAIT_FOR } = server.registry.tools.get(task.value.tool)?.options.task ?? {}
    // What a person takes to answer does not count: a plain tool waits for that, too.
    let left = Math.min(waitFor, deadline - server.clock() - TIME_TO_REPLY)
    for (;;) {
      const questions = Object.entries(task.value.questions ?? {})
      if (isTerminal(task.value) || left <= 0 || end.signal.aborted) break
      if (questions.length > 0) {
        if (!questions.every(([, question]) => canAsk(call, question))) break
        const answers = await askAll(call, questions).catch(end.unlessStopping)
        if (answers) task = await updateTask(call, ref.id, answers)
        continue
      }
      const since = performance.now()
      task = await follower.next(task, left, end.signal)
      left -= performance.now() - since
    }
    if (end.reason instanceof Cancelled) throw end.reason
    return writeTask(call, task)
  } catch (error) {
    if (cancels && error instanceof Cancelled) await cancelTask(call, ref.id)
    throw error
  } finally {
    heartbeat.stop()
    follower.close()
    end.stop()
  }
}

/** Milliseconds after which a call watches for its cancellation: in a session of 2025 that reads the store. */
const WATCHED_AFTER = 1_000

/** What ends a call that waits: its client, or the end of the process. */
function endOf(call: Call, engine: Engine) {
  const { cancellation, server } = call
  const controller = new AbortController()
  const end = {
    signal: controller.signal,
    reason: undefined as Error | undefined,
    /** A question that ends because the process does is asked again elsewhere. */
    unlessStopping(error: unknown): undefined {
      if (error !== end.reason || error instanceof Cancelled) throw error
    },
    stop() {
      clearTimeout(timer)
      engine.closing.removeEventListener('abort', close)
      server.running.delete(cancellation)
    },
  }
  // Takes back the question that the client may be showing.
  const close = () => cancellation.abort(new HandlerFailure('The server is shutting down'))
  const timer = setTimeout(() => cancellation.signal, WATCHED_AFTER)
  engine.closing.addEventListener('abort', close)
  server.running.add(cancellation)
  cancellation.onAbort = (reason) => {
    end.reason = reason
    controller.abort()
  }
  if (engine.closing.aborted) close()
  return end
}

/** Whether the client can be asked on this call. */
function canAsk({ request: { capabilities } }: Call, { method, params }: OpenQuestion): boolean {
  if (method === 'roots/list') return capabilities.roots !== undefined
  if (method === 'sampling/createMessage') return capabilities.sampling !== undefined
  const { elicitation } = capabilities
  const isUrl = isObject(params) && params.mode === 'url'
  if (isUrl) return elicitation?.url !== undefined
  return elicitation !== undefined && (elicitation.form !== undefined || !elicitation.url)
}

async function askAll(
  call: Call,
  questions: readonly (readonly [key: string, question: OpenQuestion])[],
): Promise<Record<string, TaskAnswer>> {
  const answers = await Promise.all(
    questions.map(async ([key, question]) => [key, await ask(call, key, question)] as const),
  )
  return Object.fromEntries(answers)
}

/** A client that fails to answer is an answer, too: the handler may catch it. */
async function ask(call: Call, key: string, { method, params }: OpenQuestion): Promise<TaskAnswer> {
  try {
    const parse = (answer: unknown) => (isObject(answer) ? (answer as JsonValue) : undefined)
    const requester = await call.openRequester()
    return { result: await requester.ask({ key, method, params, parse }) }
  } catch (error) {
    if (error instanceof Failure) return { error: error.message }
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
