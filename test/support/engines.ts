/** The servers that stores run on, each a real one, with what a fault test does to them. */
import { createTables, postgresStore } from '../../adapters/postgres/postgres-store.ts'
import { redisStore } from '../../adapters/redis/redis-store.ts'
import type { Store } from '../../src/index.ts'
import { startPostgres } from './postgres-server.ts'
import { startRedis } from './redis-server.ts'

export interface EngineServer extends AsyncDisposable {
  readonly port: number
  kill(): Promise<void>
  restart(): Promise<void>
  pause(): void
  resume(): void
}

export interface NetworkEngine {
  readonly name: string
  start(): Promise<EngineServer>
  /** What a server process needs in its environment to use it. */
  env(port: number): Record<string, string>
  /** A store on the server, reached through the port. */
  open(
    port: number,
    options?: { timeout?: number; clock?: () => number },
  ): Store & {
    close(): Promise<void>
  }
}

export const NETWORK_ENGINES: readonly NetworkEngine[] = [
  {
    name: 'Redis',
    start: () => startRedis(),
    env: (port) => ({ MCP_STORE: 'redis', MCP_REDIS_URL: `redis://127.0.0.1:${port}` }),
    open: (port, options) => redisStore({ url: `redis://127.0.0.1:${port}`, ...options }),
  },
  {
    name: 'PostgreSQL',
    async start() {
      const server = await startPostgres()
      await createTables({ url: server.url })
      return server
    },
    env: (port) => ({
      MCP_STORE: 'postgres',
      MCP_POSTGRES_URL: `postgres://test@127.0.0.1:${port}/postgres`,
    }),
    open: (port, options) =>
      postgresStore({ url: `postgres://test@127.0.0.1:${port}/postgres`, ...options }),
  },
]
