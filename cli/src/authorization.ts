/** Puts the right token on every request to the server, and gets a new one when it is no longer right. */

import type { FetchLike } from '@modelcontextprotocol/client'
import {
  checkResourceAllowed,
  computeScopeUnion,
  discoverOAuthServerInfo,
  extractWWWAuthenticateParams,
  OAuthError,
  OAuthErrorCode,
  refreshAuthorization,
} from '@modelcontextprotocol/client'
import type { ShowLoginPage } from './login.ts'
import { dated, login, refreshingClient } from './login.ts'
import type { Challenge } from './problem.ts'
import { exitCodes, findCause, LoginRequired, Problem, ScopeRequired } from './problem.ts'
import type { Settings } from './settings.ts'
import type { Login, TokenStore } from './token-store.ts'

export interface AuthorizationOptions {
  readonly settings: Settings
  readonly store: TokenStore
  /** Shows a login page to the user. */
  readonly showLoginPage: ShowLoginPage
  /** Log in when an operation turns out to need it; else its error says so. */
  readonly loginWhenNeeded: boolean
  readonly fetch: FetchLike
  readonly now?: () => number
}

/** Milliseconds that a person has for a login. */
const loginTime = 600_000

/** A step-up is tried this often for one operation; then the refusal is the answer (D31). */
const stepUpLimit = 2

export class Authorization {
  readonly #options: AuthorizationOptions
  readonly #now: () => number

  constructor(options: AuthorizationOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  get #server(): string {
    return this.#options.settings.url
  }

  /** The fetch for requests to the MCP server; others must not see the token and do not go through it. */
  readonly fetch: FetchLike = async (url, init) => {
    const { token, source } = await this.#credential()
    let response = await this.#send(url, init, token)
    if (response.status === 401 && source === 'store') {
      const renewed = await this.refresh(token)
      if (renewed !== undefined) {
        await response.body?.cancel()
        response = await this.#send(url, init, renewed.tokens?.access_token)
      }
    }
    if (response.status !== 401 && response.status !== 403) return response
    const { error } = extractWWWAuthenticateParams(response)
    if (response.status === 403 && error !== 'insufficient_scope') return response
    await response.body?.cancel()
    const challenge = challengeOf(response)
    throw response.status === 401 ? this.#refused(source, challenge) : new ScopeRequired(challenge)
  }

