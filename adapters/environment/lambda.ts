/** Reads the environment of Lambda functions: the variables that `template.yaml` sets. */

import type { Auth, Store } from '../../src/index.ts'
import type { SecretOptions } from '../secret.ts'
import { readAuth as readPlainAuth } from './auth.ts'
import type { EnvironmentOptions } from './options.ts'
import { readServerOptions } from './options.ts'
import type { Environment } from './variables.ts'
import { EnvironmentError, readFlag, readNumber } from './variables.ts'

/**
 * Reads all options of a server on Lambda from the environment: authorization, store, guards, log.
 * Streams that stay open between calls are off unless `MCP_STREAMS` is true, because each of them
 * keeps an instance running.
 *
 * @throws {EnvironmentError} for a value that cannot be used; the message names the variable
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', ...(await readEnvironment()) })
 * export const handler = lambda(mcp)
 */
export async function readEnvironment(env: Environment = process.env): Promise<EnvironmentOptions> {
  const auth = await readAuth(env)
  const store = await readStore(env)
  const functionArn = env.MCP_TASK_FUNCTION
  const runner = functionArn && (await import('./runner.ts')).readRunner(functionArn)
  return {
    ...readServerOptions(env),
    ...(auth && { auth }),
    ...(store && { store }),
    ...(runner && { runner }),
    listening: readFlag(env, 'MCP_STREAMS'),
  }
}

/**
 * Reads the method of authorization; `undefined` for none, which needs `AUTH_METHOD=none`. Static tokens
 * are fetched from the secret that `MCP_AUTH_TOKEN_SECRET` names, and again with a request after 30
 * seconds: a token that is removed from the secret is refused from then on, by running instances too.
 */
export async function readAuth(
  env: Environment = process.env,
  options: SecretOptions = {},
): Promise<Auth | undefined> {
  const secretId = env.MCP_AUTH_TOKEN_SECRET
  const auth = await (secretId ? readSecretAuth(env, secretId, options) : readPlainAuth(env))
  if (!auth && env.AUTH_METHOD !== 'none') {
    throw new EnvironmentError(
      'AUTH_METHOD is not set, and a Lambda function is public: set it to none if everybody may call',
    )
  }
  return auth
}

async function readSecretAuth(
  env: Environment,
  secretId: string,
  options: SecretOptions,
): Promise<Auth | undefined> {
  const { readSecret } = await import('../secret.ts')
  const read = async () =>
    readPlainAuth({ ...env, MCP_AUTH_TOKEN: await readSecret(env, secretId, options) })
  const usesTokens = !env.AUTH_METHOD || env.AUTH_METHOD === 'bearer'
  if (!usesTokens) return read()
  const { renewedAuth } = await import('../renewed-auth.ts')
  const { clock } = options
  return renewedAuth({
    ...(clock && { clock }),
    async read() {
      const auth = await read()
      if (!auth) throw new EnvironmentError('The secret of MCP_AUTH_TOKEN_SECRET holds no token')
      return auth
    },
  })
}

/**
 * Reads where sessions are kept: the DynamoDB table, or `undefined` for memory. The table is not
 * checked, because a stack creates it, and a cold start must not wait for it.
 */
export async function readStore(env: Environment = process.env): Promise<Store | undefined> {
  if (!env.MCP_TABLE) return undefined
  // A start without a table does not read the code of DynamoDB.
  const { dynamoStore } = await import('../dynamodb/dynamo-store.ts')
  return dynamoStore({ table: env.MCP_TABLE })
}

/** Reads for how many seconds API Gateway caches a result of the authorizer. */
export function readCacheSeconds(env: Environment = process.env): number {
  return (
    readNumber(env, 'MCP_AUTHORIZER_CACHE_SECONDS', { min: 0, max: 3600, unit: 'seconds' }) ?? 0
  )
}
