/** Every route of the endpoint, and what a request meets on its way: guard, authorization, era. */
import type { HonoRequest } from 'hono'
import { Hono } from 'hono'
import type { Auth, AuthRoute, Platform, Principal } from './auth/auth.ts'
import { AuthError, AuthUnavailable } from './auth/auth.ts'
import { describe, logInternal } from './handlers/run-handler.ts'
import {
  accepted,
  errorResponse,
  jsonResponse,
  methodNotAllowed,
  parseAccept,
} from './http/call-stream.ts'
import { classify } from './http/classify.ts'
import type { Guard } from './http/host-origin.ts'
import type { IncomingRequest } from './http/incoming-request.ts'
import { RequestRecord } from './http/incoming-request.ts'
import { fingerprint } from './lib/digest.ts'
import { lazyImport } from './lib/lazy-import.ts'
import type { MaybePromise } from './lib/maybe-promise.ts'
import { attempt, chain } from './lib/maybe-promise.ts'
import { clip, code, errorMessage, invalidRequest, McpError } from './protocol/errors.ts'
import type { JsonRpcNotification } from './protocol/jsonrpc.ts'
import type { Server } from './server.ts'
import { StoreUnavailable, ValueTooLarge } from './state/store.ts'

/** What a door may pass along with a request, as Hono bindings. */
export interface Bindings {
  platform?: Platform
}

// a cold start serves one client first: the code of an era is read when a client of it comes
const legacy = lazyImport(() => import('./http/legacy/post.ts'))
const modern = lazyImport(() => import('./http/modern/post.ts'))
const streams = lazyImport(() => import('./http/legacy/get.ts'))

/**
 * Reads all of it at once, for a host that lives long: no client waits for it then, and a server whose
 * files are replaced, or that has no file handle left, answers on. What fails is told when it is needed.
 */
export async function preload(): Promise<void> {
  await Promise.allSettled([legacy(), modern(), streams()])
}

type Handler = (server: Server, incoming: IncomingRequest) => MaybePromise<Response>

export function createApp(
  server: Server,
  options: { path: string; guard: Guard; auth: Auth | undefined; logRequests: boolean },
): Hono<{ Bindings: Bindings }> {
  const { path, guard, auth, logRequests } = options

  /** Guard, then authorization, and only then anything of the protocol. */
  function enter(req: HonoRequest, platform: Platform, handle: Handler): MaybePromise<Response> {
    const { raw: request } = req
    const startedAt = logRequests ? server.clock() : 0
    const record = new RequestRecord()
    const { headers } = request
    const origin = headers.get('origin')
    const leave = (response: Response) => {
      if (logRequests) logRequest(server, request, platform, response.status, startedAt, record)
      return guard.applyCors(origin, response)
    }
    const refusal = guard.check(request, origin, platform)
    if (refusal) return leave(refusal)
    const admit = (principal: Principal | undefined) => {
      if (principal) record.principal = principal.id
      const accepts = parseAccept(headers.get('accept'))
      const version = headers.get('mcp-protocol-version')
      return handle(server, { request, req, accepts, version, principal, platform, record })
    }
    const answered = attempt<Response, Response>(
      // whatever has then() is waited for: taken for a principal, it would let everybody in
      () => chain(auth && Promise.resolve(auth.verify(request, platform)), admit),
      (error) => {
        const refused = error instanceof AuthError && auth
        return refused ? auth.challenge(error, platform) : toErrorResponse(server, error)
      },
    )
    return chain(answered, leave)
  }

  const open =
    (handle: AuthRoute['handle']) => async (c: { req: { raw: Request }; env?: Bindings }) => {
      try {
        return await handle(c.req.raw, c.env?.platform ?? {})
      } catch (error) {
        return toErrorResponse(server, error)
      }
    }

  const verbs = new Map<string, Handler>([
    ['POST', (_, incoming) => handlePost(server, guard, incoming)],
    ['GET', async (...call) => (await streams()).handleGet(...call)],
    ['DELETE', async (...call) => (await legacy()).handleDelete(...call)],
  ])
  const app = new Hono<{ Bindings: Bindings }>()
  // one route for all verbs: where two routes match, Hono composes them anew at every request
  app.all(path, ({ req, env }) => {
    const { raw } = req
    const platform = env?.platform ?? {}
    if (raw.method === 'OPTIONS') return guard.preflight(raw, platform)
    const handle = verbs.get(raw.method)
    return handle ? enter(req, platform, handle) : methodNotAllowed(server)
  })
  for (const { method, path: at, handle } of auth?.routes ?? []) {
    app.on(method, at, open(handle))
    app.options(at, (c) => guard.openPreflight(c.req.raw))
  }
  return app
}

