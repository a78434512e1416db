/** An API Gateway REQUEST authorizer that verifies callers as the server behind it does. */

import type { Auth } from '../src/index.ts'
import { AuthError, toAuthorizerContext } from '../src/index.ts'
import { parseEvent } from './apigateway.ts'

export { readAuth, readCacheSeconds } from './environment/lambda.ts'
export { EnvironmentError } from './environment/variables.ts'

/** The result that a REST API expects. Values of the context may be strings, numbers and booleans only. */
export interface AuthorizerResult {
  readonly principalId: string
  readonly policyDocument: {
    readonly Version: '2012-10-17'
    readonly Statement: readonly [
      {
        readonly Action: 'execute-api:Invoke'
        readonly Effect: 'Allow' | 'Deny'
        readonly Resource: string
      },
    ]
  }
  readonly context?: Readonly<Record<string, string | number | boolean>>
}

/** Options of {@link authorizer}. */
export interface AuthorizerOptions {
  /**
   * For how many seconds the gateway caches a result (`authorizerResultTtlInSeconds`). A token that
   * expires earlier is refused, so that no result is cached longer than its token is valid.
   * @default 0
   */
  cacheSeconds?: number
  /** The current time in epoch milliseconds. @default Date.now */
  now?: () => number
  /** Receives failures that are not the caller's fault. @default console.error */
  log?: (message: string, error: unknown) => void
}

/**
 * Creates a handler for an authorizer of type REQUEST. A missing or invalid token rejects with
 * `Unauthorized` (the gateway answers 401), a token without a required scope gets a Deny (403), and
 * anything else, such as keys that cannot be fetched, rejects with another error (500).
 *
 * @example export const handler = authorizer(bearer({ tokens }), { cacheSeconds: 60 })
 */
export function authorizer(
  auth: Auth,
  options: AuthorizerOptions = {},
): (event: unknown) => Promise<AuthorizerResult> {
  const { cacheSeconds = 0, now = Date.now, log = logError } = options
  return async (event) => {
    const incoming = parseEvent(event)
    const resource = endpointArn(event)
    if (incoming === undefined || resource === undefined) {
      throw new Error('Not an event of a REQUEST authorizer')
    }
    try {
      const principal = await auth.verify(incoming.request, incoming.platform)
      const { exp } = principal.claims
      if (typeof exp === 'number' && exp - now() / 1000 < cacheSeconds) {
        throw new AuthError('The token is about to expire', { code: 'invalid_token' })
      }
      return {
        principalId: principal.id,
        policyDocument: policy('Allow', resource),
        context: toAuthorizerContext(principal),
      }
    } catch (error) {
      if (!(error instanceof AuthError)) {
        log('the authorizer could not decide', error)
        throw new Error('Authorization is not available')
      }
      // The gateway answers 401 only for exactly this message, and 500 for any other.
      if (error.code !== 'insufficient_scope') throw new Error('Unauthorized')
      return { principalId: 'unknown', policyDocument: policy('Deny', resource) }
    }
  }
}

/**
 * Returns the ARN of the called endpoint in this stage, for every method. The gateway caches the policy
 * for a token, and a policy for POST alone would refuse the same client's next GET or DELETE.
 */
function endpointArn(event: unknown): string | undefined {
  const { methodArn, resource } = event as { methodArn?: unknown; resource?: unknown }
  if (typeof methodArn !== 'string' || typeof resource !== 'string') return undefined
  const [api, stage] = methodArn.split('/')
  return `${api}/${stage}/*${resource.replace(/\{[^}]*\}/g, '*')}`
}

function policy(Effect: 'Allow' | 'Deny', Resource: string): AuthorizerResult['policyDocument'] {
  return {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }],
  }
}

function logError(message: string, error: unknown): void {
  console.error(message, error)
}
