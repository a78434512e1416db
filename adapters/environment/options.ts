/** The environment, read in one place: each variable checked, and named in the sentence that refuses it. */
import type { Logger, McpOptions, Store } from '../../src/index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A value that the server cannot start with. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** What every door needs: guards, sessions, sealing, the log. */
export function readOptions(
  env: Environment,
): Pick<
  McpOptions,
  'allowedHosts' | 'allowedOrigins' | 'bodyLimit' | 'sessionTtl' | 'stateKeys' | 'log'
> {
  const sessionTtl = readNumber(env, 'MCP_SESSION_TTL', { min: 60, unit: 'seconds' })
  const bodyLimit = readNumber(env, 'MCP_BODY_LIMIT', { min: 1_000, unit: 'bytes' })
  const stateKeys = readList(env, 'MCP_STATE_KEYS')
  if (stateKeys?.some((key) => key.length < 32)) {
    throw new EnvironmentError('MCP_STATE_KEYS needs 32 characters or more for each key')
  }
  const allowedHosts = readList(env, 'MCP_ALLOWED_HOSTS') ?? resourceHosts(env)
  const allowedOrigins = readList(env, 'MCP_ALLOWED_ORIGINS')
  for (const origin of allowedOrigins ?? []) {
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
      throw new EnvironmentError(
        `MCP_ALLOWED_ORIGINS must list origins such as https://app.example.com, not "${origin}"`,
      )
    }
  }
  return {
    log: createLog(readChoice(env, 'LOG_LEVEL', LEVELS, 'info')),
    ...(allowedHosts && { allowedHosts }),
    ...(allowedOrigins && { allowedOrigins }),
    ...(bodyLimit !== undefined && { bodyLimit }),
    ...(sessionTtl !== undefined && { sessionTtl: sessionTtl * 1000 }),
    ...(stateKeys && { stateKeys }),
  }
}

/**
 * The store that the environment names: `undefined` for memory, else the table, checked before the
 * first request finds out what is wrong with it.
 */
export async function readStore(env: Environment): Promise<Store | undefined> {
  const kind = readChoice(
    env,
    'MCP_STORE',
    ['memory', 'dynamodb'],
    env.MCP_TABLE ? 'dynamodb' : 'memory',
  )
  if (kind === 'memory') return undefined
  const table = env.MCP_TABLE
  if (!table)
    throw new EnvironmentError('MCP_STORE=dynamodb needs MCP_TABLE, the name of the table')
  const { checkTable, createTable, dynamoStore } = await import('../dynamodb/dynamo-store.ts')
  try {
    if (readFlag(env, 'MCP_CREATE_TABLE')) await createTable({ table })
    await checkTable({ table })
  } catch (error) {
    throw new EnvironmentError(error instanceof Error ? error.message : String(error))
  }
  return dynamoStore({ table })
}

/** Whoever says under which URL clients call has said which host that is. */
function resourceHosts({ MCP_RESOURCE_URL: url }: Environment): string[] | undefined {
  if (!url || !URL.canParse(url)) return undefined
  return [new URL(url).hostname, 'localhost', '127.0.0.1', '[::1]']
}

/** Where the Node door listens, and whether a proxy stands before it. */
export function readAddress(env: Environment): {
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

export function readNumber(
  env: Environment,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER, unit }: { min: number; max?: number; unit: string },
): number | undefined {
  const text = env[name]
  if (!text) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
    throw new EnvironmentError(`${name} must be a whole number (${unit}), ${range}, not "${text}"`)
  }
  return value
}

/** Comma-separated; undefined when unset or empty. */
export function readList(env: Environment, name: string): string[] | undefined {
  const values = env[name]
    ?.split(',')
    .map((value) => value.trim())
    .filter(Boolean)
  return values?.length ? values : undefined
}

/** `1` or `true`; `0`, `false` or nothing. */
function readFlag(env: Environment, name: string): boolean {
  return ['1', 'true'].includes(readChoice(env, name, ['0', '1', 'false', 'true'], '0'))
}

function readChoice<T extends string>(
  env: Environment,
  name: string,
  choices: readonly T[],
  otherwise: T,
): T {
  const value = env[name]
  if (!value) return otherwise
  const found = choices.find((choice) => choice === value.toLowerCase())
  if (!found)
    throw new EnvironmentError(`${name} must be one of ${choices.join(', ')}, not "${value}"`)
  return found
}

/** One JSON object a line, on stderr, from the level on. */
function createLog(level: (typeof LEVELS)[number]): Logger {
  const from = LEVELS.indexOf(level)
  return (entry) => {
    if (LEVELS.indexOf(entry.level) < from) return
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
  }
}
