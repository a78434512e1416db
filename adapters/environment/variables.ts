/** The environment variables that a server reads, how their values are parsed, and which names are misspelled. */

/**
 * Every variable that configures a server. {@link Environment} has no other members, so the compiler
 * refuses to read a variable that is missing here.
 */
export const VARIABLES = [
  // The address of a Node server.
  'PORT',
  'HOST',
  'MCP_TRUST_PROXY',
  // Variables that every server reads.
  'LOG_LEVEL',
  'MCP_ALLOWED_HOSTS',
  'MCP_ALLOWED_ORIGINS',
  'MCP_BODY_LIMIT',
  'MCP_SESSION_TTL',
  'MCP_STATE_KEYS',
  'MCP_RESOURCE_URL',
  // The store.
  'MCP_STORE',
  'MCP_TABLE',
  'MCP_CREATE_TABLE',
  'MCP_REDIS_URL',
  'MCP_POSTGRES_URL',
  // Authorization.
  'AUTH_METHOD',
  'MCP_AUTH_TOKEN',
  'MCP_ISSUER',
  'MCP_JWKS_URI',
  'MCP_ALLOWED_CLIENT_IDS',
  'MCP_REQUIRED_SCOPES',
  'MCP_SUPPORTED_SCOPES',
  'MCP_FACADE_CLIENT_ID',
  'MCP_FACADE_REDIRECT_URIS',
  'COGNITO_USER_POOL_ID',
  'COGNITO_REGION',
  'COGNITO_DOMAIN',
  'COGNITO_ALLOWED_CLIENT_IDS',
  'COGNITO_REQUIRED_SCOPES',
  'COGNITO_SUPPORTED_SCOPES',
  'COGNITO_RESOURCE_ID',
  // Variables that only Lambda functions read.
  'MCP_METRICS',
  'MCP_STREAMS',
  'MCP_AUTH_TOKEN_SECRET',
  'MCP_AUTHORIZER_CACHE_SECONDS',
  'MCP_TASK_FUNCTION',
  // Variables that only the reference server reads.
  'MCP_DISABLED_TOOLS',
  'MCP_PAGE',
  'BEDROCK_ROLE_ARN',
  'BEDROCK_PRICES',
] as const

/** Variables that Lambda sets, or that AWS's own tools read, too. */
type AwsVariable =
  | 'AWS_REGION'
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
  | 'AWS_SESSION_TOKEN'
  | 'AWS_ENDPOINT_URL_SECRETS_MANAGER'
  | 'AWS_LAMBDA_FUNCTION_NAME'

/** The name of a variable that this server reads. */
export type Variable = (typeof VARIABLES)[number]

/** `process.env`, or an object of the same shape. */
export type Environment = { readonly [Name in Variable | AwsVariable]?: string | undefined }

/** A value with which the server cannot start. The message names the variable and says what it must be. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** Reads a whole number from `min` to `max`. `unit` is for the error message. */
export function readNumber(
  env: Environment,
  name: Variable,
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

/** Reads values separated by commas; undefined when the variable is unset or empty. */
export function readList(env: Environment, name: Variable): string[] | undefined {
  const values = env[name]
    ?.split(',')
    .map((value) => value.trim())
    .filter(Boolean)
  return values?.length ? values : undefined
}

/** Reads values separated by commas, at least one. */
export function requireList(env: Environment, name: Variable): string[] {
  const entries = readList(env, name)
  if (!entries) throw new EnvironmentError(`${name} is not set`)
  return entries
}

/** Splits scopes, which may be separated by spaces or commas. */
export const parseScopes = (value: string | undefined): string[] =>
  (value ?? '').split(/[\s,]+/).filter(Boolean)

/**
 * Tells whether any variable of Cognito is set. One is enough to show that Cognito is wanted, so that a
 * forgotten pool id stops the start instead of opening the server to everybody.
 */
export const usesCognito = (env: Environment): boolean =>
  Object.entries(env).some(([name, value]) => name.startsWith('COGNITO_') && value)

/** Reads `1` or `true`, `0` or `false`; false when the variable is unset or empty. */
export function readFlag(env: Environment, name: Variable): boolean {
  return ['1', 'true'].includes(
    readChoice(env, name, { choices: ['0', '1', 'false', 'true'], fallback: '0' }),
  )
}

/** Reads one of some words, in upper or lower case. */
export function readChoice<T extends string>(
  env: Environment,
  name: Variable,
  { choices, fallback }: { choices: readonly T[]; fallback: T },
): T {
  const value = env[name]
  if (!value) return fallback
  const found = choices.find((choice) => choice === value.toLowerCase())
  if (!found)
    throw new EnvironmentError(`${name} must be one of ${choices.join(', ')}, not "${value}"`)
  return found
}

/** Names that begin like this are probably meant for this server. */
const PREFIX = /^(?:MCP|BEDROCK|COGNITO|OAUTH|AUTH|LOG)_/

/**
 * Finds variables that are set but not read, and whose name is close to one that is read: a typing
 * error (`MCP_SESION_TTL`), or another prefix (`OAUTH_ISSUER`).
 *
 * @returns pairs of the name that is set and the name that is probably meant
 */
export function misspelledVariables(env: object): [set: string, meant: Variable][] {
  const known: ReadonlySet<string> = new Set(VARIABLES)
  return Object.entries(env).flatMap(([name, value]): [string, Variable][] => {
    if (!value || known.has(name) || !PREFIX.test(name)) return []
    const stem = name.replace(PREFIX, '')
    const meant =
      nearest(name, (variable) => variable) ??
      nearest(stem, (variable) => variable) ??
      nearest(stem, (variable) => variable.replace(PREFIX, ''))
    return meant ? [[name, meant]] : []
  })
}

/** The variable with the smallest edit distance, if at most one letter in four differs, and two at most. */
function nearest(name: string, partOf: (variable: Variable) => string): Variable | undefined {
  let best: { variable: Variable; distance: number } | undefined
  for (const variable of VARIABLES) {
    const part = partOf(variable)
    const distance = editDistance(name, part)
    const allowed = Math.min(2, Math.floor(part.length / 4))
    if (distance <= allowed && distance < (best?.distance ?? 3)) best = { variable, distance }
  }
  return best?.variable
}

/** How many letters must be inserted, deleted or replaced to make one text the other (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (const [i, letter] of [...left].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...right].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
