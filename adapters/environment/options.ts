/** Options of `createMcp()` from the environment that are the same on every host. */
import type { Logger, McpOptions } from '../../src/index.ts'
import type { Environment } from './variables.ts'
import {
  EnvironmentError,
  misspelledVariables,
  readChoice,
  readList,
  readNumber,
} from './variables.ts'

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** Options of `createMcp()` that `readServerOptions()` reads. */
export type ServerOptions = Pick<
  McpOptions,
  'allowedHosts' | 'allowedOrigins' | 'bodyLimit' | 'sessionTtl' | 'stateKeys' | 'log'
>

/** Options of `createMcp()` that `readEnvironment()` reads, to be spread into it. */
export type EnvironmentOptions = ServerOptions &
  Pick<McpOptions, 'auth' | 'store' | 'listening' | 'runner'>

/**
 * Reads the guards, the session's lifetime, the sealing keys and the log. Writes a warning to that
 * log for each variable whose name is nearly one that is read.
 *
 * @throws {EnvironmentError} for a value that cannot be used
 */
export function readServerOptions(env: Environment = process.env): ServerOptions {
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
  const log = createLog(readChoice(env, 'LOG_LEVEL', { choices: LEVELS, fallback: 'info' }))
  for (const [set, meant] of misspelledVariables(env)) {
    log({ level: 'warn', message: `${set} is set but not read: did you mean ${meant}?` })
  }
  return {
    log,
    ...(allowedHosts && { allowedHosts }),
    ...(allowedOrigins && { allowedOrigins }),
    ...(bodyLimit !== undefined && { bodyLimit }),
    ...(sessionTtl !== undefined && { sessionTtl: sessionTtl * 1000 }),
    ...(stateKeys && { stateKeys }),
  }
}

/** Default allowedHosts, derived from MCP_RESOURCE_URL: clients send the host of that URL. */
function resourceHosts({ MCP_RESOURCE_URL: url }: Environment): string[] | undefined {
  if (!url || !URL.canParse(url)) return undefined
  return [new URL(url).hostname, 'localhost', '127.0.0.1', '[::1]']
}

/** Writes one JSON object per line to stderr, for entries of this level and above. */
function createLog(level: (typeof LEVELS)[number]): Logger {
  const from = LEVELS.indexOf(level)
  return (entry) => {
    if (LEVELS.indexOf(entry.level) < from) return
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
  }
}
