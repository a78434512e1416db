/** Who may call, from the environment: `AUTH_METHOD` and the variables of each method. */
import type { Auth, OAuthOptions, StaticToken } from '../../src/index.ts'
import { bearer, cognito, gateway, oauth } from '../../src/index.ts'
import type { Environment } from './options.ts'
import { EnvironmentError, readList } from './options.ts'

/** What does not come from the environment. */
export interface AuthEnvOptions extends Pick<OAuthOptions, 'path' | 'fetch' | 'clock'> {
  /** Whether the door is told by its host where clients find it; else the environment has to. @default true */
  knowsUrl?: boolean
}

/**
 * The way of authorization that the environment asks for; `undefined` for none. Without
 * `AUTH_METHOD` it follows from what else is set.
 */
export function readAuth(env: Environment, surroundings: AuthEnvOptions = {}): Auth | undefined {
  try {
    return toAuth(env, surroundings)
  } catch (error) {
    if (error instanceof EnvironmentError || !(error instanceof Error)) throw error
    // Each way says in one sentence what it lacks, and names the variable.
    throw new EnvironmentError(error.message, { cause: error })
  }
}

/** Refuses to let the network in unasked: whoever wants that says `AUTH_METHOD=none`. */
export function requireAuth(auth: Auth | undefined, env: Environment, host: string): void {
  const loopback = host === 'localhost' || host === '::1' || host.startsWith('127.')
  if (auth || loopback || env.AUTH_METHOD === 'none') return
  throw new EnvironmentError(
    `HOST=${host} lets other machines in: set AUTH_METHOD to bearer, oauth or gateway, or to none if everybody may call`,
  )
}

function toAuth(env: Environment, surroundings: AuthEnvOptions): Auth | undefined {
  const method = env.AUTH_METHOD || impliedMethod(env)
  switch (method) {
    case 'none':
      return undefined
    case 'bearer':
      return bearer({ tokens: requireList(env, 'MCP_AUTH_TOKEN').map(parseToken) })
    case 'oauth':
      return toOAuth(env, surroundings)
    // the older name, from when the gateway was a Lambda function's only caller
    case 'lambda':
    case 'gateway':
      return gateway({ requiredScopes: readScopes(env.MCP_REQUIRED_SCOPES) })
    default:
      throw new EnvironmentError(
        `AUTH_METHOD must be one of none, bearer, oauth, gateway, not "${method}"`,
      )
  }
}

function impliedMethod(env: Environment): string {
  const issuer = Boolean(env.MCP_ISSUER) || usesCognito(env)
  if (issuer && env.MCP_AUTH_TOKEN) {
    throw new EnvironmentError(
      'Both an issuer and MCP_AUTH_TOKEN are set: AUTH_METHOD must say which counts',
    )
  }
  if (issuer) return 'oauth'
  return env.MCP_AUTH_TOKEN ? 'bearer' : 'none'
}

// Any of them shows the intention, so that a forgotten pool stops the start instead of opening it.
const usesCognito = (env: Environment): boolean =>
  Object.keys(env).some((name) => name.startsWith('COGNITO_') && env[name])

function toOAuth(env: Environment, { knowsUrl = true, ...options }: AuthEnvOptions): Auth {
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
  const either = (name: string) => env[`MCP_${name}`] || env[`COGNITO_${name}`]
  const supportedScopes = readScopes(either('SUPPORTED_SCOPES'))
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
    // A resource server's identifier in Cognito need not be a URL; then it can only be a name in `aud`.
    audience: resourceId && !resourceIdIsUrl ? [resourceId] : [],
    allowedClientIds:
      readList(env, 'MCP_ALLOWED_CLIENT_IDS') ?? readList(env, 'COGNITO_ALLOWED_CLIENT_IDS'),
    requiredScopes: readScopes(either('REQUIRED_SCOPES')),
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
    throw new EnvironmentError('MCP_AUTH_TOKEN: only ;subject=… and ;scopes=… may follow a token')
  }
  const read = (name: string) =>
    settings.find((setting) => setting.startsWith(`${name}=`))?.slice(name.length + 1)
  const subject = read('subject')
  return { token, ...(subject && { subject }), scopes: readScopes(read('scopes')) }
}

const readScopes = (value: string | undefined): string[] =>
  (value ?? '').split(/[\s,]+/).filter(Boolean)

function requireList(env: Environment, name: string): string[] {
  const entries = readList(env, name)
  if (!entries) throw new EnvironmentError(`${name} is not set`)
  return entries
}
