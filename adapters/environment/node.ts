/** Reads the environment of a Node server: its address, its store, and the options of every server. */
import { readAuth, requireAuth } from './auth.ts'
import type { EnvironmentOptions } from './options.ts'
import { readServerOptions } from './options.ts'
import { readStore } from './store.ts'
import type { Environment } from './variables.ts'
import { readFlag, readNumber } from './variables.ts'

/**
 * Reads all options of a server on Node from the environment. Refuses a server without authorization
 * on an address that other machines reach, unless `AUTH_METHOD=none` asks for it.
 *
 * @throws {EnvironmentError} for a value that cannot be used; the message names the variable
 * @example
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', ...(await readEnvironment()) })
 * await serve(mcp, readAddress())
 */
export async function readEnvironment(env: Environment = process.env): Promise<EnvironmentOptions> {
  const { host, trustProxy } = readAddress(env)
  const auth = await readAuth(env, { knowsUrl: trustProxy })
  requireAuth(auth, env, host)
  const options = readServerOptions(env)
  const store = await readStore(env)
  return { ...options, ...(auth && { auth }), ...(store && { store }) }
}

/** Reads where a Node server listens, and whether a proxy stands in front of it: options of `serve()`. */
export function readAddress(env: Environment = process.env): {
  port: number
  host: string
  trustProxy: boolean
} {
  return {
    port: readNumber(env, 'PORT', { min: 0, max: 65_535, unit: 'a port' }) ?? 3000,
    host: env.HOST || '127.0.0.1',
    trustProxy: readFlag(env, 'MCP_TRUST_PROXY'),
  }
}
