/** Adds the token to every request to the server, and gets a new one when the server refuses it. */

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
import { challengeOf } from './challenge.ts'
import { refreshingClient } from './client-identity.ts'
import type { Ask } from './form-dialog.ts'
import type { ShowLoginPage } from './login.ts'
import { login, withExpiry } from './login.ts'
import type { Challenge } from './problem.ts'
import { exitCodes, findCause, LoginRequired, Problem, ScopeRequired } from './problem.ts'
import type { Settings } from './settings.ts'
import { enterToken, HOW_TO_GIVE_TOKEN, lacksOAuth, probe } from './static-token.ts'
import type { Login, TokenStore } from './token-store.ts'

export interface AuthorizationOptions {
  readonly settings: Settings
  readonly store: TokenStore
  /** Shows a login page to the user. */
  readonly showLoginPage: ShowLoginPage
  /** Log in when an operation needs it; otherwise its error tells the user to log in. */
  readonly loginWhenNeeded: boolean
  readonly fetch: FetchLike
  /** Asks the person at the terminal, who may enter a token. */
  readonly ask?: Ask | undefined
  readonly now?: () => number
}

/** The time that a person has for a login, in milliseconds. */
const LOGIN_TIME = 600_000

/** How often one operation may ask for more scopes before its refusal is reported (D31). */
const STEP_UP_LIMIT = 2

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

  /** The `fetch` for requests to the MCP server. Requests to others must not use it, because it adds the token. */
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
    throw response.status === 401
      ? await this.#refused(source, challenge)
      : new ScopeRequired(challenge)
  }

  /** Returns the token for a request, and renews it if it is about to expire. */
  async token(): Promise<string | undefined> {
    return (await this.#credential()).token
  }

  /**
   * Sends a request without a token, because only the refusal tells where the server's metadata is.
   * Resolves with undefined when the server accepts callers without a token.
   */
  async challenge(signal: AbortSignal): Promise<Challenge | undefined> {
    const response = await probe(this.#server, this.#options.fetch, signal)
    if (response.status === 401) return challengeOf(response)
    // Some servers ask for a login only when a tool is called, but they publish metadata.
    return (await lacksOAuth(this.#server, {}, this.#bounded(signal))) ? undefined : {}
  }

  /**
   * Runs an operation, and lets the user log in or grant more scopes when the operation needs it. Then the
   * whole operation is repeated, because a refused request has changed nothing.
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
        if (scope !== undefined && stepUps < STEP_UP_LIMIT) {
          stepUps += 1
          await this.stepUp(scope.challenge, signal)
        } else if (needed !== undefined && logins === 0 && this.#mayLogIn) {
          logins += 1
          await this.login(needed.challenge, signal, needed.wantsStaticToken)
        } else throw error
      }
    }
  }

  /** Opens the browser for a fresh login, or asks for the token of a server without OAuth. */
  async login(challenge: Challenge, signal: AbortSignal, wantsStaticToken = false): Promise<void> {
    const { settings, store, showLoginPage, ask, fetch } = this.#options
    if (!this.#mayLogIn) {
      throw new Problem('The auth method "lambda" sends ACCESS_TOKEN and never logs in.', {
        exit: exitCodes.unauthorized,
        next: 'Choose the auth method "auto".',
      })
    }
    if (wantsStaticToken || (await lacksOAuth(settings.url, challenge, this.#bounded(signal)))) {
      const token = await enterToken(settings.url, { ask, fetch }, signal)
      await store.keepStaticToken(settings.url, token)
      return
    }
    const tooLate = AbortSignal.timeout(LOGIN_TIME)
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
      throw new Problem('The login was not finished in time.', {
        exit: exitCodes.unauthorized,
        next: 'Run `auth login` to try again.',
      })
    }
  }

  /** Logs in with the scopes that the user granted so far and the missing ones together (D31). */
  async stepUp(challenge: Challenge, signal: AbortSignal): Promise<void> {
    const held = await this.#options.store.login(this.#server)
    const scope = computeScopeUnion(held?.scope, held?.tokens?.scope, challenge.scope)
    await this.login({ ...challenge, ...(scope !== undefined && { scope }) }, signal)
  }

  /**
   * Uses the refresh token, unless another process has just done so. `spent` is the access token that was
   * refused. Resolves with undefined when only a login can help.
   */
  async refresh(spent: string | undefined): Promise<Login | undefined> {
    const { store, settings } = this.#options
    return store.withRefreshLock(this.#server, async () => {
      const held = await store.login(this.#server)
      if (held?.tokens === undefined) return undefined
      if (held.tokens.access_token !== spent && !this.#isEnding(held)) return held
      const refreshToken = held.tokens.refresh_token
      if (refreshToken === undefined) return undefined
      // Other processes wait for this lock, so an issuer that does not answer must not hold it for minutes.
      const fetch = this.#bounded(AbortSignal.timeout(20_000))
      const found = await discoverOAuthServerInfo(this.#server, {
        fetchFn: fetch,
        ...(held.resourceMetadataUrl !== undefined && {
          resourceMetadataUrl: new URL(held.resourceMetadataUrl),
        }),
      })
      const metadata = found.authorizationServerMetadata
      // The server has moved to another issuer, which must not see tokens of the old one.
      if ((metadata?.issuer ?? found.authorizationServerUrl) !== held.issuer) return undefined
      const resource = found.resourceMetadata?.resource
      if (
        resource !== undefined &&
        !checkResourceAllowed({ requestedResource: this.#server, configuredResource: resource })
      ) {
        return undefined
      }
      const client = await refreshingClient(held.client, settings.identity, held.issuer, store)
      if (client === undefined) return undefined
      try {
        const tokens = await refreshAuthorization(found.authorizationServerUrl, {
          clientInformation: client,
          refreshToken,
          fetchFn: fetch,
          ...(metadata !== undefined && { metadata }),
          ...(resource !== undefined && { resource }),
        })
        const kept = withExpiry({ ...tokens, issuer: held.issuer }, this.#now())
        await store.update(this.#server, held.issuer, { tokens: kept })
        return { ...held, tokens: kept }
      } catch (error) {
        const code = error instanceof OAuthError ? error.code : undefined
        const unknownClient =
          code === OAuthErrorCode.InvalidClient || code === OAuthErrorCode.UnauthorizedClient
        // These errors end the login, because trying again does not help. A failure of the issuer does not end it.
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
    // Renew a minute before the end, but later for a short-lived token, which would be renewed at every call.
    const lifetime = Number(tokens.expires_in ?? 3600) * 1000
    return this.#now() > tokens.expires_at - Math.min(60_000, lifetime / 5)
  }

  async #credential(): Promise<{
    token: string | undefined
    source: Source
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
      // The token is still valid for a moment, so an issuer that does not answer must not stop the call.
      const last = this.#now() < (held.tokens.expires_at ?? 0) ? held : undefined
      held = await this.refresh(held.tokens.access_token).catch((error: unknown) => {
        if (last === undefined) throw error
        return last
      })
      held ??= last
    }
    if (held?.tokens !== undefined) return { token: held.tokens.access_token, source: 'store' }
    const entered = await store.staticToken(this.#server)
    if (entered !== undefined) return { token: entered, source: 'entered' }
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

  async #refused(source: Source, challenge: Challenge): Promise<Problem> {
    if (source === 'environment') {
      const next = this.#mayLogIn
        ? 'Run `auth login`, or set another ACCESS_TOKEN.'
        : 'Set another.'
      return new LoginRequired('The server refuses the token in ACCESS_TOKEN.', challenge, next)
    }
    if (source === 'store') {
      const sentence = 'The login has expired or was revoked, and could not be renewed.'
      return new LoginRequired(sentence, challenge, 'Run `auth login`.')
    }
    const limit = AbortSignal.timeout(20_000)
    if (source === 'none' && !(await lacksOAuth(this.#server, challenge, this.#bounded(limit)))) {
      return new LoginRequired('The server asks for a login.', challenge, 'Run `auth login`.')
    }
    const sentence =
      source === 'entered'
        ? 'The server refuses the token that was entered for it.'
        : 'The server wants a token of its operator; there is no login for it.'
    return new LoginRequired(sentence, challenge, HOW_TO_GIVE_TOKEN, true)
  }
}

/** Where a token comes from: a login, the user who typed it, or ACCESS_TOKEN. */
type Source = 'store' | 'entered' | 'environment' | 'none'
