/** The client as an issuer knows it: its id, and its secret if that issuer may see it. */

import type { StoredOAuthClientInformation } from '@modelcontextprotocol/client'
import type { ClientIdentity } from './settings.ts'
import type { TokenStore } from './token-store.ts'

/** Returns the only issuer that may see the secret: the one that the user names now or has named before. */
export async function secretIssuer(
  { clientId, issuer }: ClientIdentity,
  store: TokenStore,
): Promise<string | undefined> {
  return issuer ?? (clientId === undefined ? undefined : store.issuerOf(clientId, 'secret'))
}

/** Returns the client that got the tokens, with its secret if this issuer may see it. A refresh needs it. */
export async function refreshingClient(
  client: StoredOAuthClientInformation | undefined,
  identity: ClientIdentity,
  issuer: string,
  store: TokenStore,
): Promise<StoredOAuthClientInformation | undefined> {
  if (client?.client_id !== identity.clientId) return client
  return fixedClient(identity, issuer, await secretIssuer(identity, store))
}

export function fixedClient(
  { clientId, clientSecret }: ClientIdentity,
  issuer: string,
  secretIssuer: string | undefined,
): StoredOAuthClientInformation | undefined {
  if (clientId === undefined) return undefined
  const secret = secretIssuer === issuer ? clientSecret : undefined
  return {
    client_id: clientId,
    issuer,
    ...(secret !== undefined && { client_secret: secret }),
  }
}

export function isFixed(clientId: string | undefined): clientId is string {
  return clientId !== undefined && !isDocumentUrl(clientId)
}

/** Whether a client id is the address of a client-id metadata document (D28). */
export function isDocumentUrl(clientId: string | undefined): clientId is string {
  return clientId !== undefined && /^https:\/\/[^/]+\/./.test(clientId)
}
