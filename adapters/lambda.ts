/** Lambda handlers around an app: a handler that streams its response, and a handler for hosts that cannot stream. */
import { pipeline } from 'node:stream/promises'
import type { Platform, Store } from '../src/index.ts'
import type { BufferedReply, Head, Incoming, Shape } from './apigateway.ts'
import { parseEvent, toHead, toReply } from './apigateway.ts'
import { EnvironmentError } from './environment/variables.ts'
import type { Metrics, MetricsDetail } from './metrics.ts'
import { readMetrics } from './metrics.ts'

export type { BufferedReply, Head } from './apigateway.ts'
export { readAuth, readEnvironment, readStore } from './environment/lambda.ts'
export type { AuthEnvOptions } from './environment/oauth.ts'
export type { EnvironmentOptions, ServerOptions } from './environment/options.ts'
export { readServerOptions } from './environment/options.ts'
export type { Environment } from './environment/variables.ts'
export { EnvironmentError } from './environment/variables.ts'
export { type LambdaRunnerOptions, lambdaRunner } from './lambda-runner.ts'
export type { MetricsDetail } from './metrics.ts'
export type { SecretOptions } from './secret.ts'

/** The result of `createMcp()`, or any app that answers a web request, such as a Hono app. */
export interface App {
  /** Answers a web request. `env.platform` holds what the host knows about it. */
  fetch(request: Request, env: { platform: Platform }): Response | Promise<Response>
  /** The store of the sessions, which is checked at the start. An app without this member is not checked. */
  readonly store?: Pick<Store, 'processLocal' | 'stats'>
}

/** The part of Lambda's invocation context that this adapter reads. */
export interface LambdaContext {
  /** The id of the invocation, for the log. */
  readonly awsRequestId: string
  /** Milliseconds until Lambda ends the invocation. */
  getRemainingTimeInMillis(): number
}

/** The writable end that Lambda's Node runtime hands to a streaming handler. */
export type ResponseStream = NodeJS.WritableStream & {
  /** Sets the content type of a stream without {@link LambdaRuntime.HttpResponseStream}. */
  setContentType(type: string): void
}

/** A handler for response streaming, before `awslambda.streamifyResponse` has wrapped it. */
export type StreamingHandler = (
  event: unknown,
  stream: ResponseStream,
  context: LambdaContext,
) => Promise<void>

/** A handler that resolves to the whole response. */
export type BufferedHandler = (
  event: unknown,
  context: LambdaContext,
) => Promise<BufferedReply | undefined>

/** The global `awslambda` of Lambda's Node runtimes. */
export interface LambdaRuntime {
  /** Wraps a handler, so that Lambda calls it with a stream. */
  streamifyResponse(handler: StreamingHandler): StreamingHandler
  /** Puts status and headers in front of a stream. */
  readonly HttpResponseStream: {
    /** Returns a stream whose first write sends status and headers. */
    from(stream: ResponseStream, head: Head): ResponseStream
  }
}

/** Options of {@link lambda} and {@link bufferedLambda}. */
export interface LambdaOptions {
  /**
   * How long before Lambda's timeout the app's deadline is, in milliseconds. A response that has not
   * ended when half of the margin is left is ended here. The margin is never more than half of the
   * time that an invocation has.
   * @default 5000
   */
  margin?: number
  /** Receives failures of the app and of a body, and warnings at the start. @default console.error */
  log?: (message: string, error?: unknown) => void
  /**
   * Writes one line a request in CloudWatch's embedded metric format: `basic` for the function as a
   * whole, `tools` also by tool, era and status, or `off`. docs/operate.md names the metrics and their price.
   * @default the variable `MCP_METRICS`, or else `off`
   */
  metrics?: MetricsDetail
  /** Lambda's API for streaming. @default the global `awslambda` */
  runtime?: LambdaRuntime
}

/**
 * Creates a handler for response streaming: a REST API whose `responseTransferMode` is `STREAM`, or a
 * Function URL whose `InvokeMode` is `RESPONSE_STREAM`. The handler resolves when the last byte is
 * handed over, because Lambda may freeze the process right after.
 *
 * A server that keeps sessions in memory gets one warning in the log. When `MCP_TABLE` is set all the
 * same, this throws {@link EnvironmentError}: the table would stay unused.
 *
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', ...(await readEnvironment()) })
 * export const handler = lambda(mcp)
 */
export function lambda(app: App, options: LambdaOptions = {}): StreamingHandler {
  const { log = logError, runtime = hostRuntime() } = options
  checkStore(app, log)
  const metrics = readMetrics(process.env, app.store, options.metrics)
  return runtime.streamifyResponse(async (event, stream, context) => {
    const answer = await invoke(app, event, context, options, metrics)
    if (answer === undefined) return end(stream)
    const out = runtime.HttpResponseStream.from(stream, toHead(answer.response, answer.shape))
    // The runtime sends status and headers with the first write, even with an empty one.
    out.write('')
    let failure: { reason: unknown } | undefined
    const body = async function* () {
      try {
        yield* answer.body
      } catch (reason) {
        // An error inside the pipeline would destroy the upload, and with it the runtime process.
        failure = { reason }
      }
    }
    await pipeline(body, out, { end: false })
    if (failure === undefined) return end(out)
    log('the response body failed after it had begun', failure.reason)
    // The runtime reports this error in trailers, so that the host cuts the response and the client
    // sees that it is incomplete.
    throw new Error('The response body failed after it had begun')
  })
}

