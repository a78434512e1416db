/** A call that waits for a task of its client, and asks the client the questions of the task meanwhile. */
import { createContext } from '../handlers/call-context.ts'
import { Cancelled } from '../handlers/cancellation.ts'
import { Failure, HandlerFailure } from '../handlers/failure.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from '../protocol/call.ts'
import type { JsonValue } from '../state/store.ts'
import type { Engine } from './engine.ts'
import { engineOf } from './engine.ts'
import { TaskFollower } from './follow.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Task } from './operations.ts'
import { cancelTask, updateTask } from './operations.ts'
import type { TaskRef } from './runner.ts'
import type { OpenQuestion, TaskAnswer } from './task.ts'
import { isTerminal } from './task.ts'

export interface WaitOptions {
  /** Milliseconds of waiting. What a person takes to answer does not count. @default the tool's `waitFor` */
  readonly atMost?: number
  /** A client that gives up the call cancels the task, as it has no handle yet. */
  readonly cancels?: boolean
  /** Waits on when this client cannot answer a question of the task: another client may. */
  readonly waitsForOthers?: boolean
  /** The `_meta` of the task's questions; without it the client gets no progress either. */
  readonly questionMeta?: object
}

const WAIT_FOR = 45_000

/** Milliseconds that are left for the reply before the host cuts the call off. */
const TIME_TO_REPLY = 1_000

/** Returns the task at its end, at the end of the time, or with a question that this client cannot answer. */
export async function waitForTask(
  call: Call,
  ref: TaskRef,
  begin: () => Promise<Task>,
  { atMost, cancels, waitsForOthers, questionMeta }: WaitOptions = {},
): Promise<Task> {
  const { server, deadline = Number.POSITIVE_INFINITY } = call
  const engine = await engineOf(server)
  const tellsProgress = !questionMeta && call.progressToken !== undefined
  const heartbeat = new Heartbeat(createContext(call), tellsProgress)
  const follower = new TaskFollower(engine, ref, (progress) => heartbeat.set(progress))
  const end = endOf(call, engine)
  try {
    let task = await begin()
    const { waitFor = WAIT_FOR } = server.registry.tools.get(task.value.tool)?.options.task ?? {}
    // What a person takes to answer does not count: a plain tool waits for that, too.
    let left = Math.min(atMost ?? waitFor, deadline - server.clock() - TIME_TO_REPLY)
    for (;;) {
      const questions = Object.entries(task.value.questions ?? {})
      if (isTerminal(task.value) || left <= 0 || end.signal.aborted) break
      const canAskAll = questions.every(([, question]) => canAsk(call, question))
      if (questions.length > 0 && canAskAll) {
        const answers = await askAll(call, questions, questionMeta).catch(end.unlessStopping)
        if (answers) task = await updateTask(call, ref.id, answers)
        continue
      }
      if (!canAskAll && !waitsForOthers) break
      const since = performance.now()
      task = await follower.next(task, left, end.signal)
      left -= performance.now() - since
    }
    if (end.reason instanceof Cancelled) throw end.reason
    return task
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
  const { cancellation, deadline, server } = call
  const controller = new AbortController()
  const end = {
    signal: controller.signal,
    reason: undefined as Error | undefined,
    /** A question that ends because the process or its time does is asked again elsewhere. */
    unlessStopping(error: unknown): undefined {
      if (error !== end.reason || error instanceof Cancelled) throw error
    },
    stop() {
      clearTimeout(timer)
      clearTimeout(deadlineTimer)
      engine.closing.removeEventListener('abort', close)
      server.running.delete(cancellation)
    },
  }
  // Takes back the question that the client may be showing.
  const close = () => cancellation.abort(new HandlerFailure('The server ends this call'))
  const timer = setTimeout(() => cancellation.signal, WATCHED_AFTER)
  const deadlineTimer =
    deadline === undefined
      ? undefined
      : setTimeout(close, toTimer(deadline - server.clock() - TIME_TO_REPLY))
  engine.closing.addEventListener('abort', close)
  server.running.add(cancellation)
  cancellation.onAbort = (reason) => {
    end.reason = reason
    controller.abort()
  }
  if (engine.closing.aborted) close()
  return end
}

/** Timers hold 31 bits. */
const toTimer = (ms: number) => Math.min(Math.max(0, ms), 2 ** 31 - 1)

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
  meta: object | undefined,
): Promise<Record<string, TaskAnswer>> {
  const answers = await Promise.all(
    questions.map(
      async ([key, question]) => [key, await ask(call, key, withMeta(question, meta))] as const,
    ),
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

function withMeta({ method, params }: OpenQuestion, meta: object | undefined): OpenQuestion {
  return { method, params: meta ? { ...params, _meta: meta } : params }
}
