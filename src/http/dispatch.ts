/** From calls to their response: the methods run, and each result or exception becomes a message. */
import { AuthError } from '../auth/auth.ts'
import { Suspended } from '../client-requests/client-request.ts'
import { Cancelled } from '../handlers/cancellation.ts'
import { HandlerFailure } from '../handlers/failure.ts'
import { logInternal } from '../handlers/internal-error.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call, ModernMethodCall } from '../protocol/call.ts'
import { code, errorMessage, McpError } from '../protocol/errors.ts'
import { resultMessage } from '../protocol/jsonrpc.ts'
import { runMethod } from '../protocol/methods.ts'
import type { Server } from '../server.ts'
import { StoreUnavailable } from '../state/store.ts'
import type { Answer, CallStreamOptions } from './call-stream.ts'
import { CallStream } from './call-stream.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { isObserved, observedCall } from './observe.ts'
import { busyError } from './responses.ts'
import * as status from './status.ts'

export interface RespondOptions {
  readonly server: Server
  readonly incoming: IncomingRequest
  readonly batch: boolean
  /** What the era adds to the stream: resumability (2025), cancellation by a closed connection (2026). */
  readonly stream: Omit<CallStreamOptions, 'accepts' | 'keepAlive' | 'drain' | 'onLost'>
  createCalls(stream: CallStream): readonly Call[]
}

/** Runs the calls of one POST on one stream. Both eras reply through this function. */
export function respond(options: RespondOptions): MaybePromise<Response> {
  const { server, incoming, batch } = options
  let calls: readonly Call[] = []
  const stream = new CallStream({
    accepts: incoming.accepts,
    keepAlive: server.limits.keepAlive,
    drain: server.limits.drain,
    onLost() {
      for (const { cancellation } of calls) {
        cancellation.abort(new Cancelled('Another instance has ended the call'))
      }
    },
    ...options.stream,
  })
  const answers: MaybePromise<Answer>[] = []
  calls = options.createCalls(stream)
  const observed = isObserved(server, incoming.platform)
  for (const call of calls) {
    answers.push(observed ? observedCall(incoming, call, () => dispatch(call)) : dispatch(call))
  }
  return stream.respond(answers, batch)
}

/**
 * Answers a call. With `callTool`, this is the one place that stays synchronous where the tool does: a
 * call that ends within its turn needs no timer, no stream and no promise for its reply, which saves a
 * tenth of its CPU time. Everything else is async.
 */
function dispatch(call: Call): MaybePromise<Answer> {
  try {
    const result = runMethod(call)
    if (result instanceof Promise) return answerLater(call, result)
    call.close()
    return toAnswer(call, result)
  } catch (error) {
    call.close()
    return toErrorAnswer(call, error)
  }
}

async function answerLater(call: Call, running: Promise<string>): Promise<Answer> {
  let result = ''
  try {
    result = await running
  } catch (error) {
    if (!isSuspended(call)) return toErrorAnswer(call, error)
  } finally {
    call.close()
  }
  return isSuspended(call) ? answerSuspended(call) : toAnswer(call, result)
}

/** A request to the client ends the run of a handler, also when the handler catches that and goes on (A.5). */
function isSuspended(call: Call): call is ModernMethodCall {
  return call.era === 'modern' && call.suspended
}

async function answerSuspended(call: ModernMethodCall): Promise<Answer> {
  try {
    return toAnswer(call, await call.inputRequiredResult())
  } catch (error) {
    return toErrorAnswer(call, error)
  }
}

function toAnswer(call: Call, result: string): Answer {
  return { body: resultMessage(call.id, result), status: status.OK }
}

/** An exception of a method as its answer. A refused caller is thrown on: the challenge is part of the response. */
function toErrorAnswer(call: Call, error: unknown): Answer {
  if (error instanceof AuthError) throw error
  if (error instanceof Cancelled) return { body: undefined, status: status.ACCEPTED }
  if (error instanceof Suspended) {
    return { body: undefined, status: status.ACCEPTED, suspended: true }
  }
  const answer = (mcpError: McpError, statusCode: number): Answer => ({
    body: errorMessage(call.id, mcpError),
    status: statusCode,
    error: String(mcpError.code),
    retryAfter: (mcpError.data as { retryAfter?: number } | undefined)?.retryAfter,
  })
  if (error instanceof McpError) return answer(error, status.statusOfError(call.era, error))
  if (error instanceof HandlerFailure) {
    return answer(new McpError(code.internal, error.message), status.OK)
  }
  if (error instanceof StoreUnavailable) return answer(busyError(), status.UNAVAILABLE)
  const message = logInternal(call.server, 'a method threw', error)
  return answer(new McpError(code.internal, message), status.INTERNAL)
}
