/** Keeps the authorization of an MCP client in memory, for the official clients of both generations. */

import type {
  OAuthClientInformationMixed,
  OAuthClientProvider,
  OAuthDiscoveryState,
  OAuthTokens,
} from '@modelcontextprotocol/client'
import { visit } from './browser.ts'

export interface OAuthMemoryOptions {
  redirectUrl?: string
  /** The grant types. Without `refresh_token`, the client must log in again to get a new scope. */
  grantTypes?: string[]
}

export function createOAuthMemory({
  redirectUrl = 'http://127.0.0.1:54321/callback',
  grantTypes = ['authorization_code', 'refresh_token'],
}: OAuthMemoryOptions = {}) {
  let discovery: OAuthDiscoveryState | undefined
  let verifier = ''

  const memory = {
    client: undefined as OAuthClientInformationMixed | undefined,
    tokens: undefined as OAuthTokens | undefined,
    /** The authorization requests to which the user was sent. */
    requests: [] as URL[],
    /** Follows the last authorization request, and returns the answer for the client. */
    async logIn(): Promise<URLSearchParams> {
      const request = memory.requests.at(-1)
      if (!request) throw new Error('The user was sent nowhere.')
      const { searchParams } = await visit(request, redirectUrl)
      if (searchParams.get('state') !== request.searchParams.get('state')) {
        throw new Error('The answer belongs to another request.')
      }
      return searchParams
    },
  }

  const provider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'test',
      redirect_uris: [redirectUrl],
      grant_types: grantTypes,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    state: () => crypto.randomUUID(),
    clientInformation: () => memory.client,
    saveClientInformation: (information: OAuthClientInformationMixed) => {
      memory.client = information
    },
    tokens: () => memory.tokens,
    saveTokens: (tokens: OAuthTokens) => {
      memory.tokens = tokens
    },
    redirectToAuthorization: (url: URL) => {
      memory.requests.push(url)
    },
    saveCodeVerifier: (value: string) => {
      verifier = value
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState: (state: OAuthDiscoveryState) => {
      discovery = state
    },
    invalidateCredentials: (what: string) => {
      if (what === 'tokens' || what === 'all') memory.tokens = undefined
      if (what === 'client' || what === 'all') memory.client = undefined
      if (what === 'discovery' || what === 'all') discovery = undefined
    },
  } satisfies OAuthClientProvider
  return { memory, provider }
}
