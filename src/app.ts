/** Every route of the endpoint, and the order in which a request is checked: host and origin, authorization, era. */
import type { HonoRequest } from 'hono'
import { Hono } from 'hono'
import type { Auth, AuthRoute, Platform } from './auth/auth.ts'
import { AuthError } from './auth/auth.ts'
import { parseAccept } from './http/accept.ts'
import type { BodyOptions, ReadJson } from './http/body.ts'
import { createBodyReader } from './http/body.ts'
import { classify } from './http/classify.ts'
import { applyCors } from './http/cors.ts'
import type { HostOriginOptions } from './http/host-origin.ts'
import { createHostOrigin } from './http/host-origin.ts'
import type { IncomingRequest } from './http/incoming-request.ts'
import { ownerOf } from './http/incoming-request.ts'
import { isObserved, tellRequest } from './http/observe.ts'
import type { Page } from './http/page.ts'
import { logRequest, RequestRecord } from './http/request-log.ts'
import { accepted, errorResponse, exceptionResponse, methodNotAllowed } from './http/responses.ts'
import * as status from './http/status.ts'
import { importAll, lazyImport } from './lib/lazy-import.ts'
import { invalidRequest } from './protocol/errors.ts'
import type { Server } from './server.ts'

/** What an adapter passes along with a request, as Hono bindings. */
export interface Bindings {
  platform?: Platform
}

// A cold start serves one client first: the code of an era is loaded with the first client of it.
const legacy = lazyImport(() => import('./http/legacy/post.ts'))
const legacyGet = lazyImport(() => import('./http/legacy/get.ts'))
const modern = lazyImport(() => import('./http/modern/post.ts'))
const preflight = lazyImport(() => import('./http/preflight.ts'))

/**
 * Loads all code that is otherwise loaded at its first use, for a process that lives long: no client waits
 * for it then, and a server whose files are replaced, or that has no file handle left, still answers.
 * Never rejects: a failure is reported by the request that needs the code.
 *
 * @example
 * server.listen(3000)
 * await preload()
 */
export async function preload(): Promise<void> {
  await importAll()
}

export interface AppOptions {
  path: string
  auth: Auth | undefined
  logRequests: boolean
  checks: HostOriginOptions & BodyOptions & { page?: Page }
}

export function createApp(server: Server, options: AppOptions): Hono<{ Bindings: Bindings }> {
  const { path, auth, logRequests, checks } = options
  const { page } = checks
  const hostOrigin = createHostOrigin(checks)
  const readJson = createBodyReader(checks)

  async function handleRequest(req: HonoRequest, platform: Platform): Promise<Response> {
    const { raw: request } = req
    const observed = isObserved(server, platform)
    const startedAt = logRequests || observed ? server.clock() : 0
    const record = new RequestRecord()
    const origin = request.headers.get('origin')
    const response =
      hostOrigin.refusal(request, origin, platform) ??
      ((request.method === 'GET' && (await page?.respond(request, platform, auth))) ||
        (await authorize(req, platform, record)))
    if (logRequests || observed) {
      const answered = { request, platform, status: response.status, startedAt, record }
      if (logRequests) logRequest(server, answered)
      if (observed) await tellRequest(server, answered)
    }
    return applyCors(response, origin, hostOrigin.isAllowedOrigin)
  }

  async function authorize(
    req: HonoRequest,
    platform: Platform,
    record: RequestRecord,
  ): Promise<Response> {
    const { raw: request } = req
    const { headers } = request
    try {
      // `verify` may return a thenable that is not a Promise: `await` keeps it from being taken for a principal.
      const principal = auth && (await auth.verify(request, platform))
      if (principal) record.principal = principal.id
      const accepts = parseAccept(headers.get('accept'))
      const version = headers.get('mcp-protocol-version')
      const owner = ownerOf(principal)
      const incoming = { request, req, accepts, version, principal, owner, platform, record }
      if (request.method === 'POST') return await handlePost(server, readJson, incoming)
      if (request.method === 'GET') return await (await legacyGet()).handleGet(server, incoming)
      return await (await legacy()).handleDelete(server, incoming)
    } catch (error) {
      if (auth && error instanceof AuthError) return auth.challenge(error, platform)
      return exceptionResponse(server, error)
    }
  }

  async function answerPreflight(request: Request, origin: string | null): Promise<Response> {
    const response = (await preflight()).preflightResponse(request)
    return applyCors(response, origin, hostOrigin.isAllowedOrigin)
  }

  const publicRoute =
    (handle: AuthRoute['handle']) => async (c: { req: { raw: Request }; env?: Bindings }) => {
      try {
        return await handle(c.req.raw, c.env?.platform ?? {})
      } catch (error) {
        return exceptionResponse(server, error)
      }
    }

  const app = new Hono<{ Bindings: Bindings }>()
  // One route for all HTTP methods: Hono composes its handlers anew at every request that matches two routes.
  app.all(path, (c) => {
    const { req, env } = c
    const { raw: request } = req
    if (!isSpelledAs(path, request.url)) return c.notFound()
    const platform = env?.platform ?? {}
    switch (request.method) {
      case 'POST':
      case 'GET':
      case 'DELETE':
        return handleRequest(req, platform)
      case 'OPTIONS': {
        const origin = request.headers.get('origin')
        const refusal = hostOrigin.refusal(request, origin, platform)
        return refusal ?? answerPreflight(request, origin)
      }
      default:
        return methodNotAllowed(server)
    }
  })
  for (const { method, path: at, handle } of auth?.routes ?? []) {
    app.on(method, at, publicRoute(handle))
    app.options(at, async (c) => (await preflight()).publicPreflightResponse(c.req.raw))
  }
  return app
}

/**
 * Hono decodes a path before it matches: `/%6dcp` would reach `/mcp`, past a proxy that protects only the
 * plain path. A path with variables or wildcards matches any spelling.
 */
function isSpelledAs(path: string, url: string): boolean {
  const encoded = url.indexOf('%')
  if (encoded < 0) return true
  const query = url.indexOf('?')
  if ((query >= 0 && query < encoded) || /[:*]/.test(path)) return true
  const { pathname } = new URL(url)
  return pathname.endsWith(path) || pathname.endsWith(encodeURI(path))
}

async function handlePost(
  server: Server,
  readJson: ReadJson,
  incoming: IncomingRequest,
): Promise<Response> {
  const { request, req, accepts, platform, version, record } = incoming
  if (!accepts.json && !accepts.stream) {
    const why = 'Accept must allow application/json or text/event-stream'
    return errorResponse(status.NOT_ACCEPTABLE, null, invalidRequest(why))
  }
  const body = await readJson(request, platform, req)
  if (body instanceof Response) return body
  const found = classify(body, version)
  switch (found.kind) {
    case 'refused':
      return errorResponse(status.BAD_REQUEST, found.id, found.error)
    case 'modern-notification':
      // 2026-07-28 defines no notification that a client sends over HTTP (A.2): it is ignored, without an error.
      return accepted()
    case 'modern': {
      record.era = 'modern'
      record.revision = found.envelope.revision
      record.noteMethod(found.request)
      return (await modern()).handleModernPost(server, incoming, found.request, found.envelope)
    }
    case 'legacy': {
      const [first] = found.messages
      record.era = 'legacy'
      if (first && first.kind !== 'response') record.noteMethod(first.message)
      return (await legacy()).handleLegacyPost(server, incoming, found)
    }
  }
}
