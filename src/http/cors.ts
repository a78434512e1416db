/** Cross-origin resource sharing: which pages may read the responses (https://fetch.spec.whatwg.org/#cors-protocol). */
const EXPOSED_HEADERS = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After'

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
