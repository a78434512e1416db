/** Lambda handlers around an app: one that streams its response, and one for hosts that cannot. */

import { pipeline } from 'node:stream/promises'
import type { Platform } from '../src/index.ts'
import type { BufferedReply, Head, Incoming, Shape } from './apigateway.ts'
import { parseEvent, toHead, toReply } from './apigateway.ts'

/** What `createMcp()` returns, or any app that answers a web request. */
export interface App {
  fetch(request: Request, env: { platform: Platform }): Response | Promise<Response>
}

/** The part of Lambda's invocation context that a door reads. */
export interface LambdaContext {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** The writable end that Lambda's Node runtime hands to a streaming handler. */
export type ResponseStream = NodeJS.WritableStream & { setContentType(type: string): void }

export type StreamingHandler = (
  event: unknown,
  stream: ResponseStream,
  context: LambdaContext,
) => Promise<void>

export type BufferedHandler = (
  event: unknown,
  context: LambdaContext,
) => Promise<BufferedReply | undefined>

/** The global `awslambda` of Lambda's Node runtimes. */
export interface LambdaRuntime {
  streamifyResponse(handler: StreamingHandler): StreamingHandler
  readonly HttpResponseStream: { from(stream: ResponseStream, head: Head): ResponseStream }
}

export interface LambdaOptions {
  /**
   * How long before Lambda's timeout the app is told to finish, in milliseconds; what has not ended
   * when half of it is left is ended here. Never more than half of the time an invocation has.
   * @default 5000
   */
  margin?: number
  /** Where failures of the app and of a body go. @default console.error */
  log?: (message: string, error?: unknown) => void
  /** Lambda's API for streaming. @default the global `awslambda` */
  runtime?: LambdaRuntime
}

/**
 * A handler for response streaming: a REST API whose `responseTransferMode` is `STREAM`, or a
 * Function URL whose `InvokeMode` is `RESPONSE_STREAM`. It resolves when the last byte is handed
 * over, because Lambda may freeze the process right after.
 *
 * @example export const handler = lambda(mcp)
 */
export function lambda(app: App, options: LambdaOptions = {}): StreamingHandler {
  const { log = logError, runtime = hostRuntime() } = options
  return runtime.streamifyResponse(async (event, stream, context) => {
    const answer = await invoke(app, event, context, options)
    if (answer === undefined) return end(stream)
    const out = runtime.HttpResponseStream.from(stream, toHead(answer.response, answer.shape))
    // The runtime sends status and headers with the first write, even with an empty one.
    out.write('')
    let failure: { reason: unknown } | undefined
    const body = async function* () {
      try {
        yield* answer.body
      } catch (reason) {
        // Thrown inside the pipeline it would destroy the upload, and with it the runtime process.
        failure = { reason }
      }
    }
    await pipeline(body, out, { end: false })
    if (failure === undefined) return end(out)
    log('the response body failed after it had begun', failure.reason)
    // The runtime reports this in trailers, and the host cuts the response: visibly incomplete.
    throw new Error('The response body failed after it had begun')
  })
}

/**
 * A handler for hosts that take a reply whole: an ALB, an HTTP API, a REST API or Function URL
 * without streaming. An event stream arrives in one piece, when its call has ended.
 */
export function bufferedLambda(app: App, options: LambdaOptions = {}): BufferedHandler {
  const { log = logError } = options
  return async (event, context) => {
    const answer = await invoke(app, event, context, options)
    if (answer === undefined) return undefined
    try {
      return await toReply(answer.response, answer.body, answer.shape)
    } catch (reason) {
      log('the response body failed after it had begun', reason)
      const { response, body, shape } = refusal(500, answer.shape)
      return toReply(response, body, shape)
    }
  }
}

interface Answer {
  readonly response: Response
  readonly body: AsyncIterable<Uint8Array>
  readonly shape: Shape
}

/** The app's answer to an event, ended in time whatever the app does. Undefined for what is not HTTP. */
async function invoke(
  app: App,
  event: unknown,
  context: LambdaContext,
  { margin = 5000, log = logError }: LambdaOptions,
): Promise<Answer | undefined> {
  let incoming: Incoming | undefined
  try {
    incoming = parseEvent(event)
  } catch {
    // A header or a URL that the web API refuses: the request is malformed, whatever it says.
    return refusal(400, 'rest')
  }
  if (incoming === undefined) return undefined
  const { request, shape } = incoming
  const remaining = context.getRemainingTimeInMillis()
  const reserve = Math.min(margin, remaining / 2)
  const platform: Platform = {
    ...incoming.platform,
    deadline: Date.now() + remaining - reserve,
    background: false,
    requestId: context.awsRequestId,
  }
  const cut = new AbortController()
  const timer = setTimeout(() => cut.abort(), remaining - reserve / 2)
  const done = () => clearTimeout(timer)
  try {
    const response = await Promise.race([app.fetch(request, { platform }), rejectOn(cut.signal)])
    const body = chunks(response, cut.signal, done)
    // Its headers tell the client that the call is under way, so an event stream is not waited for.
    if (isEventStream(response)) return { response, body, shape }
    // Any other body that fails before its first byte still becomes a status.
    const first = await body.next()
    return { response, body: first.done ? body : prepend(first.value, body), shape }
  } catch (error) {
    done()
    log('no answer before the first byte', error)
    return refusal(cut.signal.aborted ? 504 : 500, shape)
  }
}

/**
 * The chunks of a body; none is asked for before the last was taken. Aborting ends an event stream
 * in good order, as its client can come back for the rest; any other body is incomplete and fails.
 */
async function* chunks(
  response: Response,
  signal: AbortSignal,
  onEnd: () => void,
): AsyncGenerator<Uint8Array, undefined> {
  const reader = response.body?.getReader()
  // Cancelling makes a read that is under way see the end of the body.
  const cancel = () => void reader?.cancel().catch(() => undefined)
  signal.addEventListener('abort', cancel)
  try {
    for (;;) {
      const read = await reader?.read()
      if (signal.aborted && !isEventStream(response)) throw signal.reason
      if (read === undefined || read.done) return
      yield read.value
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    onEnd()
    cancel()
  }
}

async function* prepend<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void> {
  yield first
  yield* rest
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true
}

type Failure = 400 | 500 | 504

const reasons: Readonly<Record<Failure, string>> = {
  400: 'Bad Request',
  500: 'Internal Server Error',
  504: 'Gateway Timeout',
}

/** The door's own refusals say no more than their status: nothing of a foreign error leaves. */
function refusal(status: Failure, shape: Shape): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  const body = (async function* () {
    yield Buffer.from(reasons[status])
  })()
  return { response: new Response(null, { status, headers }), body, shape }
}

function end(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()))
}

function logError(message: string, error?: unknown): void {
  console.error(message, error)
}

/** A clear error beats a handler that Lambda would call without a stream. */
function hostRuntime(): LambdaRuntime {
  const { awslambda } = globalThis as { awslambda?: Partial<LambdaRuntime> }
  if (awslambda?.streamifyResponse === undefined || awslambda.HttpResponseStream === undefined) {
    throw new Error(
      'lambda() runs in a Node runtime of AWS Lambda; elsewhere use serve() or fetch()',
    )
  }
  return awslambda as LambdaRuntime
}
