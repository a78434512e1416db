/** Preflights of pages (https://fetch.spec.whatwg.org/#cors-preflight-fetch). Loaded with the first one, because few clients are pages. */
import * as status from './status.ts'

const METHODS = 'POST, GET, DELETE, OPTIONS'
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
