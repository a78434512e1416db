/** `oauth()` for an Amazon Cognito user pool: its URLs, and the particular form of its tokens. */

import type { Auth } from './auth.ts'
import type { OAuthOptions } from './oauth.ts'
import { oauth } from './oauth.ts'

/** Options of {@link cognito}. */
export interface CognitoOptions
  extends Omit<OAuthOptions, 'issuer' | 'jwksUri' | 'check' | 'algorithms' | 'facade'> {
  /** The id of the pool, such as `eu-central-1_AbCdEf123`. */
  userPoolId: string
  /** The pool's AWS region. @default the region that the pool's id begins with */
  region?: string | undefined
  /**
   * The domain of the pool, as a prefix (`weather`) or in full (`login.example.com`). Only the façade
   * uses it, to replace the endpoints in the pool's metadata.
   */
  domain?: string | undefined
  /**
   * Cognito has no client registration, and its metadata does not mention S256. MCP clients therefore
   * need a façade, or a client id that their user enters.
   */
  facade?: { clientId: string; redirectUris: readonly string[] } | undefined
}

/**
 * Accepts access tokens of a Cognito user pool. They name a client but no audience, unless the client
 * asked for a resource that the pool has as a resource server. So `allowedClientIds` is needed, or a
 * `resource` that the pool has, or both.
 *
 * @example
 * cognito({ userPoolId: 'eu-central-1_AbCdEf123', allowedClientIds: ['4ab…'], resource: 'https://mcp.example.com/mcp' })
 */
export function cognito(options: CognitoOptions): Auth {
  const { userPoolId, region: givenRegion, domain, facade, ...rest } = options
  const [, poolRegion] = /^([a-z]{2}(?:-[a-z]+)+-\d)_[0-9A-Za-z]+$/.exec(userPoolId) ?? []
  if (!poolRegion) {
    throw new Error(
      'cognito() needs `userPoolId` (COGNITO_USER_POOL_ID), such as eu-central-1_AbCdEf123.',
    )
  }
  if (givenRegion !== undefined && givenRegion !== poolRegion) {
    throw new Error(
      `\`region\` (COGNITO_REGION) is ${JSON.stringify(givenRegion)}, but the user pool is in ${poolRegion}.`,
    )
  }
  if (!rest.allowedClientIds && !rest.resource && !rest.audience?.length) {
    throw new Error(
      'cognito() needs `allowedClientIds` (COGNITO_ALLOWED_CLIENT_IDS) or `resource` (MCP_RESOURCE_URL), else every client of the pool could call.',
    )
  }
  const issuer = `https://cognito-idp.${poolRegion}.amazonaws.com/${userPoolId}`
  return oauth({
    ...rest,
    issuer,
    // The URL is documented, so a cold start need not look it up in the metadata.
    jwksUri: `${issuer}/.well-known/jwks.json`,
    algorithms: ['RS256'],
    check: ({ token_use }) =>
      token_use === 'access' ? undefined : 'The token is not an access token.',
    facade: facade && {
      ...facade,
      endpoints: domain ? toEndpoints(domain, poolRegion) : undefined,
    },
  })
}

/** Returns the endpoints below a user pool's domain, by their names in RFC 8414. */
function toEndpoints(domain: string, region: string): Record<string, string> {
  const host = domain.replace(/^https:\/\//, '').replace(/\/$/, '')
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(host)) {
    throw new Error('`domain` (COGNITO_DOMAIN) must be a prefix or a host name.')
  }
  const origin = `https://${host.includes('.') ? host : `${host}.auth.${region}.amazoncognito.com`}`
  return {
    authorization_endpoint: `${origin}/oauth2/authorize`,
    token_endpoint: `${origin}/oauth2/token`,
    revocation_endpoint: `${origin}/oauth2/revoke`,
    userinfo_endpoint: `${origin}/oauth2/userInfo`,
  }
}
