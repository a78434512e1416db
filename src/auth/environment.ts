/** The way of authorization that environment variables describe; the doors hand them over. */

import type { Auth } from './auth.ts'
import { bearer, type StaticToken } from './bearer.ts'
import { cognito } from './cognito.ts'
import { gateway } from './gateway.ts'
import { type OAuthOptions, oauth } from './oauth.ts'
import { parseScopes } from './principal.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What does not come from the environment. */
type Surroundings = Pick<OAuthOptions, 'path' | 'fetch' | 'clock'>

/**
 * Reads `AUTH_METHOD` and the variables of that method. Without it the method follows from what is
 * set; `undefined` means none. Throws one sentence about what is missing or does not fit.
 */
export function authFromEnvironment(
  env: Environment,
  surroundings: Surroundings = {},
): Auth | undefined {
  const method = env.AUTH_METHOD || impliedMethod(env)
  switch (method) {
    case 'none':
      return undefined
    case 'bearer':
      return bearer({ tokens: requireList(env, 'MCP_AUTH_TOKEN').map(parseToken) })
    case 'oauth':
      return oauthFromEnvironment(env, surroundings)
    // The older name, from when the gateway was a Lambda function's only caller.
    case 'lambda':
    case 'gateway':
      return gateway({ requiredScopes: parseScopes(env.MCP_REQUIRED_SCOPES) })
    default:
      throw new Error(
        `AUTH_METHOD is ${JSON.stringify(method)}; it can be none, bearer, oauth or gateway.`,
      )
  }
}

function impliedMethod(env: Environment): string {
  const issuer = Boolean(env.MCP_ISSUER) || usesCognito(env)
  if (issuer && env.MCP_AUTH_TOKEN) {
    throw new Error('Both an issuer and MCP_AUTH_TOKEN are set: AUTH_METHOD must say which counts.')
  }
  if (issuer) return 'oauth'
  return env.MCP_AUTH_TOKEN ? 'bearer' : 'none'
}

// Any of them shows the intention, so that a forgotten pool stops the start instead of opening it.
const usesCognito = (env: Environment): boolean =>
  Object.keys(env).some((name) => name.startsWith('COGNITO_') && env[name])

function oauthFromEnvironment(env: Environment, surroundings: Surroundings): Auth {
  const issuers = parseList(env.MCP_ISSUER)
  const cognitoToo = usesCognito(env)
  if (issuers.length === 0 && !cognitoToo) {
    throw new Error('AUTH_METHOD=oauth needs MCP_ISSUER, or COGNITO_USER_POOL_ID for Cognito.')
  }
  if (issuers.length > 0 && cognitoToo) {
    throw new Error(
      'MCP_ISSUER and COGNITO_… are both set: only one of them can say who issues tokens.',
    )
  }
  const either = (name: string) => env[`MCP_${name}`] || env[`COGNITO_${name}`]
  const clientIds = parseList(either('ALLOWED_CLIENT_IDS'))
  const supportedScopes = parseScopes(either('SUPPORTED_SCOPES'))
  const resourceId = env.COGNITO_RESOURCE_ID
  const resourceIdIsUrl = resourceId !== undefined && URL.canParse(resourceId)
  const facadeClientId = env.MCP_FACADE_CLIENT_ID
  const common = {
    ...surroundings,
    resource: env.MCP_RESOURCE_URL || (resourceIdIsUrl ? resourceId : undefined),
    // A resource server's identifier in Cognito need not be a URL; then it can only be a name in `aud`.
    audience: resourceId && !resourceIdIsUrl ? [resourceId] : [],
    allowedClientIds: clientIds.length > 0 ? clientIds : undefined,
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

/** `token`, or `token;subject=build-server;scopes=reports:read reports:write`. */
function parseToken(entry: string): StaticToken {
  const [token = '', ...settings] = entry.split(';').map((part) => part.trim())
  // The message names no part of the entry: what is mistyped here may well be the token.
  if (!settings.every((setting) => /^(?:subject|scopes)=/.test(setting))) {
    throw new Error('MCP_AUTH_TOKEN: only ;subject=… and ;scopes=… may follow a token.')
  }
  const read = (name: string) =>
    settings.find((setting) => setting.startsWith(`${name}=`))?.slice(name.length + 1)
  const subject = read('subject')
  return { token, ...(subject && { subject }), scopes: parseScopes(read('scopes')) }
}

const parseList = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)

function requireList(env: Environment, name: string): string[] {
  const entries = parseList(env[name])
  if (entries.length === 0) throw new Error(`${name} is not set.`)
  return entries
}