  /** The token that a request would carry now, renewed if it was about to end. */
  async token(): Promise<string | undefined> {
    return (await this.#credential()).token
  }

  /** Asks the server without a token, because only its refusal says where its metadata is. */
  async challenge(signal: AbortSignal): Promise<Challenge> {
    const response = await this.#options.fetch(this.#server, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'login', method: 'ping' }),
      signal,
    })
    await response.body?.cancel()
    return response.status === 401 ? challengeOf(response) : {}
  }

  /**
   * Runs an operation, and lets the user log in or grant more when that is what it lacks. The
   * operation is repeated as a whole: a refused request has done nothing yet.
   */
  async withLogin<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    let logins = 0
    let stepUps = 0
    for (;;) {
      try {
        return await operation()
      } catch (error) {
        if (!this.#options.loginWhenNeeded) throw error
        const scope = findCause(error, ScopeRequired)
        const needed = findCause(error, LoginRequired)
        if (scope !== undefined && stepUps < stepUpLimit) {
          stepUps += 1
          await this.stepUp(scope.challenge, signal)
        } else if (needed !== undefined && logins === 0 && this.#mayLogIn) {
          logins += 1
          await this.login(needed.challenge, signal)
        } else throw error
      }
    }
  }

  /** Opens the browser for a fresh login. */
  async login(challenge: Challenge, signal: AbortSignal): Promise<void> {
    const { settings, store, showLoginPage } = this.#options
    if (!this.#mayLogIn) {
      throw new Problem('The auth method "lambda" sends ACCESS_TOKEN and never logs in.', {
        exit: exitCodes.unauthorized,
        next: 'Choose the auth method "auto".',
      })
    }
    const tooLate = AbortSignal.timeout(loginTime)
    const limit = AbortSignal.any([signal, tooLate])
    try {
      await login({
        server: settings.url,
        challenge,
        identity: settings.identity,
        assumePkce: settings.assumePkce,
        store,
        fetch: this.#bounded(limit),
        now: this.#now,
        showLoginPage,
        signal: limit,
      })
    } catch (error) {
      if (!tooLate.aborted) throw error
      throw new Problem('Nobody finished the login in time.', {
        exit: exitCodes.unauthorized,
        next: 'Run `auth login` to try again.',
      })
    }
  }

  /** A login that asks for the scopes held so far and the missing ones together (D31). */
  async stepUp(challenge: Challenge, signal: AbortSignal): Promise<void> {
    const held = await this.#options.store.login(this.#server)
    const scope = computeScopeUnion(held?.scope, held?.tokens?.scope, challenge.scope)
    await this.login({ ...challenge, ...(scope !== undefined && { scope }) }, signal)
  }

  /**
   * Spends the refresh token, unless another process has just done so. `spent` is the access token
   * that proved useless. Resolves to nothing when only a login can help.
   */
  async refresh(spent: string | undefined): Promise<Login | undefined> {
    const { store, settings } = this.#options
    return store.exclusively(this.#server, async () => {
      const held = await store.login(this.#server)
      if (held?.tokens === undefined) return undefined
      if (held.tokens.access_token !== spent && !this.#isEnding(held)) return held
      const refreshToken = held.tokens.refresh_token
      if (refreshToken === undefined) return undefined
      // Others wait for this lock; an issuer that hangs must not hold it for minutes.
      const fetch = this.#bounded(AbortSignal.timeout(20_000))
      const found = await discoverOAuthServerInfo(this.#server, {
        fetchFn: fetch,
        ...(held.resourceMetadataUrl !== undefined && {
          resourceMetadataUrl: new URL(held.resourceMetadataUrl),
        }),
      })
      const metadata = found.authorizationServerMetadata
      // The server has moved to another issuer, which must not see what the old one gave us.
      if ((metadata?.issuer ?? found.authorizationServerUrl) !== held.issuer) return undefined
      const resource = found.resourceMetadata?.resource
      if (
        resource !== undefined &&
        !checkResourceAllowed({ requestedResource: this.#server, configuredResource: resource })
      ) {
        return undefined
      }
      const client = refreshingClient(held.client, settings.identity, held.issuer)
      if (client === undefined) return undefined
      try {
        const tokens = await refreshAuthorization(found.authorizationServerUrl, {
          clientInformation: client,
          refreshToken,
          fetchFn: fetch,
          ...(metadata !== undefined && { metadata }),
          ...(resource !== undefined && { resource }),
        })
        const kept = dated({ ...tokens, issuer: held.issuer }, this.#now())
        await store.update(this.#server, held.issuer, { tokens: kept })
        return { ...held, tokens: kept }
      } catch (error) {
        const code = error instanceof OAuthError ? error.code : undefined
        const unknownClient =
          code === OAuthErrorCode.InvalidClient || code === OAuthErrorCode.UnauthorizedClient
        // An issuer in trouble is no verdict on the login; these are, and trying again is no use.
        if (code !== OAuthErrorCode.InvalidGrant && !unknownClient) throw error
        await store.update(this.#server, held.issuer, {
          tokens: undefined,
          ...(unknownClient && { client: undefined }),
        })
        return undefined
      }
    })
  }

  get #mayLogIn(): boolean {
    return this.#options.settings.authMethod !== 'lambda'
  }

  #isEnding({ tokens }: Login): boolean {
    if (tokens?.expires_at === undefined) return false
    // A minute ahead, but not so early that a short-lived token would be renewed at every call.
    const lifetime = Number(tokens.expires_in ?? 3600) * 1000
    return this.#now() > tokens.expires_at - Math.min(60_000, lifetime / 5)
  }

  async #credential(): Promise<{
    token: string | undefined
    source: 'store' | 'environment' | 'none'
  }> {
    const { settings, store } = this.#options
    if (settings.authMethod === 'lambda') {
      if (settings.accessToken === undefined) {
        throw new Problem('The auth method "lambda" sends ACCESS_TOKEN, which is not set.', {
          exit: exitCodes.unauthorized,
          next: 'Set ACCESS_TOKEN, or choose the auth method "auto".',
        })
      }
      return { token: settings.accessToken, source: 'environment' }
    }
    let held = await store.login(this.#server)
    if (held?.tokens !== undefined && this.#isEnding(held)) {
      // Good for a moment still: an issuer that is away, or renews nothing, should not stop a call.
      const last = this.#now() < (held.tokens.expires_at ?? 0) ? held : undefined
      held = await this.refresh(held.tokens.access_token).catch((error: unknown) => {
        if (last === undefined) throw error
        return last
      })
      held ??= last
    }
    if (held?.tokens !== undefined) return { token: held.tokens.access_token, source: 'store' }
    if (settings.accessToken !== undefined && settings.authMethod === 'auto') {
      return { token: settings.accessToken, source: 'environment' }
    }
    return { token: undefined, source: 'none' }
  }

  #bounded(signal: AbortSignal): FetchLike {
    return (url, init) => this.#options.fetch(url, { ...init, signal })
  }

  #send(url: string | URL, init: RequestInit | undefined, token?: string): Promise<Response> {
    const headers = new Headers(init?.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    return this.#options.fetch(url, { ...init, headers })
  }

  #refused(source: 'store' | 'environment' | 'none', challenge: Challenge): Problem {
    if (source === 'environment') {
      const next = this.#mayLogIn
        ? 'Run `auth login`, or set another ACCESS_TOKEN.'
        : 'Set another.'
      return new LoginRequired('The server refuses the token in ACCESS_TOKEN.', challenge, next)
    }
    const sentence =
      source === 'store'
        ? 'The login has expired or was revoked, and could not be renewed.'
        : 'The server asks for a login.'
    return new LoginRequired(sentence, challenge, 'Run `auth login`.')
  }
}

function challengeOf(response: Response): Challenge {
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response)
  return {
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    ...(scope !== undefined && { scope }),
  }
}
