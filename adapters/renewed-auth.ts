/** Authorization whose tokens are read again while the process lives, so that they can be replaced. */

import type { Auth } from '../src/index.ts'
import { AuthError, AuthUnavailable } from '../src/index.ts'

/** Options of {@link renewedAuth}. */
export interface RenewedAuthOptions {
  /** Reads the tokens, and makes of them what verifies callers. Rejects while they cannot be read. */
  read(): Promise<Auth>
  /** Milliseconds after which they are read again, with the next request. @default 30 seconds */
  maxAge?: number
  /** Milliseconds for which tokens hold that cannot be read again. @default 15 minutes */
  longestAge?: number
  /** Milliseconds between two readings because of an unknown token. @default 5 seconds */
  pause?: number
  /** Epoch milliseconds. @default Date.now */
  clock?: () => number
  /** Receives failures to read the tokens again. @default console.error */
  log?: (message: string, error: unknown) => void
}

/**
 * Reads the tokens once, and again with a request that comes when they are older than `maxAge`: a frozen
 * process has no timers. A withdrawn token is therefore refused `maxAge` after its withdrawal at the
 * latest, on every instance. A token that is not known may be new, so the tokens are then read at once.
 * Where they cannot be read, the old ones hold for `longestAge`, and after it every caller gets a 503.
 */
export async function renewedAuth(options: RenewedAuthOptions): Promise<Auth> {
  const {
    read,
    maxAge = 30_000,
    longestAge = 15 * 60_000,
    pause = 5_000,
    clock = Date.now,
    log = (...entry) => console.error(...entry),
  } = options
  let auth = await read()
  let readAt = clock()
  let triedAt = readAt
  let reading: Promise<void> | undefined

  /** Requests that come at the same time wait for one reading. */
  function renew(): Promise<void> {
    reading ??= readAgain().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readAgain(): Promise<void> {
    triedAt = clock()
    try {
      auth = await read()
      readAt = triedAt
    } catch (error) {
      log('the tokens could not be read again', error)
    }
  }

  return {
    async verify(request, platform) {
      // After a failure, the next try waits for the pause: not every request shall wait for it.
      const due = clock() - readAt > maxAge && clock() - triedAt >= pause
      if (due || reading) await renew()
      if (clock() - readAt > longestAge) {
        throw new AuthUnavailable('The tokens cannot be read.', { retryAfter: 5 })
      }
      try {
        return await auth.verify(request, platform)
      } catch (error) {
        const unknown = error instanceof AuthError && error.code === 'invalid_token'
        if (!unknown || clock() - triedAt < pause) throw error
      }
      await renew()
      return auth.verify(request, platform)
    },
    challenge: (error, platform) => auth.challenge(error, platform),
  }
}
