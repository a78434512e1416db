/** What a request must be before anybody reads it: from an allowed origin, to an allowed host, of the right kind and size. */
import type { Platform } from '../auth/auth.ts'
import { code, invalidRequest, McpError, parseError } from '../protocol/errors.ts'
import { nestsDeeper } from '../protocol/jsonrpc.ts'
import { errorResponse } from './call-stream.ts'

/** What a request must be before anything reads it. */
export interface GuardOptions {
  /** Host names this server answers to, with or without port; `*` for any. @default the names of this machine's loopback */
  allowedHosts?: readonly string[] | undefined
  /** Origins of web pages that may call; `*` for any. @default pages on this machine's loopback, any port */
  allowedOrigins?: readonly string[] | undefined
  /** Bytes of a body. @default 4 MiB */
  bodyLimit?: number | undefined
  /** Levels of arrays and objects in a body. @default 100 */
  depthLimit?: number | undefined
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const METHODS = 'POST, GET, DELETE, OPTIONS'
const EXPOSED = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'
const ALLOWED_HEADERS =
  'Content-Type, Accept, Authorization, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID'

/** Messages are UTF-8 (B6): what is not is refused, not mended. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

export interface Guard {
  /** A refusal, or undefined for a request that may go on (B2, B3, C2). */
  check(request: Request, origin: string | null, platform: Platform): Response | undefined
  /** The answer to a preflight. */
  preflight(request: Request, platform: Platform): Response
  /** The same for documents that any page may read. */
  openPreflight(request: Request): Response
  /** Lets the page that asked read the answer. */
  applyCors(origin: string | null, response: Response): Response
  /** The body as a JSON value, or the response that refuses it; `read` remembers one that was read before. */
  readJson(
    request: Request,
    platform: Platform,
    read: Pick<Request, 'arrayBuffer'>,
  ): Promise<unknown>
}

export function createGuard(options: GuardOptions = {}): Guard {
  const {
    allowedHosts = LOOPBACK,
    allowedOrigins,
    bodyLimit = 4 * 1024 * 1024,
    depthLimit = 100,
  } = options
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()))
  const anyHost = hosts.has('*')
  const origins = allowedOrigins && new Set(allowedOrigins)

  let lastAllowed: string | undefined // nearly every request names the host that the last one named
  function hostAllowed(host: string): boolean {
    if (host === lastAllowed) return true
    const allowed = anyHost || hosts.has(host.toLowerCase()) || hosts.has(withoutPort(host))
    if (allowed) lastAllowed = host
    return allowed
  }

  function originAllowed(origin: string): boolean {
    if (origins) return origins.has('*') || origins.has(origin)
    return URL.canParse(origin) && LOOPBACK.includes(new URL(origin).hostname)
  }

  function check(
    { headers, url }: Request,
    origin: string | null,
    platform: Platform,
  ): Response | undefined {
    // a Request made without a server has no Host header, its URL says the same; and a host that
    // knows its own public URL has found us by it
    const host = headers.get('host') ?? new URL(url).host
    if (platform.baseUrl === undefined && !hostAllowed(host))
      return forbidden('Host not allowed: see the option allowedHosts')
    if (origin !== null && !originAllowed(origin)) {
      return forbidden('Origin not allowed: see the option allowedOrigins')
    }
    return undefined
  }

  function readJson(
    request: Request,
    { rawBody }: Platform,
    read: Pick<Request, 'arrayBuffer'>,
  ): Promise<unknown> {
    if (!isJson(request.headers.get('content-type'))) {
      const why = 'Content-Type must be application/json'
      return Promise.resolve(refuse(415, invalidRequest(why)))
    }
    const bytes =
      (rawBody?.request === request && rawBody.body(bodyLimit)) || readBody(request, bodyLimit)
    // where an app in front has read it, Hono remembers what it was; one cut off on the way is none
    return bytes.then(parse, () => read.arrayBuffer().then(parse, () => refuse(400, parseError())))
  }

  function parse(bytes: Bytes | undefined): unknown {
    if (!bytes || bytes.byteLength > bodyLimit) {
      return refuse(413, invalidRequest(`the body is larger than ${bodyLimit} bytes`))
    }
    try {
      const text = utf8.decode(bytes)
      if (nestsDeeper(text, depthLimit)) {
        return refuse(400, invalidRequest(`the body nests deeper than ${depthLimit} levels`))
      }
      return JSON.parse(text)
    } catch {
      return refuse(400, parseError())
    }
  }

  return {
    check,
    readJson,
    preflight(request, platform) {
      const origin = request.headers.get('origin')
      return check(request, origin, platform) ?? this.applyCors(origin, allowing(request))
    },
    openPreflight(request) {
      const response = allowing(request)
      response.headers.set('access-control-allow-origin', '*')
      return response
    },
    applyCors(origin, response) {
      if (origin === null) return response
      response.headers.append('vary', 'Origin')
      // a page that was refused does not even read that it was
      if (!originAllowed(origin)) return response
      response.headers.set('access-control-allow-origin', origin)
      response.headers.set('access-control-expose-headers', EXPOSED)
      return response
    },
  }
}

function allowing({ headers }: Request): Response {
  // parameters of tools travel in headers whose names only their tools know (A.2)
  const asked = headers.get('access-control-request-headers') ?? ALLOWED_HEADERS
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': asked,
      'access-control-max-age': '7200',
      allow: METHODS,
    },
  })
}

function refuse(status: number, error: McpError): Response {
  return errorResponse(status, null, error)
}

const forbidden = (why: string) => errorResponse(403, null, new McpError(code.invalidRequest, why))

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}

function isJson(contentType: string | null): boolean {
  return contentType === 'application/json' || /^application\/json\s*(;|$)/i.test(contentType ?? '')
}

type Bytes = Uint8Array | ArrayBuffer

/** A body, read no further than it may go; undefined when it goes further. */
async function readBody(request: Request, limit: number): Promise<Bytes | undefined> {
  const announced = request.headers.get('content-length')
  if (Number(announced) > limit) return undefined
  // whole where its length is known: a reader costs twice as much
  if (announced !== null && /^\d+$/.test(announced)) return request.arrayBuffer()
  const chunks: Uint8Array[] = []
  let length = 0
  // not cancelled at the end of the loop: that would wait for whoever holds a clone, who may never read it
  for await (const chunk of request.body?.values({ preventCancel: true }) ?? []) {
    length += chunk.byteLength
    if (length > limit) return undefined
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
