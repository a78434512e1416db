/** The options of a façade, and what its hop needs of it. */

import type { IssuerMetadata } from './issuer.ts'
import type { RemoteDocument, RemoteOptions } from './remote-document.ts'

/**
 * Every program that registers gets the same client id, so the issuer cannot distinguish programs, and
 * it may not ask a logged-in user again. Only the list of redirect URIs prevents that a token is sent
 * to an attacker's program (D13, the confused deputy).
 */
export interface FacadeOptions {
  /** The id of a public client (no secret, with PKCE) that was registered with the issuer by hand. */
  clientId: string
  /**
   * Where the issuer may send a code: `https` URLs, which must match exactly, or `http` URLs on
   * loopback, which match with any port (RFC 8252 section 7.3). The issuer checks its own list too.
   */
  redirectUris: readonly string[]
  /** Endpoints that the issuer's metadata lacks, or that replace those in it, by their names in RFC 8414. */
  endpoints?: Readonly<Record<string, string>> | undefined
  /**
   * Sends authorization and token requests by way of this server, which changes them for an issuer that
   * refuses them as MCP clients send them. Codes and tokens then pass through this server; it keeps none.
   * @default none: clients talk to the issuer directly
   */
  rewrite?: RequestRewrite | undefined
  /**
   * Origins, such as `https://claude.ai`, whose client-id metadata documents are accepted in place of a
   * registration. The document must name the redirect URI, and `redirectUris` must allow it. Requests
   * then go by way of this server, because the issuer knows only `clientId`.
   * @default none
   */
  clientIdDocuments?: readonly string[] | undefined
}

/** How requests to an issuer are changed. */
export interface RequestRewrite {
  /**
   * The parameter `resource` of RFC 8707, which MCP clients send with every request: `drop` leaves it
   * out (Entra ID refuses it: AADSTS9010010), and any other text replaces it.
   * @default as the client sent it
   */
  resource?: 'drop' | (string & {}) | undefined
  /** The issuer's names of scopes, by the names that clients ask for. @default all names stay */
  scopes?: Readonly<Record<string, string>> | undefined
  /** Parameters that are added to the authorization request, such as `{ prompt: 'consent' }`. @default none */
  parameters?: Readonly<Record<string, string>> | undefined
}

/** What the hop needs of its façade. */
export interface HopContext {
  readonly options: FacadeOptions
  readonly metadata: RemoteDocument<IssuerMetadata>
  readonly remote: RemoteOptions
  /** Redirect URIs of client-id metadata documents that were fetched, by client id. */
  readonly documents: Map<string, { readonly uris: readonly unknown[]; readonly at: number }>
  isAllowedRedirect(uri: unknown): boolean
  refuse(status: number, error: string, description: string): Response
}
