/** The environment of the Lambda functions: what `template.yaml` sets beyond what every door reads. */

import type { Auth, Store } from '../../src/index.ts'
import { dynamoStore } from '../dynamodb/dynamo-store.ts'
import type { SecretOptions } from '../secret.ts'
import { readSecret } from '../secret.ts'
import { readAuth } from './auth.ts'
import type { Environment } from './options.ts'
import { EnvironmentError, readNumber } from './options.ts'

/**
 * Who may call. A static token is fetched from the secret that `MCP_AUTH_TOKEN_SECRET` names, once
 * per instance: a new token holds for every instance that starts after it was changed.
 */
export async function readLambdaAuth(
  env: Environment,
  options: SecretOptions = {},
): Promise<Auth | undefined> {
  const secret = env.MCP_AUTH_TOKEN_SECRET
  if (!env.AUTH_METHOD) throw new EnvironmentError('AUTH_METHOD is not set: say none for nobody')
  if (!secret) return readAuth(env)
  return readAuth({ ...env, MCP_AUTH_TOKEN: await readSecret(env, secret, options) })
}

/** The table, which the stack has made: asked nothing before it is needed, for a cold start's sake. */
export function readLambdaStore(env: Environment): { store?: Store } {
  return env.MCP_TABLE ? { store: dynamoStore({ table: env.MCP_TABLE }) } : {}
}

/** For how long the gateway keeps what the authorizer says, in seconds. */
export function readCacheSeconds(env: Environment): number {
  return (
    readNumber(env, 'MCP_AUTHORIZER_CACHE_SECONDS', { min: 0, max: 3600, unit: 'seconds' }) ?? 0
  )
}
