/** Runs operations of a networked store: repeats them after a lost connection, and ends them in time. */
import { setTimeout as delay } from 'node:timers/promises'
import { StoreUnavailable } from '../../src/index.ts'

export interface RetryOptions {
  /** Milliseconds after which an operation fails, all attempts and pauses included. */
  timeout: number
  /** The engine's name, for messages. */
  engine: string
  /**
   * Classifies the failure of an attempt. `refused`: the engine did nothing. `unknown`: the answer was lost,
   * so the engine may have carried it out. Any other error is thrown as it is.
   */
  classify(error: unknown): 'refused' | 'unknown' | Error
}

/** The largest number of attempts of one operation. */
const ATTEMPTS = 4
/** The longest pause before the first repetition, in milliseconds. It doubles, with full jitter. */
const FIRST_PAUSE = 25
const LONGEST_PAUSE = 1_000

/** A timer holds 31 bits. With a larger timeout it would fire at once and fail every operation. */
export function requireTimeout(timeout: number): void {
  if (timeout > 0 && timeout < 2 ** 31) return
  throw new TypeError(`timeout must be from 1 to ${2 ** 31 - 1} milliseconds, not ${timeout}`)
}

/**
 * Runs an operation until the engine has answered, at most four times. `attempt` is told whether an
 * earlier attempt may have been carried out although its answer was lost.
 *
 * @throws StoreUnavailable when the engine gives no answer within `timeout` milliseconds.
 */
export async function withRetries<T>(
  { timeout, engine, classify }: RetryOptions,
  attempt: (mayBeDone: boolean) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new StoreUnavailable(`${engine} did not answer within ${timeout} ms`))
    }, timeout)
  })
  const attempts = async () => {
    let mayBeDone = false
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(mayBeDone)
      } catch (error) {
        const kind = classify(error)
        if (kind instanceof Error) throw kind
        mayBeDone ||= kind === 'unknown'
        if (tries === ATTEMPTS || controller.signal.aborted) {
          throw new StoreUnavailable(`${engine} cannot be reached`, { cause: error })
        }
      }
      const longest = Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
      await delay(Math.random() * longest)
    }
  }
  try {
    return await Promise.race([attempts(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The error for a write whose answer was lost, when it cannot be known whether it was carried out. */
export function outcomeUnknown(engine: string): StoreUnavailable {
  return new StoreUnavailable(`${engine} did not answer whether the write was done`)
}
