/** The retries of the AWS SDKs' standard mode, with the figures that they use for DynamoDB. */

/** Attempts of one request. */
export const ATTEMPTS = 4

/** Milliseconds: the longest first pause after a failure, and after throttling. It doubles, with full jitter. */
const FAILURE_PAUSE = 25
const THROTTLING_PAUSE = 1_000
const LONGEST_PAUSE = 20_000

/** Tokens of one client: each retry takes some, a success gives them back. */
const TOKENS = 500
const FAILURE_COST = 14
const THROTTLING_COST = 5

export type FailureKind = 'throttled' | 'failed'

export interface RetryQuota {
  /** The pause before attempt `attempt` + 1 in milliseconds, or undefined when there is to be none. */
  pause(attempt: number, kind: FailureKind): number | undefined
  /** A request succeeded, with the retries that `pause` allowed it. */
  succeeded(lastFailure: FailureKind | undefined): void
}

/** One for each client: while nothing succeeds, its clients stop to repeat requests. */
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
