/** One request to another server for a call of ours: its questions and notifications go to the call's client. */

import type {
  Context,
  CreateMessageParams,
  CreateMessageResult,
  JsonSchema,
  LogLevel,
} from '../../src/index.ts'
import { McpError, Suspended } from '../../src/index.ts'
import type { Json, Message } from './peer.ts'
import { isJson } from './peer.ts'

/** JSON-RPC's code for an exception of the server, whose text may be internal. */
const INTERNAL = -32_603
const INVALID_PARAMS = -32_602
const METHOD_NOT_FOUND = -32_601

/** A quick request ends before this many milliseconds, and then nothing watches for its cancellation. */
const WATCH_AFTER = 20

/** Everything that a server may ask of a client. The client of each call then says what it really can do. */
export const CLIENT_CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
}

/** An error of the other server, as the error of our call. Texts of internal errors are only logged. */
export function toError({ code, message, data }: NonNullable<Message['error']>): Error {
  if (code === INTERNAL) return new Error(`The other server failed: ${message}`)
  return new McpError(Number(code), String(message), data)
}

/** What a server asks while it serves a call. Throws what `ctx` throws. */
export async function ask(ctx: Context, method: string, params: Json): Promise<Json> {
  switch (method) {
    case 'elicitation/create': {
      const message = String(params.message)
      if (params.mode === 'url') return { ...(await ctx.elicitUrl(message, String(params.url))) }
      return { ...(await ctx.elicit(message, params.requestedSchema as JsonSchema)) }
    }
    case 'sampling/createMessage': {
      const asked: unknown = params
      const result: CreateMessageResult = await ctx.sample(asked as CreateMessageParams)
      return { ...result }
    }
    case 'roots/list':
      return { roots: await ctx.roots() }
    case 'ping':
      return {}
    default:
      throw new McpError(METHOD_NOT_FOUND, `The client has no method ${method}`)
  }
}

/** A notification of a server that belongs to a call. */
export function tell(ctx: Context, method: string | undefined, params: Json = {}): void {
  if (method === 'notifications/progress') {
    const { progress, total, message } = params
    ctx.progress(
      Number(progress),
      typeof total === 'number' ? total : undefined,
      typeof message === 'string' ? message : undefined,
    )
  }
  if (method === 'notifications/message') {
    const { level, data, logger } = params
    if (typeof level !== 'string' || !Object.hasOwn(ctx.log, level)) return
    ctx.log[level as LogLevel](data, typeof logger === 'string' ? logger : undefined)
  }
}

/** A request to another server that waits for its response. */
export class PendingCall {
  readonly ctx: Context | undefined
  readonly response: Promise<Json>
  #resolve: (result: Json) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #stop: (() => void) | undefined
  #settled = false
  readonly #cancel: (reason: string) => void

  /** `cancel` is called when the call ends before the response arrives. */
  constructor(ctx: Context | undefined, cancel: (reason: string) => void) {
    this.ctx = ctx
    this.#cancel = cancel
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (ctx) this.#watch(ctx)
  }

  /** The signal is used late, because its first use begins to read the store. */
  #watch(ctx: Context): void {
    const onAbort = () => this.abandon(ctx.signal.reason)
    const timer = setTimeout(() => {
      const { signal } = ctx
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      this.#stop = () => signal.removeEventListener('abort', onAbort)
    }, WATCH_AFTER)
    this.#stop = () => clearTimeout(timer)
  }

  /** The response to the request. */
  end({ result, error }: Message): void {
    this.#settled = true
    this.#stop?.()
    if (error) this.#reject(toError(error))
    else this.#resolve(isJson(result) ? result : {})
  }

  /** Gives the request up: the other server is told, if it has not answered yet. */
  abandon(error: unknown): void {
    if (this.#settled) return
    this.#cancel('The call has ended')
    this.fail(error)
  }

  fail(error: unknown): void {
    this.#settled = true
    this.#stop?.()
    this.#reject(error)
  }

  /**
   * Answers a question of the server. In 2026 an open question ends this run of the call, and the next run
   * sends the request anew. The server's own run must end as well: it gets the answer of a person who
   * cancels, because a handler does nothing then, whereas it may go on after an error.
   */
  async answer({ method = '', params = {} }: Message): Promise<Pick<Message, 'result' | 'error'>> {
    const { ctx } = this
    try {
      if (!ctx) throw new McpError(INVALID_PARAMS, 'No client waits for this request')
      return { result: await ask(ctx, method, params) }
    } catch (error) {
      if (error instanceof Suspended) {
        this.#cancel('The call waits for its client and begins anew')
        this.fail(error)
        if (method === 'elicitation/create') return { result: { action: 'cancel' } }
      }
      return { error: toAnswerError(error) }
    }
  }
}

/** Only errors that were written for others are told to the server that asked. */
function toAnswerError(error: unknown): NonNullable<Message['error']> {
  if (error instanceof McpError) {
    return { code: error.code, message: error.message, data: error.data }
  }
  const isFailure = error instanceof Error && error.name === 'Failure'
  return { code: INTERNAL, message: isFailure ? error.message : 'The client was not asked' }
}
