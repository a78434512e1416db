/** The 2026-07-28 side of the endpoint: stateless requests, each with everything it needs. */
import type { Rounds } from '../asking/rounds.ts'
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

export async function handleModern(
  server: Server,
  incoming: Incoming,
  request: JsonRpcRequest,
  envelope: Envelope,
): Promise<Response> {
  const { method, id } = request
  const params = request.params ?? {}
  try {
    checkMethodHeaders(incoming.request.headers, method, params)
    if (method === 'tools/call') checkParamHeaders(incoming.request.headers, server, params)
    const { logLevel, progressToken } = readMeta(envelope.meta)
    if (method === 'subscriptions/listen') {
      return await listen(server, incoming, id, params)
    }
    const row = METHODS.get(method)
    if (!row?.modern) throw methodNotFound(method)
    const run = row.modern
    const rounds = row.asks ? await openRounds(server, incoming, method, params) : undefined
    const call = new ModernCall(server, incoming, request, envelope, {
      rounds,
      logLevel,
      progressToken,
    })
    const answer = async (): Promise<Answer> => {
      try {
        const result = await settle(rounds, () => run(call))
        const json =
          result === undefined && rounds
            ? await askBack(server, incoming, method, params, rounds)
            : writeResult(server, 'modern', result ?? {})
        return { body: resultMessage(id, json), status: 200 }
      } catch (error) {
        return toAnswer(server, 'modern', id, error)
      }
    }
    return await call.outlet.respond(
      answer().then((one) => [one]),
      false,
    )
  } catch (error) {
    if (!(error instanceof McpError)) throw error
    // refused before its method began: a 404 for a method that is not there, else a 400 (A.10)
    return errorResponse(error.code === code.methodNotFound ? 404 : 400, id, error)
  }
}

/** The handler's result; undefined when a question ended its run, whatever it did then. */
async function settle<T>(rounds: Rounds | undefined, run: () => T): Promise<T | undefined> {
  try {
    const result = await run()
    return rounds?.suspended ? undefined : result
  } catch (error) {
    if (rounds?.suspended) return undefined
    throw error
  }
}

function readMeta(meta: Params) {
  const level = meta[META.logLevel]
  if (level !== undefined && !isLogLevel(level)) {
    throw invalidParams(`params._meta["${META.logLevel}"] is no log level`)
  }
  return { logLevel: level, progressToken: toProgressToken(meta.progressToken) }
}
