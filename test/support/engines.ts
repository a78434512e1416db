/** The real servers of the stores, with the faults that tests need. */
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
  /** The environment variables with which a server process uses it. */
  env(port: number): Record<string, string>
  /** Opens a store on the server, through this port. */
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
