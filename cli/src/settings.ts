/** Where to connect and how: command-line options over environment variables over defaults. */

import { homedir } from 'node:os'
import { join } from 'node:path'
import type { LoggingLevel } from '@modelcontextprotocol/client'
import { exitCodes, Problem } from './problem.ts'

export const AUTH_METHODS = ['auto', 'oauth', 'lambda'] as const
/**
 * `auto` logs in when the server asks for it. `oauth` does the same, and never sends `ACCESS_TOKEN`.
 * `lambda` only sends `ACCESS_TOKEN`, for servers behind a plain Lambda authorizer.
 */
export type AuthMethod = (typeof AUTH_METHODS)[number]

const ERAS = ['auto', 'legacy', 'modern'] as const
/** The protocol to speak: `modern` is 2026-07-28, `legacy` is a revision with `initialize`. */
export type Era = (typeof ERAS)[number]

export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const satisfies readonly LoggingLevel[]

/** The client's registration at an issuer. */
export interface ClientIdentity {
  /** A pre-registered client id, or the `https` URL of a client-id metadata document. */
  readonly clientId?: string
  readonly clientSecret?: string
  /** The issuer at which `clientId` is registered; without it, the first issuer at which it was used. */
  readonly issuer?: string
  /** The redirect URI, exactly as registered. Without one, any free loopback port is used. */
  readonly redirectUri?: string
}

export interface Settings {
  url: string
  authMethod: AuthMethod
  readonly era: Era
  readonly identity: ClientIdentity
  readonly accessToken?: string
  /** Accept an issuer that does not say whether it supports PKCE; Amazon Cognito is one. */
  readonly assumePkce: boolean
  /** The folder of logins and history. */
  readonly folder: string
  debug: boolean
}

export interface SettingOptions {
  readonly url?: string | undefined
  readonly era?: string | undefined
}

/** Reads all environment variables of the client. Other files do not read any. */
export function readSettings(env: NodeJS.ProcessEnv, options: SettingOptions = {}): Settings {
  const given = (name: string): string | undefined => env[name]?.trim() || undefined
  const clientId = given('OAUTH_CLIENT_ID')
  const clientSecret = given('OAUTH_CLIENT_SECRET')
  const issuer = given('OAUTH_ISSUER')
  const redirectUri = given('OAUTH_REDIRECT_URI')
  const accessToken = given('ACCESS_TOKEN')
  return {
    url: parseServerUrl(options.url ?? given('MCP_SERVER_URL') ?? 'http://localhost:3000/mcp'),
    authMethod: oneOf(AUTH_METHODS, given('AUTH_METHOD') ?? 'auto', 'AUTH_METHOD'),
    era: oneOf(ERAS, options.era ?? 'auto', '--era'),
    identity: {
      ...(clientId !== undefined && { clientId }),
      ...(clientSecret !== undefined && { clientSecret }),
      ...(issuer !== undefined && { issuer }),
      ...(redirectUri !== undefined && { redirectUri }),
    },
    ...(accessToken !== undefined && { accessToken }),
    assumePkce: given('OAUTH_ASSUME_PKCE') === '1',
    folder: given('STREAMABLE_MCP_HOME') ?? join(homedir(), '.streamable-mcp'),
    debug: given('MCP_CLIENT_DEBUG') === 'true',
  }
}

export function oneOf<T extends string>(values: readonly T[], text: string, name: string): T {
  const value = values.find((candidate) => candidate === text)
  if (value !== undefined) return value
  throw new Problem(`${name} must be one of ${values.join(', ')}; it is "${text}".`, {
    exit: exitCodes.usage,
  })
}

/**
 * Returns the server's URL without trailing slash and fragment: tokens are stored under this form. A name
 * without a scheme gets one, and the stage URL of API Gateway gets its `/mcp`.
 */
export function parseServerUrl(text: string): string {
  const bare = text.trim()
  const local = /^(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/i.test(bare)
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(bare)
    ? bare
    : `${local ? 'http' : 'https'}://${bare}`
  let url: URL
  try {
    url = new URL(withScheme)
  } catch {
    throw new Problem(`"${text}" is not a URL.`, {
      exit: exitCodes.usage,
      next: 'Give the address of the MCP endpoint, like https://example.com/mcp.',
    })
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Problem(`"${text}" is not an http or https URL.`, { exit: exitCodes.usage })
  }
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+$/, '')
  if (url.hostname.includes('.execute-api.') && /^\/(?!mcp$)[^/]+$/.test(url.pathname)) {
    url.pathname += '/mcp'
  }
  return url.pathname === '/' ? url.href.replace(/\/$/, '') : url.href
}
