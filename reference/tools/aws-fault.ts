/** What kind of failure an AWS client reported, so that each can be told in words of our own. */

/**
 * `missing`: there is no such thing. `credentials`: there are none, or they are no longer good.
 * `denied`: good, but not for this. `throttled`: AWS asked to slow down past the client's own retries.
 * `unreachable`: no answer. `broken`: an answer, but AWS says that the fault is its own. `refused`: this
 * call cannot be served.
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

/** Undefined for anything that is not known to be AWS's or the network's doing. */
export function awsFault(error: unknown): AwsFault | undefined {
  if (!(error instanceof Error)) return undefined
  const known = FAULTS_BY_NAME.get(error.name)
  if (known) return known
  const { code, $metadata } = error as { code?: unknown; $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  if (status === 429) return 'throttled'
  if (status !== undefined && status >= 500) return 'broken'
  // Node's network errors carry a code such as ECONNREFUSED or ENOTFOUND, and no answer's metadata.
  if (typeof code === 'string' && status === undefined && /^E[A-Z_]+$/.test(code)) {
    return 'unreachable'
  }
  return undefined
}
