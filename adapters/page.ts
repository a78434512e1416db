/** A page for people at the URL of the endpoint: what the server offers, how to connect, and a form to try it. */
import type { Auth, Page, Platform } from '../src/index.ts'
import { isLoopback } from '../src/index.ts'

/** Options of {@link page}. */
export interface PageOptions {
  /**
   * Where the page is shown. `loopback`: only to a browser on the same machine, which names a loopback
   * host and comes through no proxy. `everywhere`: to each browser that reaches the endpoint.
   * @default 'loopback'
   */
  show?: 'loopback' | 'everywhere'
  /**
   * Further origins that the page may send requests to, such as the token endpoint of an authorization
   * server that has another origin than its issuer. The page may always call its own server and the
   * issuers that the server names in its metadata.
   * @default []
   */
  connectTo?: readonly string[]
}

/** A query that asks for the frame in which an MCP App runs, and not for the page. */
const FRAME_QUERY = 'app-frame'

/** Headers that a proxy adds. With one of them, a loopback host says nothing about where the browser runs. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

const COMMON_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  vary: 'Accept, Accept-Encoding',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/**
 * An App's code runs with an opaque origin and reaches no network. `sandbox` is also here, so that the
 * frame has no rights when it is opened outside of the page.
 */
const FRAME_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
  "webrtc 'block'",
  'sandbox allow-scripts',
].join('; ')

/**
 * Returns the option `page` of `createMcp()`. A browser that opens the URL of the endpoint gets one HTML
 * file, which speaks the protocol itself and loads nothing from elsewhere. Every other request is answered
 * as without the option, and never loads the page.
 *
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', page: page() })
 */
export function page(options: PageOptions = {}): Page {
  const { show = 'loopback', connectTo = [] } = options
  for (const origin of connectTo) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new TypeError(`connectTo needs origins such as https://login.example.com: "${origin}"`)
    }
  }
  return {
    respond(request, platform = {}, auth) {
      if (!wantsPage(request)) return undefined
      if (show !== 'everywhere' && !isLocal(request, platform)) return undefined
      return respond(request, platform, { auth, connectTo })
    },
  }
}

/** Whether a browser asks for a document. A client that listens asks for `text/event-stream`. */
function wantsPage({ method, headers }: Request): boolean {
  if (method !== 'GET') return false
  const accept = headers.get('accept')?.toLowerCase() ?? ''
  return accept.includes('text/html') && !accept.includes('text/event-stream')
}

function isLocal({ headers, url }: Request, { baseUrl }: Platform): boolean {
  const host = headers.get('host') ?? new URL(url).host
  return (
    baseUrl === undefined &&
    isLoopback(host.replace(/:\d+$/, '')) &&
    PROXY_HEADERS.every((name) => !headers.has(name))
  )
}

async function respond(
  request: Request,
  platform: Platform,
  { auth, connectTo }: { auth: Auth | undefined; connectTo: readonly string[] },
): Promise<Response> {
  const { FRAME, PAGE, SCRIPT_HASH, STYLE_HASH } = await import('./page/asset.js')
  if (new URL(request.url).searchParams.has(FRAME_QUERY)) {
    return new Response(FRAME, {
      headers: { ...COMMON_HEADERS, 'content-security-policy': FRAME_POLICY },
    })
  }
  const origins = [...connectTo, ...(await issuersOf(request, platform, auth))]
  const headers = {
    ...COMMON_HEADERS,
    'cross-origin-opener-policy': 'same-origin',
    'content-security-policy': [
      "default-src 'none'",
      `script-src '${SCRIPT_HASH}'`,
      `style-src '${STYLE_HASH}'`,
      'img-src data: blob:',
      'media-src data: blob:',
      ["connect-src 'self'", ...new Set(origins)].join(' '),
      "frame-src 'self'",
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
  }
  const compressed = Uint8Array.from(atob(PAGE), (letter) => letter.charCodeAt(0))
  if (/\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')) {
    // Workers compress a body again unless `encodeBody` says that it is compressed.
    const init = { headers: { ...headers, 'content-encoding': 'gzip' }, encodeBody: 'manual' }
    return new Response(compressed, init)
  }
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream, { headers })
}

/** The origins of the authorization servers that the server's own metadata names (RFC 9728). */
async function issuersOf(
  request: Request,
  platform: Platform,
  auth: Auth | undefined,
): Promise<string[]> {
  const route = auth?.routes?.find(({ path }) =>
    path.startsWith('/.well-known/oauth-protected-resource'),
  )
  if (!route) return []
  try {
    const document = new Request(new URL(route.path, request.url), { headers: request.headers })
    const response = await route.handle(document, platform)
    const metadata: { authorization_servers?: string[] } = await response.json()
    return (metadata.authorization_servers ?? []).map((issuer) => new URL(issuer).origin)
  } catch {
    // A page without login is better than none; the login says what is wrong.
    return []
  }
}
