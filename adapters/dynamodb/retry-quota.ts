/** The retries of the AWS SDKs' standard mode, with the figures that they use for DynamoDB. */

/** The largest number of attempts of one request. */
export const ATTEMPTS = 4

/** The longest first pause after a failure, and after throttling, in milliseconds. It doubles, with full jitter. */
const FAILURE_PAUSE = 25
const THROTTLING_PAUSE = 1_000
const LONGEST_PAUSE = 20_000

/** Tokens of one client: each retry takes some, a success gives them back. */
const TOKENS = 500
const FAILURE_COST = 14
const THROTTLING_COST = 5

export type FailureKind = 'throttled' | 'failed'

export interface RetryQuota {
  /** Returns the pause before attempt `attempt` + 1 in milliseconds, or undefined when it is not allowed. */
  pause(attempt: number, kind: FailureKind): number | undefined
  /** Reports a request that succeeded, and gives back the tokens of its retries. */
  succeeded(lastFailure: FailureKind | undefined): void
}

/** Each client has one quota. While no request succeeds, it stops the client from repeating requests. */
export function createRetryQuota(random: () => number = Math.random): RetryQuota {
  let tokens = TOKENS
  const costOf = (kind: FailureKind) => (kind === 'throttled' ? THROTTLING_COST : FAILURE_COST)
  return {
    pause(attempt, kind) {
      const cost = costOf(kind)
      if (attempt >= ATTEMPTS || tokens < cost) return undefined
      tokens -= cost
      const base = kind === 'throttled' ? THROTTLING_PAUSE : FAILURE_PAUSE
      return random() * Math.min(base * 2 ** (attempt - 1), LONGEST_PAUSE)
    },
    succeeded(lastFailure) {
      tokens = Math.min(TOKENS, tokens + (lastFailure ? costOf(lastFailure) : 1))
    },
  }
}
