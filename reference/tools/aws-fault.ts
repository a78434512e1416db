/** Classifies the failures that an AWS client reports, so that tools can explain each kind. */

/**
 * `missing`: the resource does not exist. `credentials`: they are missing or not valid any more.
 * `denied`: they lack a right. `throttled`: AWS still throttles after the client's own retries.
 * `unreachable`: AWS did not answer. `broken`: AWS reports an error of its own. `refused`: AWS refuses
 * this call for another reason.
 */
export type AwsFault =
  | 'missing'
  | 'denied'
  | 'credentials'
  | 'throttled'
  | 'unreachable'
  | 'broken'
  | 'refused'

const FAULTS_BY_NAME = new Map<string, AwsFault>([
  ['ResourceNotFoundException', 'missing'],
  ['AccessDenied', 'denied'],
  ['AccessDeniedException', 'denied'],
  ['UnauthorizedOperation', 'denied'],
  ['CredentialsProviderError', 'credentials'],
  ['TokenProviderError', 'credentials'],
  ['ExpiredToken', 'credentials'],
  ['ExpiredTokenException', 'credentials'],
  ['InvalidAccessKeyId', 'credentials'],
  ['InvalidClientTokenId', 'credentials'],
  ['InvalidSignatureException', 'credentials'],
  ['InvalidToken', 'credentials'],
  ['SignatureDoesNotMatch', 'credentials'],
  ['UnrecognizedClientException', 'credentials'],
  ['LimitExceededException', 'throttled'],
  ['RequestLimitExceeded', 'throttled'],
  ['SlowDown', 'throttled'],
  ['Throttling', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['TooManyRequestsException', 'throttled'],
  ['TimeoutError', 'unreachable'],
  ['InvalidOperationException', 'refused'],
  ['InvalidParameterException', 'refused'],
  ['MalformedQueryException', 'refused'],
  ['UnknownOperationException', 'refused'],
  ['ValidationException', 'refused'],
])

/** Returns undefined for an error that comes neither from AWS nor from the network. */
export function awsFault(error: unknown): AwsFault | undefined {
  if (!(error instanceof Error)) return undefined
  const known = FAULTS_BY_NAME.get(error.name)
  if (known) return known
  const { code, $metadata } = error as { code?: unknown; $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  if (status === 429) return 'throttled'
  if (status !== undefined && status >= 500) return 'broken'
  // Node's network errors have a code such as ECONNREFUSED or ENOTFOUND, and no metadata of an answer.
  if (typeof code === 'string' && status === undefined && /^E[A-Z_]+$/.test(code)) {
    return 'unreachable'
  }
  return undefined
}
