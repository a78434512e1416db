/** The store of a Node server from the environment. */
import type { Store } from '../../src/index.ts'
import type { Environment, Variable } from './variables.ts'
import { EnvironmentError, readChoice, readFlag } from './variables.ts'

/**
 * Reads where sessions are kept: `undefined` for memory, else a DynamoDB table, Redis or PostgreSQL. The
 * engine gets a request here, so that a wrong name or a missing right is found at the start and not by
 * the first client.
 *
 * @throws {EnvironmentError} for an engine that cannot be used; the message says why
 */
export async function readStore(env: Environment = process.env): Promise<Store | undefined> {
  const kind = readChoice(env, 'MCP_STORE', {
    choices: ['memory', 'dynamodb', 'redis', 'postgres'],
    fallback: env.MCP_TABLE ? 'dynamodb' : 'memory',
  })
  if (kind === 'memory') return undefined
  try {
    if (kind === 'dynamodb') return await openDynamo(env)
    return kind === 'redis' ? await openRedis(env) : await openPostgres(env)
  } catch (error) {
    if (error instanceof EnvironmentError) throw error
    throw new EnvironmentError(error instanceof Error ? error.message : String(error))
  }
}

async function openDynamo(env: Environment): Promise<Store> {
  const table = requireValue(env, 'MCP_TABLE', 'MCP_STORE=dynamodb', 'the name of the table')
  const { checkTable, createTable, dynamoStore } = await import('../dynamodb/dynamo-store.ts')
  if (readFlag(env, 'MCP_CREATE_TABLE')) await createTable({ table })
  await checkTable({ table })
  return dynamoStore({ table })
}

async function openRedis(env: Environment): Promise<Store> {
  const url = requireValue(env, 'MCP_REDIS_URL', 'MCP_STORE=redis', 'such as redis://host:6379')
  const { redisStore } = await import('../redis/redis-store.ts')
  return checked(redisStore({ url }))
}

async function openPostgres(env: Environment): Promise<Store> {
  const meaning = 'such as postgres://user@host:5432/database'
  const url = requireValue(env, 'MCP_POSTGRES_URL', 'MCP_STORE=postgres', meaning)
  const { createTables, postgresStore } = await import('../postgres/postgres-store.ts')
  if (readFlag(env, 'MCP_CREATE_TABLE')) await createTables({ url })
  return checked(postgresStore({ url }))
}

function requireValue(env: Environment, name: Variable, setting: string, meaning: string): string {
  const value = env[name]
  if (!value) throw new EnvironmentError(`${setting} needs ${name}, ${meaning}`)
  return value
}

/** Reads a record that does not exist: this needs the connection and the right to read. */
async function checked(store: Store & { close(): Promise<void> }): Promise<Store> {
  try {
    await store.get(['check', 'start'])
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}
