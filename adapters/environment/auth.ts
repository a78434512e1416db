/** Authorization from the environment: `AUTH_METHOD` and the variables of each method. */
import type { Auth, StaticToken } from '../../src/index.ts'
import { bearer, gateway, isLoopback } from '../../src/index.ts'
import type { AuthEnvOptions } from './oauth.ts'
import type { Environment } from './variables.ts'
import { EnvironmentError, parseScopes, requireList, usesCognito } from './variables.ts'

/**
 * Reads the method of authorization; `undefined` for none. Without `AUTH_METHOD` the other variables
 * decide: an issuer means `oauth`, a token means `bearer`.
 *
 * @throws {EnvironmentError} for a value that cannot be used; the message names the variable
 */
export async function readAuth(
  env: Environment = process.env,
  options: AuthEnvOptions = {},
): Promise<Auth | undefined> {
  try {
    return await toAuth(env, options)
  } catch (error) {
    if (error instanceof EnvironmentError || !(error instanceof Error)) throw error
    // The message of each method is one sentence that names the variable.
    throw new EnvironmentError(error.message, { cause: error })
  }
}

/** Refuses to serve other machines without authorization, unless `AUTH_METHOD=none` asks for it. */
export function requireAuth(auth: Auth | undefined, env: Environment, host: string): void {
  if (auth || isLoopback(host) || env.AUTH_METHOD === 'none') return
  throw new EnvironmentError(
    `HOST=${host} lets other machines in: set AUTH_METHOD to bearer, oauth or gateway, or to none if everybody may call`,
  )
}

async function toAuth(env: Environment, options: AuthEnvOptions): Promise<Auth | undefined> {
  const method = env.AUTH_METHOD || impliedMethod(env)
  switch (method) {
    case 'none':
      return undefined
    case 'bearer':
      return bearer({ tokens: requireList(env, 'MCP_AUTH_TOKEN').map(parseToken) })
    case 'oauth': {
      // Most of the code of authorization: a cold start with a static token does not read it.
      const { readOAuth } = await import('./oauth.ts')
      return readOAuth(env, options)
    }
    // An older name of `gateway`, which deployments still use.
    case 'lambda':
    case 'gateway':
      return gateway({ requiredScopes: parseScopes(env.MCP_REQUIRED_SCOPES) })
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

/** Parses `token`, or `token;subject=build-server;scopes=reports:read reports:write`. */
function parseToken(entry: string): StaticToken {
  const [token = '', ...settings] = entry.split(';').map((part) => part.trim())
  // The message quotes no part of the entry, because any part may be a mistyped token.
  if (!settings.every((setting) => /^(?:subject|scopes)=/.test(setting))) {
    throw new EnvironmentError('MCP_AUTH_TOKEN: only ;subject=… and ;scopes=… may follow a token')
  }
  const read = (name: string) =>
    settings.find((setting) => setting.startsWith(`${name}=`))?.slice(name.length + 1)
  const subject = read('subject')
  return { token, ...(subject && { subject }), scopes: parseScopes(read('scopes')) }
}
