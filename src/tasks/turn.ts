/** One turn of a task: the handler runs from the top until it ends, or until everything waits. */
import { clientRequests } from '../handlers/call-context.ts'
import { Cancellation, Cancelled } from '../handlers/cancellation.ts'
import { toFailureResult } from '../handlers/content.ts'
import { HandlerFailure } from '../handlers/failure.ts'
import { toSafeError } from '../handlers/run-handler.ts'
import { runToolAround } from '../handlers/run-middleware.ts'
import type { Tool } from '../handlers/tool.ts'
import { code, McpError } from '../protocol/errors.ts'
import { requireValid } from '../protocol/tool-checks.ts'
import type { CallToolResult } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { TaskProgress } from './context.ts'
import { TaskContext } from './context.ts'
import type { Journal } from './journal.ts'
import { LostTask } from './journal.ts'
import type { TaskEnd } from './record.ts'
import { TaskState } from './record.ts'
import { Replay } from './replay.ts'
import type { TaskRef, Turn } from './runner.ts'
import { StatusWriter } from './status-writer.ts'
import type { StoredTask, TaskRecord } from './task.ts'

export interface TaskRunOptions {
  readonly server: Server
  readonly ref: TaskRef
  readonly tool: Tool
  readonly journal: Journal
  readonly stored: StoredTask
  /** Epoch milliseconds from which no new step begins. */
  readonly yieldAt: number | undefined
  readonly onChange: (stored: StoredTask) => void
  readonly onProgress: (progress: TaskProgress) => void
}

/** Milliseconds between two looks for a cancellation by another instance, where the store cannot wake a waiter. */
const FIRST_LOOK = 2_000
const LATER_LOOKS = 5_000

/** Timers hold 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1

/** A task that this process runs. */
export class TaskRun {
  readonly #options: TaskRunOptions
  readonly #state: TaskState
  readonly #cancellation = new Cancellation(() => {})
  readonly #over = new AbortController()
  readonly #replay: Replay
  readonly #status: StatusWriter
  #yields = false
  #abort: (reason: Error) => void = () => {}

  constructor(options: TaskRunOptions) {
    const { server, ref, journal, stored, tool } = options
    this.#options = options
    this.#state = new TaskState(server, ref, stored, options.onChange)
    this.#status = new StatusWriter(this.#state)
    this.#replay = new Replay({
      callKey: ref.id,
      journal,
      answers: stored.value.answers ?? {},
      clock: server.clock,
      mustYield: () => this.#yields || server.clock() >= (options.yieldAt ?? Infinity),
      warn: (message) =>
        server.log({
          level: 'warn',
          message: `The handler of tool ${tool.name} ${message}`,
          task: ref.id,
        }),
    })
  }

  /** Begins no new step: the run parks as soon as the running ones have ended. */
  yield(): void {
    this.#yields = true
  }

  /** Ends the run at once. Nothing more is written. */
  abort(reason: Error): void {
    this.#replay.end(reason)
    this.#cancellation.abort(reason)
    this.#abort(reason)
  }

  /** Looks whether the task was cancelled. */
  async check(): Promise<void> {
    if (await this.#state.isEnded()) this.abort(new Cancelled('The client cancelled the task'))
  }

  async run(): Promise<Turn> {
    const { server, stored } = this.#options
    const { createdAt, ttl } = stored.value
    const left = createdAt + ttl - server.clock()
    const expired = setTimeout(
      () => this.abort(new TaskExpired(ttl)),
      Math.min(left, LONGEST_TIMER),
    )
    void this.#watch()
    try {
      return await this.#settle()
    } finally {
      clearTimeout(expired)
      this.#over.abort()
      this.#status.close()
      this.#replay.end()
      // Steps that the handler has not waited for learn that they are not awaited.
      this.#cancellation.abort(new HandlerFailure('The task goes on without this run'))
    }
  }

  async #settle(): Promise<Turn> {
    const { journal } = this.#options
    const aborted = new Promise<never>((_, reject) => {
      this.#abort = reject
    })
    try {
      const end = this.#run().then((result): { result: CallToolResult } => ({ result }))
      const parked = this.#replay.parked
      const outcome = await Promise.race([end, parked, aborted])
      if (!('result' in outcome)) {
        this.#replay.checkNames()
        return await this.#state.park(outcome, this.#replay.consumed, this.#status.message)
      }
      await journal.settled()
      this.#replay.checkNames()
      return await this.#state.end({ status: 'completed', result: outcome.result })
    } catch (error) {
      return this.#fail(error)
    }
  }

  async #fail(error: unknown): Promise<Turn> {
    const { tool, server, journal } = this.#options
    if (error instanceof Cancelled) return 'done'
    if (error instanceof TaskExpired) return this.#state.end(failedWith(error.message))
    if (error instanceof RunEnded) return 'again'
    // A handler that catches the end of its run and throws something else has lost too.
    await journal.settled()
    if (error instanceof LostTask) throw error
    const safe = toSafeError({ server }, `Tool ${tool.name}`, error)
    if (safe instanceof McpError) {
      const { message, data } = safe
      return this.#state.end({ ...failedWith(message), error: { code: safe.code, message, data } })
    }
    if (!(safe instanceof HandlerFailure)) throw safe
    return this.#state.end({ status: 'completed', result: toFailureResult(safe.message) })
  }

  async #run(): Promise<CallToolResult> {
    const { server, ref, tool, stored, yieldAt } = this.#options
    const { arguments: given = {}, origin } = stored.value
    if (!origin) throw new TypeError('The task has no origin')
    // Loaded before the handler runs, so that a question is known before the run can seem idle.
    await clientRequests()
    const args = requireValid(await tool.input.validate(given))
    const cancellation = this.#cancellation
    return runToolAround({
      tool,
      args,
      server,
      cancellation,
      createContext: () =>
        new TaskContext({
          server,
          tool,
          id: ref.id,
          origin,
          replay: this.#replay,
          cancellation,
          deadline: yieldAt,
          onProgress: (progress) => {
            this.#status.set(progress)
            this.#options.onProgress(progress)
          },
        }),
      handler: (given, ctx) => tool.handler(given, ctx as never),
    })
  }

  /** Notices that another instance has cancelled the task. */
  async #watch(): Promise<void> {
    const { store } = this.#options.server
    const { signal } = this.#over
    for (let pause = FIRST_LOOK; !signal.aborted; pause = LATER_LOOKS) {
      if (store.wait) await store.wait([this.#state.watch], signal)
      else await pauseOf(pause, signal)
      if (signal.aborted) return
      try {
        await this.check()
      } catch {
        // The store is away: the next look tells, and until then the task runs.
        await pauseOf(pause, signal)
      }
    }
  }
}

/** The run of a handler is ended for a reason of its process, and the task goes on elsewhere. */
export class RunEnded extends Error {
  override name = 'RunEnded'
}

class TaskExpired extends Error {
  override name = 'TaskExpired'

  constructor(ttl: number) {
    super(`The task did not end within ${Math.round(ttl / 1000)} seconds`)
  }
}

export function failedWith(message: string): TaskEnd {
  return { status: 'failed', error: { code: code.internal, message } }
}

export const expiredMessage = ({ ttl }: TaskRecord): string => new TaskExpired(ttl).message

function pauseOf(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