/**
 * Creates a handler for hosts that take a response as a whole: an ALB, an HTTP API, a REST API or
 * Function URL without streaming. An event stream arrives in one piece, when its call has ended.
 * Sessions in memory are treated as in {@link lambda}.
 */
export function bufferedLambda(app: App, options: LambdaOptions = {}): BufferedHandler {
  const { log = logError } = options
  checkStore(app, log)
  const metrics = readMetrics(process.env, app.store, options.metrics)
  return async (event, context) => {
    const answer = await invoke(app, event, context, options, metrics)
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

/** Sessions in memory are known to one instance only, and Lambda starts another one at any time. */
function checkStore({ store }: App, log: (message: string) => void): void {
  if (!store?.processLocal) return
  if (process.env.MCP_TABLE) {
    throw new EnvironmentError(
      'MCP_TABLE is set, but the server keeps its sessions in memory: spread `await readEnvironment()` into the options of createMcp(), or pass it a store',
    )
  }
  log(
    'Sessions are kept in the memory of this instance, so other instances do not know them: set MCP_TABLE to the name of a DynamoDB table, and spread `await readEnvironment()` into the options of createMcp()',
  )
}

interface Answer {
  readonly response: Response
  readonly body: AsyncIterable<Uint8Array>
  readonly shape: Shape
}

/**
 * Passes an event to the app and returns its response. Even if the app hangs, the response ends before
 * Lambda's timeout. Returns undefined for an event that is not HTTP.
 */
async function invoke(
  app: App,
  event: unknown,
  context: LambdaContext,
  { margin = 5000, log = logError }: LambdaOptions,
  metrics?: Metrics,
): Promise<Answer | undefined> {
  let incoming: Incoming | undefined
  try {
    incoming = parseEvent(event)
  } catch {
    // The web API refuses a header or the URL, so the request is malformed.
    return refusal(400, 'rest')
  }
  if (incoming === undefined) return undefined
  const { request, shape } = incoming
  const measured = metrics?.(context.awsRequestId)
  const remaining = context.getRemainingTimeInMillis()
  const reserve = Math.min(margin, remaining / 2)
  const platform: Platform = {
    ...incoming.platform,
    deadline: Date.now() + remaining - reserve,
    background: false,
    // A call that waits costs as much as one that works.
    suspendAfter: 2_000,
    requestId: context.awsRequestId,
    ...(measured && { observer: measured }),
  }
  const cut = new AbortController()
  const timer = setTimeout(() => cut.abort(), remaining - reserve / 2)
  const done = () => clearTimeout(timer)
  try {
    const response = await Promise.race([app.fetch(request, { platform }), rejectOn(cut.signal)])
    const stream = isEventStream(response)
    const body = chunks(response, cut.signal, () => {
      done()
      measured?.end({ status: response.status, stream })
    })
    // The headers of an event stream are sent at once: they tell the client that the call runs.
    if (stream) return { response, body, shape }
    // Any other body is awaited up to its first byte, so that an early failure still becomes a status.
    const first = await body.next()
    return { response, body: first.done ? body : prepend(first.value, body), shape }
  } catch (error) {
    done()
    log('no answer before the first byte', error)
    const status = cut.signal.aborted ? 504 : 500
    measured?.end({ status, stream: false })
    return refusal(status, shape)
  }
}

/**
 * Yields the chunks of a body, each read only when the one before was taken. An abort ends an event
 * stream normally, because its client can come back for the rest. Any other body would be incomplete,
 * so the abort makes it fail.
 */
async function* chunks(
  response: Response,
  signal: AbortSignal,
  onEnd: () => void,
): AsyncGenerator<Uint8Array, undefined> {
  const reader = response.body?.getReader()
  // After cancel(), a read that is under way sees the end of the body.
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
const REASONS: Readonly<Record<Failure, string>> = {
  400: 'Bad Request',
  500: 'Internal Server Error',
  504: 'Gateway Timeout',
}

/** Creates a response of the adapter itself. It contains only the status, and nothing of an error's message. */
function refusal(status: Failure, shape: Shape): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  const body = (async function* () {
    yield Buffer.from(REASONS[status])
  })()
  return { response: new Response(null, { status, headers }), body, shape }
}

function end(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()))
}

function logError(...entry: [message: string, error?: unknown]): void {
  console.error(...entry)
}

/** Throws at the start, where the mistake is easy to see; otherwise Lambda would call the handler without a stream. */
function hostRuntime(): LambdaRuntime {
  const { awslambda } = globalThis as { awslambda?: Partial<LambdaRuntime> }
  if (awslambda?.streamifyResponse === undefined || awslambda.HttpResponseStream === undefined) {
    throw new Error(
      'lambda() runs in a Node runtime of AWS Lambda; elsewhere use serve() or fetch()',
    )
  }
  return awslambda as LambdaRuntime
}
