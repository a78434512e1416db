/** POST of 2026-07-28: stateless requests, each with everything that it needs. */
import { Cancellation, Cancelled } from '../../handlers/cancellation.ts'
import type { Catalog } from '../../handlers/registry.ts'
import { lazyImport } from '../../lib/lazy-import.ts'
import { invalidParams, McpError, methodNotFound } from '../../protocol/errors.ts'
import type { JsonRpcRequest, Params } from '../../protocol/jsonrpc.ts'
import { methodRow } from '../../protocol/methods.ts'
import { isLogLevel } from '../../protocol/types.ts'
import type { Server } from '../../server.ts'
import type { Envelope } from '../classify.ts'
import { respond } from '../dispatch.ts'
import { checkMethodHeaders, checkParamHeaders } from '../headers.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { META, toProgressToken } from '../meta.ts'
import { observedResponse } from '../observe.ts'
import { errorResponse } from '../responses.ts'
import { statusOfRefusal } from '../status.ts'
import { ModernCall } from './modern-call.ts'

// Most clients only call tools: the code for the rest is loaded when a request needs it.
const inputRequired = lazyImport(() => import('./input-required.ts'))
// On most servers everything exists for every caller.
const catalogs = lazyImport(() => import('../catalog.ts'))
const subscriptions = lazyImport(() => import('./listen.ts'))

export async function handleModernPost(
  server: Server,
  incoming: IncomingRequest,
  request: JsonRpcRequest,
  envelope: Envelope,
): Promise<Response> {
  try {
    return await handleRequest(server, incoming, request, envelope)
  } catch (error) {
    if (!(error instanceof McpError)) throw error
    return errorResponse(statusOfRefusal(error), request.id, error)
  }
}

async function handleRequest(
  server: Server,
  incoming: IncomingRequest,
  given: JsonRpcRequest,
  envelope: Envelope,
): Promise<Response> {
  const { method, params = {} } = given
  const { headers } = incoming.request
  checkMethodHeaders(headers, method, params)
  const registry: Catalog =
    server.registry.selective.size > 0
      ? await (await catalogs()).modernCatalog(server, incoming, given, envelope)
      : server.registry
  if (method === 'tools/call') checkParamHeaders(headers, registry, params)
  const request = registry.unwrap?.(given) ?? given
  const meta = readMeta(envelope.meta)
  if (method === 'subscriptions/listen') {
    return observedResponse(server, incoming, request, async () =>
      (await subscriptions()).listen(server, incoming, request, envelope),
    )
  }
  const row = methodRow(server, method)
  if (!row?.modern) throw methodNotFound(method)
  const asks = row.asks === true
  const hasRounds = asks && (params.requestState ?? params.inputResponses) !== undefined
  const rounds = hasRounds
    ? await (await inputRequired()).openRequestState(server, incoming, request)
    : undefined
  // A closed connection is the only cancellation of this revision (C8), where the platform reports it.
  const cancellation = new Cancellation((abort) => {
    // Read here and not above: on Node, the first read of `signal` makes a whole `Request`, a fifth of a call's CPU time.
    const { signal } = incoming.request
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
  return respond({
    server,
    incoming,
    batch: false,
    stream: {
      onGone: () => cancellation.abort(new Cancelled('The client closed the connection')),
    },
    createCalls: (stream) => [
      new ModernCall({
        server,
        registry,
        incoming,
        request,
        envelope,
        stream,
        cancellation,
        asks,
        rounds,
        ...meta,
      }),
    ],
  })
}

function readMeta(meta: Params) {
  const level = meta[META.logLevel]
  if (level !== undefined && !isLogLevel(level)) {
    throw invalidParams(`params._meta["${META.logLevel}"] is not a log level`)
  }
  return { logLevel: level, progressToken: toProgressToken(meta.progressToken) }
}
