/** Creates an OAuth resource server from the environment: from `MCP_ISSUER`, `COGNITO_…` and related variables. */
import type { Auth, OAuthOptions } from '../../src/index.ts'
import { cognito, oauth } from '../../src/index.ts'
import type { Environment } from './variables.ts'
import { EnvironmentError, parseScopes, readList, requireList, usesCognito } from './variables.ts'

/** Settings of authorization that do not come from the environment. */
export interface AuthEnvOptions extends Pick<OAuthOptions, 'path' | 'fetch' | 'clock'> {
  /** Whether the host tells the adapter its public URL. Otherwise `MCP_RESOURCE_URL` must. @default true */
  knowsUrl?: boolean
}

/** Reads the issuers and what their tokens must contain. Throws {@link EnvironmentError}. */
export function readOAuth(env: Environment, { knowsUrl = true, ...options }: AuthEnvOptions): Auth {
  const issuers = readList(env, 'MCP_ISSUER') ?? []
  const cognitoToo = usesCognito(env)
  if (issuers.length === 0 && !cognitoToo) {
    throw new EnvironmentError(
      'AUTH_METHOD=oauth needs MCP_ISSUER, or COGNITO_USER_POOL_ID for Cognito',
    )
  }
  if (issuers.length > 0 && cognitoToo) {
    throw new EnvironmentError(
      'MCP_ISSUER and COGNITO_… are both set: only one of them can say who issues tokens',
    )
  }
  const either = (name: 'SUPPORTED_SCOPES' | 'REQUIRED_SCOPES') =>
    env[`MCP_${name}`] || env[`COGNITO_${name}`]
  const supportedScopes = parseScopes(either('SUPPORTED_SCOPES'))
  const resourceId = env.COGNITO_RESOURCE_ID
  const resourceIdIsUrl = resourceId !== undefined && URL.canParse(resourceId)
  const resource = env.MCP_RESOURCE_URL || (resourceIdIsUrl ? resourceId : undefined)
  if (!resource && !knowsUrl) {
    throw new EnvironmentError(
      'MCP_RESOURCE_URL is not set: it is the URL that clients call, such as https://mcp.example.com/mcp',
    )
  }
  const facadeClientId = env.MCP_FACADE_CLIENT_ID
  const common = {
    ...options,
    resource,
    // In Cognito the identifier of a resource server need not be a URL. Then it is only a name in `aud`.
    audience: resourceId && !resourceIdIsUrl ? [resourceId] : [],
    allowedClientIds:
      readList(env, 'MCP_ALLOWED_CLIENT_IDS') ?? readList(env, 'COGNITO_ALLOWED_CLIENT_IDS'),
    requiredScopes: parseScopes(either('REQUIRED_SCOPES')),
    supportedScopes: supportedScopes.length > 0 ? supportedScopes : undefined,
    facade: facadeClientId
      ? { clientId: facadeClientId, redirectUris: requireList(env, 'MCP_FACADE_REDIRECT_URIS') }
      : undefined,
  }
  if (cognitoToo) {
    return cognito({
      ...common,
      userPoolId: env.COGNITO_USER_POOL_ID ?? '',
      region: env.COGNITO_REGION || undefined,
      domain: env.COGNITO_DOMAIN || undefined,
    })
  }
  return oauth({ ...common, issuer: issuers, jwksUri: env.MCP_JWKS_URI || undefined })
}
