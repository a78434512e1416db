/** The `ctx` of a task's handler. */
import type { StepContext, StepOptions } from '../client-requests/client-request.ts'
import type { CallFacts } from '../handlers/call-context.ts'
import { CallContext } from '../handlers/call-context.ts'
import type { Cancellation } from '../handlers/cancellation.ts'
import type { Log, RequestInfo } from '../handlers/context.ts'
import type { Tool } from '../handlers/tool.ts'
import { LOG_LEVELS } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import { sessionValues } from '../state/session-values.ts'
import type { Replay } from './replay.ts'
import type { TaskOrigin } from './task.ts'

/** How far a task is, as its handler tells it. */
export interface TaskProgress {
  readonly done: number
  readonly total: number | undefined
  readonly message: string | undefined
}

export interface TaskContextOptions {
  readonly server: Server
  readonly tool: Tool
  readonly id: string
  readonly origin: TaskOrigin
  readonly replay: Replay
  readonly cancellation: Cancellation
  readonly deadline: number | undefined
  readonly onProgress: (progress: TaskProgress) => void
}

export class TaskContext extends CallContext {
  readonly #options: TaskContextOptions
  readonly #log: Log

  constructor(options: TaskContextOptions) {
    super(toFacts(options), options.tool)
    this.#options = options
    this.#log = toServerLog(options)
  }

  override step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options?: StepOptions,
  ): Promise<T> {
    const { replay, cancellation } = this.#options
    const step = { key: `${replay.callKey}/${name}`, signal: cancellation.signal }
    return replay.step(name, () => fn(step), options)
  }

  override sleep(name: string, ms: number): Promise<void> {
    return this.#options.replay.sleep(name, ms)
  }

  override progress(done: number, total?: number, message?: string): void {
    this.#options.onProgress({ done, total, message })
  }

  /** A task has no stream to its client, so its messages go to the log of the server. */
  override get log(): Log {
    return this.#log
  }
}

function toFacts(options: TaskContextOptions): CallFacts {
  const { server, origin, replay, cancellation, deadline } = options
  const { principal, conversation, ...request } = origin
  return {
    cancellation,
    // No headers, because those of the client that created the task are not kept.
    request: { ...request, headers: new Headers(), meta: {} } satisfies RequestInfo,
    principal,
    deadline,
    progressToken: undefined,
    progressTold: Number.NEGATIVE_INFINITY,
    logLevel: undefined,
    stream: { notify() {}, request: async () => false, waiting: false, disconnect: async () => {} },
    openRequester: async () => replay,
    session: sessionValues(server.store, async () => {
      if (conversation) return conversation
      throw new TypeError('ctx.session needs session: true in the options of the tool')
    }),
    publish: (change) => server.changes.publish(change),
  }
}

function toServerLog({ server, tool, id }: TaskContextOptions): Log {
  const levelOf = (severity: number) =>
    severity < 1 ? 'debug' : severity < 3 ? 'info' : severity < 4 ? 'warn' : 'error'
  const writers = LOG_LEVELS.map((level, severity) => [
    level,
    (data: unknown, logger?: string) =>
      server.log({
        level: levelOf(severity),
        message: `Tool ${tool.name} logged`,
        task: id,
        ...(logger && { logger }),
        data,
      }),
  ])
  return Object.fromEntries(writers) as Log
}
