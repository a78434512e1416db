/** The 2026-07-28 side of the endpoint: stateless requests, each with everything it needs. */
import { MultiRoundTrip } from '../../client-requests/multi-round-trip.ts'
import type { MaybePromise } from '../../lib/maybe-promise.ts'
import { attempt, chain } from '../../lib/maybe-promise.ts'
import type { Result } from '../../protocol/call.ts'
import { code, invalidParams, McpError, methodNotFound } from '../../protocol/errors.ts'
import type { JsonRpcRequest, Params } from '../../protocol/jsonrpc.ts'
import { resultMessage } from '../../protocol/jsonrpc.ts'
import { METHODS } from '../../protocol/methods.ts'
import { writeResult } from '../../protocol/results.ts'
import { isLogLevel } from '../../protocol/types.ts'
import type { Server } from '../../server.ts'
import type { Answer } from '../call-stream.ts'
import { errorResponse, toAnswer } from '../call-stream.ts'
import type { Envelope } from '../classify.ts'
import { checkMethodHeaders, checkParamHeaders } from '../headers.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { META, toProgressToken } from '../meta.ts'
import { inputRequiredResult, openRequestState } from './input-required.ts'
import { listen } from './listen.ts'
import { ModernCall } from './modern-call.ts'

export function handleModern(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  envelope: Envelope,
): MaybePromise<Response> {
  return attempt(
    () => respond(server, incoming, request, envelope),
    (error) => {
      if (!(error instanceof McpError)) throw error
      // refused before its method began: a 404 for a method that is not there, else a 400 (A.10)
      const status = error.code === code.methodNotFound ? 404 : 400
      return errorResponse(status, request.id, error)
    },
  )
}

function respond(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  envelope: Envelope,
): MaybePromise<Response> {
  const { id, method, params = {} } = request
  const { headers } = incoming.request
  checkMethodHeaders(headers, method, params)
  if (method === 'tools/call') checkParamHeaders(headers, server, params)
  const { logLevel, progressToken } = readMeta(envelope.meta)
  if (method === 'subscriptions/listen') return listen(server, incoming, id, params)
  const row = METHODS.get(method)
  if (!row?.modern) throw methodNotFound(method)
  const run = row.modern
  const opened = row.asks ? openRequestState(server, incoming, method, params) : undefined
  return chain(opened, (rounds) => {
    const call = new ModernCall(server, incoming, request, envelope, {
      asks: row.asks === true,
      rounds,
      logLevel,
      progressToken,
    })
    return call.stream.respond([answer(call, run)], false)
  })
}

type Run = (call: ModernCall) => MaybePromise<Result>

function answer(call: ModernCall, run: Run): MaybePromise<Answer> {
  const { server } = call
  const { id } = call.message
  return attempt(
    () =>
      chain(
        chain(runOrSuspend(call, run), (result) =>
          result instanceof MultiRoundTrip
            ? inputRequiredResult(call, result)
            : writeResult(server, 'modern', result),
        ),
        (json) => ({ body: resultMessage(id, json), status: 200 }),
      ),
    (error) => toAnswer(server, 'modern', id, error),
  )
}

/** The method's result, or the questions that ended its run, whatever it did then. */
function runOrSuspend(call: ModernCall, run: Run): MaybePromise<Result | MultiRoundTrip> {
  const asked = () => (call.rounds?.suspended ? call.rounds : undefined)
  return attempt(
    () => chain(run(call), (result) => asked() ?? result),
    (error) => {
      const rounds = asked()
      if (rounds) return rounds
      throw error
    },
  )
}

function readMeta(meta: Params) {
  const level = meta[META.logLevel]
  if (level !== undefined && !isLogLevel(level)) {
    throw invalidParams(`params._meta["${META.logLevel}"] is no log level`)
  }
  return { logLevel: level, progressToken: toProgressToken(meta.progressToken) }
}
