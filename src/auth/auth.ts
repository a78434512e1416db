/** What the app needs of every method of authorization: verify a caller, answer a refusal, serve documents. */

import type { Observer } from '../protocol/observer.ts'

/** The caller of a request, as the method of authorization has verified it. */
export interface Principal {
  /** A digest of issuer and subject: stable, and safe as part of a key. Sessions, streams and handles belong to it. */
  readonly id: string
  /** The token's `sub`, or the configured name of a static token. */
  readonly subject: string
  /** The OAuth client, if the token names one. */
  readonly clientId?: string
  readonly scopes: readonly string[]
  /** Verified claims of the token, or the context that the gateway's authorizer passed on. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What the host knows about a request. Nothing in it comes from a header that a client can set. */
export interface Platform {
  /** Public URL under which the app is mounted, without a trailing slash: `https://api.example.com/prod`. */
  readonly baseUrl?: string
  /** The context that the host's authorizer attached to the request. */
  readonly authorizer?: Readonly<Record<string, unknown>>
  /** When the host will end the request, in epoch milliseconds. */
  readonly deadline?: number
  /** Whether code runs on after the response has ended. Lambda freezes the process then. @default true */
  readonly background?: boolean
  /**
   * Milliseconds after which a call that waits for an answer of its client is suspended, unless the
   * server has `suspendAfter`: a host sets it where waiting costs. @default calls wait
   */
  readonly suspendAfter?: number
  /** The host's id of the request, written to the log. */
  readonly requestId?: string
  /** Is told of this request and its calls, beside the server's own observer. */
  readonly observer?: Observer
  /**
   * A cheaper way to read the body than through the `Request`. `body` is called once at most. It
   * returns undefined when the body must be read from the `Request`, and a promise of undefined when
   * the body is longer than `limit` bytes. It is used only for the very `Request` in `request`,
   * because an app in front may have replaced it by another one.
   */
  readonly rawBody?: {
    readonly request: Request
    /** The body of at most `limit` bytes, as described above. */
    readonly body: (limit: number) => Promise<Uint8Array | undefined> | undefined
  }
}

/**
 * Refuses a caller. `code` is the OAuth error (RFC 6750 section 3.1); it is absent when no credentials
 * were sent. The description reaches the client, so it never contains another library's message.
 *
 * @example throw new AuthError('The API key is not known.', { code: 'invalid_token' })
 */
export class AuthError extends Error {
  override name = 'AuthError'
  readonly code: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  /** All scopes that the operation needs. */
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
 * No caller can be verified at the moment, because the issuer's keys cannot be fetched. The response is
 * 503 with `Retry-After`; a 401 would make clients discard valid tokens.
 */
export class AuthUnavailable extends Error {
  override name = 'AuthUnavailable'
  /** Seconds after which the client should try again. */
  readonly retryAfter: number

  constructor(description: string, options: { retryAfter: number; cause?: unknown }) {
    super(description, { cause: options.cause })
    this.retryAfter = options.retryAfter
  }
}

/** A public route that belongs to authorization, such as RFC 9728 metadata. It needs no token. */
export interface AuthRoute {
  readonly method: 'GET' | 'POST'
  /** Path below the point where the app is mounted, with a leading slash. */
  readonly path: string
  /** Answers a request for it, which comes without authorization. */
  handle(request: Request, platform: Platform): Response | Promise<Response>
}

/**
 * A method of authorization: `bearer()`, `oauth()`, `cognito()`, `gateway()`, or one of your own.
 *
 * @example
 * const auth: Auth = {
 *   async verify(request) {
 *     const subject = await whoHasKey(request.headers.get('authorization'))
 *     if (!subject) throw new AuthError('The API key is not known.', { code: 'invalid_token' })
 *     return { id: subject, subject, scopes: [], claims: {} }
 *   },
 *   challenge: (error) => new Response(error.message, { status: 401 }),
 * }
 */
export interface Auth {
  /**
   * Returns the caller. Throws {@link AuthError} for a missing or invalid credential or scope, and
   * {@link AuthUnavailable} when this cannot be decided at the moment.
   */
  verify(request: Request, platform: Platform): Promise<Principal>
  /** The HTTP response to a refused caller: 400, 401 or 403 with `WWW-Authenticate`. */
  challenge(error: AuthError, platform: Platform): Response
  /** Public routes: they need no authorization, and pages of any origin may read them. */
  readonly routes?: readonly AuthRoute[]
}
