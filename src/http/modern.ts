/** The 2026-07-28 side of the endpoint: stateless requests, each with everything it needs. */
import { Rounds } from '../asking/rounds.ts'
import type { Awaitable } from '../awaitable.ts'
import { attempt, chain } from '../awaitable.ts'
import type { Result } from '../protocol/call.ts'
import { code, invalidParams, McpError, methodNotFound } from '../protocol/errors.ts'
import type { JsonRpcRequest, Params } from '../protocol/jsonrpc.ts'
import { resultMessage } from '../protocol/jsonrpc.ts'
import { METHODS } from '../protocol/methods.ts'
import { writeResult } from '../protocol/results.ts'
import { isLogLevel } from '../protocol/types.ts'
import type { Server } from '../server.ts'
import type { Envelope } from './classify.ts'
import { checkMethodHeaders, checkParamHeaders } from './headers.ts'
import type { Incoming } from './incoming.ts'
import { listen } from './listen.ts'
import { META, toProgressToken } from './meta.ts'
import { ModernCall } from './modern-call.ts'
import type { Answer } from './reply.ts'
import { errorResponse, toAnswer } from './reply.ts'
import { askBack, openRounds } from './rounds.ts'

export function handleModern(
  server: Server,
  incoming: Incoming,
  request: JsonRpcRequest,
  envelope: Envelope,
): Awaitable<Response> {
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
  incoming: Incoming,
  request: JsonRpcRequest,
  envelope: Envelope,
): Awaitable<Response> {
  const { id, method, params = {} } = request
  const { headers } = incoming.request
  checkMethodHeaders(headers, method, params)
  if (method === 'tools/call') checkParamHeaders(headers, server, params)
  const { logLevel, progressToken } = readMeta(envelope.meta)
  if (method === 'subscriptions/listen') return listen(server, incoming, id, params)
  const row = METHODS.get(method)
  if (!row?.modern) throw methodNotFound(method)
  const run = row.modern
  const opened = row.asks ? openRounds(server, incoming, method, params) : undefined
  return chain(opened, (rounds) => {
    const call = new ModernCall(server, incoming, request, envelope, {
      asks: row.asks === true,
      rounds,
      logLevel,
      progressToken,
    })
    return call.outlet.respond([answer(call, run)], false)
  })
}

type Run = (call: ModernCall) => Awaitable<Result>

function answer(call: ModernCall, run: Run): Awaitable<Answer> {
  const { server } = call
  const { id } = call.message
  return attempt(
    () =>
      chain(
        chain(settle(call, run), (result) =>
          result instanceof Rounds ? askBack(call, result) : writeResult(server, 'modern', result),
        ),
        (json) => ({ body: resultMessage(id, json), status: 200 }),
      ),
    (error) => toAnswer(server, 'modern', id, error),
  )
}

/** The method's result, or the questions that ended its run, whatever it did then. */
function settle(call: ModernCall, run: Run): Awaitable<Result | Rounds> {
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
