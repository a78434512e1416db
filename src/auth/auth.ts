/** What the app asks of any way of authorization: verify a caller, answer a refusal, serve documents. */

/** Who calls. */
export interface Principal {
  /** Stable, opaque and safe as part of a key: a digest of issuer and subject. Owns sessions, streams, handles. */
  readonly id: string
  /** The token's `sub` (or the configured name of a static token). */
  readonly subject: string
  /** The OAuth client, where the token names one. */
  readonly clientId?: string
  readonly scopes: readonly string[]
  /** Verified claims of the token, or what the gateway's authorizer passed on. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What the host itself knows of a request. Nothing here is believed because a client's header says so. */
export interface Platform {
  /** Public URL under which the app is mounted, without a trailing slash: `https://api.example.com/prod`. */
  readonly baseUrl?: string
  /** Context that the host's own authorizer attached to the request. */
  readonly authorizer?: Readonly<Record<string, unknown>>
  /** When the host will cut the request off; epoch milliseconds. */
  readonly deadline?: number
  /** Whether anything goes on behind the end of a reply; Lambda freezes the process there. @default true */
  readonly background?: boolean
  /** The host's id of the request, for the log. */
  readonly requestId?: string
  /**
   * The request as the host has it, where its body can be read more cheaply: asked once at most, and a
   * promise of undefined for a body of more than `limit` bytes; undefined at once where the request has
   * to be asked. An app in front may have made another `Request` of the one named here; then that one
   * counts.
   */
  readonly rawBody?: {
    readonly request: Request
    readonly body: (limit: number) => Promise<Uint8Array | undefined> | undefined
  }
}

/**
 * A refused caller. `code` is the OAuth error (RFC 6750 section 3.1), absent when no credentials
 * were sent; the description is ours alone, never a foreign message.
 */
export class AuthError extends Error {
  override name = 'AuthError'
  readonly code: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  /** Every scope that the operation needs. */
  readonly scopes: readonly string[]

  constructor(
    description: string,
    options: { code?: AuthError['code']; scopes?: readonly string[] } = {},
  ) {
    super(description)
    this.code = options.code
    this.scopes = options.scopes ?? []
  }
}

/**
 * Nobody can be judged right now: the issuer's keys cannot be had. Answered 503 with `Retry-After`,
 * because a 401 would make clients throw away tokens that are good.
 */
export class AuthUnavailable extends Error {
  override name = 'AuthUnavailable'
  /** Seconds until another try is worth it. */
  readonly retryAfter: number

  constructor(description: string, options: { retryAfter: number; cause?: unknown }) {
    super(description, { cause: options.cause })
    this.retryAfter = options.retryAfter
  }
}

/** A public document or endpoint that belongs to authorization, such as RFC 9728 metadata. */
export interface AuthRoute {
  readonly method: 'GET' | 'POST'
  /** Absolute path below the place where the app is mounted. */
  readonly path: string
  handle(request: Request, platform: Platform): Response | Promise<Response>
}

/** A way of authorization: `bearer()`, `oauth()`, `cognito()`, `gateway()`. */
export interface Auth {
  /**
   * Who sent this request. Throws {@link AuthError} for a missing or bad credential or scope, and
   * {@link AuthUnavailable} when that cannot be decided now.
   */
  verify(request: Request, platform: Platform): Promise<Principal>
  /** The HTTP answer to a refused caller: 400, 401 or 403 with its `WWW-Authenticate`. */
  challenge(error: AuthError, platform: Platform): Response
  /** Mounted without authorization, with CORS for any origin. */
  readonly routes?: readonly AuthRoute[]
}
