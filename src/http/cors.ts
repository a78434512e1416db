/** Cross-origin resource sharing: which pages may read the responses (https://fetch.spec.whatwg.org/#cors-protocol). */
import * as status from './status.ts'

const METHODS = 'POST, GET, DELETE, OPTIONS'
const EXPOSED_HEADERS = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'
const ALLOWED_HEADERS =
  'Content-Type, Accept, Authorization, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID'

/** The answer to a preflight of an allowed origin. */
export function preflightResponse({ headers }: Request): Response {
  // Parameters of tools travel in headers that only the tools know (A.2): all that are asked for are allowed.
  const requested = headers.get('access-control-request-headers') ?? ALLOWED_HEADERS
  return new Response(null, {
    status: status.PREFLIGHT,
    headers: {
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': requested,
      'access-control-max-age': '7200',
      allow: METHODS,
    },
  })
}

/** The answer to a preflight for a document that any page may read. */
export function publicPreflightResponse(request: Request): Response {
  const response = preflightResponse(request)
  response.headers.set('access-control-allow-origin', '*')
  return response
}

/** Lets the page that sent the request read its response, if its origin is allowed. */
export function applyCors(
  response: Response,
  origin: string | null,
  isAllowed: (origin: string) => boolean,
): Response {
  if (origin === null) return response
  response.headers.append('vary', 'Origin')
  // A page of another origin cannot even read that it was refused.
  if (!isAllowed(origin)) return response
  response.headers.set('access-control-allow-origin', origin)
  response.headers.set('access-control-expose-headers', EXPOSED_HEADERS)
  return response
}
