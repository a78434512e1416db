/** A login through the browser: discovery, registration, PKCE and the code exchange, by the official library. */

import { randomBytes } from 'node:crypto'
import type {
  AuthorizationServerMetadata,
  FetchLike,
  OAuthClientInformationContext,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { auth, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Callback } from './callback.ts'
import { listenForCallback } from './callback.ts'
import { fixedClient, isDocumentUrl, isFixed, secretIssuer } from './client-identity.ts'
import type { Challenge } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import type { ClientIdentity } from './settings.ts'
import type { TokenStore, Tokens } from './token-store.ts'

export interface LoginOptions {
  readonly server: string
  readonly challenge: Challenge
  readonly identity: ClientIdentity
  readonly assumePkce: boolean
  readonly store: TokenStore
  readonly fetch: FetchLike
  readonly now: () => number
  readonly showLoginPage: ShowLoginPage
  readonly signal: AbortSignal
}

/**
 * Shows the page to the user. Resolves with the address at which the browser ended, if the user pasted it
 * (the browser may run on another machine), otherwise with undefined. `arrived` aborts when the browser
 * has come back by itself.
 */
export type ShowLoginPage = (page: URL, arrived: AbortSignal) => Promise<string | undefined>

/** Logs in and stores the tokens. Rejects when `signal` aborts. */
export async function login(options: LoginOptions): Promise<void> {
  const callback = await openCallback(options)
  try {
    const provider = new LoginProvider(options, callback)
    const serverUrl = options.server
    const { resourceMetadataUrl, scope } = options.challenge
    if (resourceMetadataUrl !== undefined) {
      await options.store.rememberMetadataUrl(serverUrl, resourceMetadataUrl.href)
    }
    const outcome = await auth(provider, {
      serverUrl,
      fetchFn: options.fetch,
      forceReauthorization: true,
      ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
      ...(scope !== undefined && { scope }),
    })
    if (outcome === 'AUTHORIZED' || provider.page === undefined) return
    const answer = await waitForRedirect(provider.page, provider.state(), callback, options)
    // `finishAuth` checks the issuer of the answer (RFC 9207) before it uses anything else in it.
    const transport = new StreamableHTTPClientTransport(new URL(serverUrl), {
      authProvider: provider,
      fetch: options.fetch,
    })
    await transport.finishAuth(answer)
  } finally {
    await callback.close()
  }
}

/** Waits for the answer that the browser brings, or that the user pastes. */
async function waitForRedirect(
  page: URL,
  state: string,
  callback: Callback,
  { showLoginPage, signal }: LoginOptions,
): Promise<URLSearchParams> {
  const arrived = new AbortController()
  const returned = callback.result(state, signal)
  returned.then(
    () => arrived.abort(),
    () => arrived.abort(),
  )
  const pasted = showLoginPage(page, arrived.signal).then((address) =>
    address === undefined ? returned : parsePasted(address, state),
  )
  return Promise.race([returned, pasted])
}

function parsePasted(address: string, state: string): URLSearchParams {
  const query = URL.canParse(address.trim()) ? new URL(address.trim()).searchParams : undefined
  if (query?.get('state') === state) return query
  throw new Problem('That is not the address at which this login ended.', {
    exit: exitCodes.unauthorized,
    next: 'Copy the whole address from the browser, with its `code` and `state`.',
  })
}

/**
 * Listens at the registered redirect URI, if there is one. An earlier registration is used again with
 * its port, because issuers may compare it exactly. If that port is in use, the client registers again.
 */
async function openCallback({ identity, server, store }: LoginOptions): Promise<Callback> {
  if (identity.redirectUri !== undefined) return listenForCallback(identity.redirectUri)
  for (const client of await store.registrations(server)) {
    const [uri] = 'redirect_uris' in client ? (client.redirect_uris ?? []) : []
    const callback = uri === undefined ? undefined : await listenForCallback(uri).catch(() => {})
    if (callback !== undefined) return callback
  }
  return listenForCallback()
}

class LoginProvider implements OAuthClientProvider {
  /** The page that the user has to visit, when the library has created it. */
  page: URL | undefined
  readonly clientMetadataUrl?: string
  readonly redirectUrl: string
  readonly #options: LoginOptions
  readonly #state = randomBytes(32).toString('base64url')
  #verifier = ''
  #discovery: OAuthDiscoveryState | undefined

  constructor(options: LoginOptions, callback: Callback) {
    this.#options = options
    this.redirectUrl = callback.redirectUri
    const { clientId } = options.identity
    if (isDocumentUrl(clientId)) this.clientMetadataUrl = clientId
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'streamable-mcp',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    }
  }

  state(): string {
    return this.#state
  }

  async clientInformation(
    context?: OAuthClientInformationContext,
  ): Promise<StoredOAuthClientInformation | undefined> {
    const { identity, server, store } = this.#options
    if (context === undefined) return undefined
    if (isFixed(identity.clientId)) {
      return fixedClient(identity, context.issuer, await secretIssuer(identity, store))
    }
    const client = (await store.credentials(server, context.issuer))?.client
    // The registration is for another port, or for another client than the one that is configured now.
    const usable =
      client !== undefined && 'redirect_uris' in client
        ? client.redirect_uris?.includes(this.redirectUrl)
        : client?.client_id === this.clientMetadataUrl
    return usable ? client : undefined
  }

  async saveClientInformation(
    client: StoredOAuthClientInformation,
    context?: OAuthClientInformationContext,
  ): Promise<void> {
    const { server, store } = this.#options
    if (context !== undefined) await store.update(server, context.issuer, { client })
  }

  /** Returns no tokens, because an old refresh token cannot get more scopes (RFC 6749 section 6). */
  tokens(): undefined {
    return undefined
  }

  async saveTokens(
    tokens: StoredOAuthTokens,
    context?: OAuthClientInformationContext,
  ): Promise<void> {
    const issuer = context?.issuer ?? tokens.issuer
    if (issuer === undefined) return
    const { identity, server, store, now } = this.#options
    const scope = this.page?.searchParams.get('scope') ?? undefined
    const { clientId } = identity
    await store.update(server, issuer, {
      tokens: withExpiry(tokens, now()),
      scope,
      // A refresh has to name the client that got these tokens. Its secret is not stored, only the fact
      // that this issuer may see it.
      ...(isFixed(clientId) && { client: { client_id: clientId, issuer } }),
      ...(isFixed(clientId) && identity.clientSecret !== undefined && { secretOf: clientId }),
    })
  }

  async invalidateCredentials(what: string): Promise<void> {
    const { server, store } = this.#options
    const issuer = this.#discovery?.authorizationServerMetadata?.issuer
    if ((what === 'client' || what === 'all') && issuer !== undefined) {
      await store.update(server, issuer, { client: undefined })
    }
  }

  redirectToAuthorization(url: URL): void {
    this.page = url
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }

  /** Checks the metadata before anything is sent to an address in it. */
  async saveDiscoveryState(state: OAuthDiscoveryState): Promise<void> {
    this.#requirePkce(state.authorizationServerMetadata)
    await this.#requireKnownIssuer(
      state.authorizationServerMetadata?.issuer ?? state.authorizationServerUrl,
    )
    this.#discovery = state
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery
  }

  /** Throws for metadata without S256 (D23). */
  #requirePkce(metadata: AuthorizationServerMetadata | undefined): void {
    const methods = metadata?.code_challenge_methods_supported
    if (metadata === undefined || methods?.includes('S256')) return
    if (methods === undefined && this.#options.assumePkce) return
    throw new Problem(`The issuer ${metadata.issuer} does not say that it supports PKCE.`, {
      exit: exitCodes.unauthorized,
      next: 'If you know that it does (Amazon Cognito), set OAUTH_ASSUME_PKCE=1.',
    })
  }

  /** Throws if the client is registered at another issuer than the one that the server names (D34). */
  async #requireKnownIssuer(issuer: string): Promise<void> {
    const { identity, store } = this.#options
    const { clientId, clientSecret } = identity
    if (!isFixed(clientId)) return
    const known = identity.issuer ?? (await store.issuerOf(clientId, 'client'))
    if (known !== undefined && known !== issuer) {
      throw new Problem(
        `OAUTH_CLIENT_ID belongs to ${known}, but the server now names ${issuer}.`,
        {
          exit: exitCodes.unauthorized,
          next: `If you registered it there too, set OAUTH_ISSUER=${issuer}.`,
        },
      )
    }
    if (clientSecret === undefined || (await secretIssuer(identity, store)) === issuer) return
    throw new Problem(`The server names the issuer ${issuer}, which may not be yours.`, {
      exit: exitCodes.unauthorized,
      next: `OAUTH_CLIENT_SECRET is sent to OAUTH_ISSUER alone. If you registered the client there, set OAUTH_ISSUER=${issuer}.`,
    })
  }
}

/** Adds the time at which the tokens expire, because a later run needs it. */
export function withExpiry(tokens: StoredOAuthTokens, now: number): Tokens {
  if (tokens.expires_in === undefined) return tokens
  return { ...tokens, expires_at: now + Number(tokens.expires_in) * 1000 }
}
