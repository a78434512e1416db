/** The `ctx` of one call, the same for both eras. */

import type { Principal } from '../auth/auth.ts'
import type {
  ClientRequest,
  ClientRequester,
  StepContext,
  StepOptions,
} from '../client-requests/client-request.ts'
import type { MessageStream } from '../client-requests/stream-requester.ts'
import { delay } from '../lib/delay.ts'
import { lazyImport } from '../lib/lazy-import.ts'
import { notificationMessage } from '../protocol/jsonrpc.ts'
import type {
  CreateMessageParams,
  CreateMessageResult,
  ElicitResult,
  LogLevel,
  Root,
} from '../protocol/types.ts'
import { LOG_LEVELS } from '../protocol/types.ts'
import type { Infer, Schema } from '../schema/schema.ts'
import type { Change } from '../state/change-log.ts'
import type { SessionValues } from '../state/session-values.ts'
import type { Cancellation } from './cancellation.ts'
import type { ClientRequestOptions, Context, Log, Notify, RequestInfo } from './context.ts'
import { createNotify } from './notify.ts'
import type { Tool } from './tool.ts'

type ClientRequests = typeof import('../client-requests/requests.ts')

/** The code of requests to the client. Once it is loaded, a request takes no turn of the event loop. */
export const clientRequests = lazyImport(() => import('../client-requests/requests.ts'))

/** What `ctx` needs of its call. Each era's call provides it. */
export interface CallFacts {
  readonly cancellation: Cancellation
  readonly request: RequestInfo
  readonly principal: Principal | undefined
  readonly deadline: number | undefined
  readonly progressToken: string | number | undefined
  /** The progress that the client was told last, also by an earlier run of the handler. */
  progressTold: number
  /** Lowest level that the client wants; undefined for no log messages. */
  readonly logLevel: LogLevel | undefined
  /** The reply to the call's POST. */
  readonly stream: MessageStream & { disconnect(retryMs?: number): Promise<void> }
  readonly session: SessionValues
  /** Sends requests to the client. Its code is loaded at the first use. */
  openRequester(): Promise<ClientRequester>
  publish(change: Change): Promise<void>
}

/** Makes the context of a call. `tool` is the tool that it runs, and undefined for prompts and resources. */
export function createContext(call: CallFacts, tool?: Tool): Context {
  return new CallContext(call, tool)
}

export class CallContext implements Context {
  readonly #call: CallFacts
  readonly #tool: Tool | undefined
  #log: Log | undefined
  #notify: Notify | undefined

  constructor(call: CallFacts, tool: Tool | undefined) {
    this.#call = call
    this.#tool = tool
  }

  get signal(): AbortSignal {
    return this.#call.cancellation.signal
  }

  get deadline(): number | undefined {
    return this.#call.deadline
  }

  get session(): SessionValues {
    // A session of 2025 has values anyway, but the same handler would fail for clients of 2026.
    if (!this.#tool?.options.session) {
      const what = this.#tool ? `Tool "${this.#tool.name}"` : 'This handler'
      throw new TypeError(`${what} has no ctx.session: only tools with session: true have it`)
    }
    return this.#call.session
  }

  get principal(): Principal | undefined {
    return this.#call.principal
  }

  get request(): RequestInfo {
    return this.#call.request
  }

  progress(done: number, total?: number, message?: string): void {
    const { progressToken, stream } = this.#call
    // The protocol forbids a value that does not grow (B53), and infinity has no JSON.
    if (progressToken === undefined || !(done > this.#call.progressTold) || done === Infinity)
      return
    this.#call.progressTold = done
    stream.notify(
      notificationMessage('notifications/progress', {
        progressToken,
        progress: done,
        total: Number.isFinite(total) ? total : undefined,
        message,
      }),
    )
  }

  get log(): Log {
    this.#log ??= Object.fromEntries(
      LOG_LEVELS.map((level) => [
        level,
        (data: unknown, logger?: string) => this.#logMessage(level, data, logger),
      ]),
    ) as Log
    return this.#log
  }

  #logMessage(level: LogLevel, data: unknown, logger?: string): void {
    const { logLevel, stream } = this.#call
    if (!logLevel || LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logLevel)) return
    stream.notify(notificationMessage('notifications/message', { level, logger, data }))
  }

  elicit<S extends Schema>(
    message: string,
    schema: S,
    options?: ClientRequestOptions,
  ): Promise<ElicitResult<Infer<S>>> {
    return this.#ask(({ formRequest }) => formRequest(this.request, message, schema), options)
  }

  elicitUrl(message: string, url: string, options?: ClientRequestOptions) {
    return this.#ask(({ urlRequest }) => urlRequest(this.request, message, url), options)
  }

  sample(
    params: CreateMessageParams,
    options?: ClientRequestOptions,
  ): Promise<CreateMessageResult> {
    return this.#ask(({ samplingRequest }) => samplingRequest(this.request, params), options)
  }

  roots(options?: ClientRequestOptions): Promise<Root[]> {
    return this.#ask(({ rootsRequest }) => rootsRequest(this.request), options)
  }

  /** A handler may ask and not wait: a missing answer must not end the process as an unhandled rejection. */
  #ask<T>(
    prepare: (requests: ClientRequests) => ClientRequest<T>,
    options?: ClientRequestOptions,
  ): Promise<T> {
    const answer = this.#send(prepare, options)
    answer.catch(() => {})
    return answer
  }

  async #send<T>(
    prepare: (requests: ClientRequests) => ClientRequest<T>,
    options?: ClientRequestOptions,
  ): Promise<T> {
    const requests = await clientRequests()
    const requester = await this.#call.openRequester()
    return requester.ask({ ...prepare(requests), key: options?.key })
  }

  async step<T>(
    name: string,
    fn: (step: StepContext) => T | Promise<T>,
    options?: StepOptions,
  ): Promise<T> {
    const { cancellation } = this.#call
    const requester = await this.#call.openRequester()
    const step: StepContext = {
      get key() {
        return `${requester.callKey}/${name}`
      },
      // The first use of the signal starts a watch of the store.
      get signal() {
        return cancellation.signal
      },
    }
    return requester.step(name, () => fn(step), options)
  }

  sleep(name: string, ms: number): Promise<void> {
    return this.step(`sleep ${name}`, ({ signal }) => delay(ms, signal))
  }

  get notify(): Notify {
    this.#notify ??= createNotify((change) => this.#call.publish(change))
    return this.#notify
  }

  async disconnect(retryMs?: number): Promise<void> {
    await this.#call.stream.disconnect(retryMs)
  }
}