function handlePost(
  server: Server,
  guard: Guard,
  incoming: IncomingRequest,
): MaybePromise<Response> {
  const { request, req, accepts, platform } = incoming
  if (!accepts.json && !accepts.stream) {
    const why = 'Accept must allow application/json or text/event-stream'
    return errorResponse(406, null, invalidRequest(why))
  }
  return guard
    .readJson(request, platform, req)
    .then((body) => (body instanceof Response ? body : handleBody(server, incoming, body)))
}

function handleBody(
  server: Server,
  incoming: IncomingRequest,
  body: unknown,
): MaybePromise<Response> {
  const { version, record } = incoming
  const found = classify(body, version)
  switch (found.kind) {
    case 'refused':
      return errorResponse(400, found.id, found.error)
    case 'modern-notification':
      // the revision defines none for a client to send over HTTP (A.2): nothing to do, and no error
      return accepted()
    case 'modern': {
      const { request: message, envelope } = found
      record.era = 'modern'
      record.revision = envelope.revision
      noteCall(record, message)
      return chain(modern(), (era) => era.handleModern(server, incoming, message, envelope))
    }
    case 'legacy': {
      const [first] = found.messages
      record.era = 'legacy'
      if (first && first.kind !== 'response') noteCall(record, first.message)
      return chain(legacy(), (era) => era.handleLegacyPost(server, incoming, found))
    }
  }
}

/** For the log: names, which are the client's words, and no longer than ours would be. */
function noteCall(record: RequestRecord, { method, params }: JsonRpcNotification): void {
  record.method = clip(method)
  const tool = params?.name
  if (method === 'tools/call' && typeof tool === 'string') record.tool = clip(tool)
}

/** What no method answered for. A store that is busy is never reported as a session that is gone. */
function toErrorResponse(server: Server, error: unknown): Response {
  if (error instanceof StoreUnavailable) {
    const busy = new McpError(code.internal, 'The server is busy: try again shortly')
    return jsonResponse(errorMessage(null, busy), 503)
  }
  if (error instanceof ValueTooLarge) {
    return errorResponse(413, null, invalidRequest('the message is larger than the store can keep'))
  }
  if (error instanceof AuthUnavailable) {
    server.log({ level: 'warn', message: error.message, error: describe(error.cause) })
    const response = errorResponse(503, null, new McpError(code.internal, error.message))
    response.headers.set('retry-after', String(error.retryAfter))
    return response
  }
  const why = logInternal(server, 'a request failed', error)
  return errorResponse(500, null, new McpError(code.internal, why))
}

function logRequest(
  server: Server,
  request: Request,
  platform: Platform,
  status: number,
  startedAt: number,
  { session, ...record }: RequestRecord,
): void {
  server.log({
    level: 'info',
    message: 'request',
    requestId: platform.requestId ?? crypto.randomUUID(),
    verb: request.method,
    ...record,
    ...(typeof session === 'string' && { session: shortHash(session) }),
    status,
    durationMs: server.clock() - startedAt,
  })
}

/** 32 bits are enough to follow one session through a log, and too few to tell its id from. */
function shortHash(value: string): string {
  return fingerprint(value).toString(16).padStart(8, '0')
}
