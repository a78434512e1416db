/** `--watch`: runs a command again, at each change that the server reports or after some seconds. */

import type { Operation } from '../operations.ts'
import type { ExitCode } from '../problem.ts'
import { exitCodes, Problem } from '../problem.ts'
import type { Invocation } from './command.ts'

/** Seconds between two calls of a tool, because servers do not report when its result changes. */
const DEFAULT_INTERVAL = 2

/**
 * Runs `once`; with `--watch` repeatedly until Ctrl+C: at each notification `change`, or, without `change`
 * or with `--interval`, after some seconds.
 */
export async function repeatedly(
  { context, signal, options, view }: Invocation,
  change: string | undefined,
  once: (operation: Operation) => Promise<ExitCode>,
): Promise<ExitCode> {
  const operation = context.operation(signal, { ...options, view })
  if (!options.watch) return once(operation)
  const timed = options.interval !== undefined || change === undefined
  const seconds = secondsOf(options.interval)
  const events = new ChangeQueue()
  const stop = change === undefined ? () => {} : context.onNotification(change, () => events.add())
  try {
    for (;;) {
      await once(operation)
      await events.next(timed ? seconds * 1000 : undefined, signal)
    }
  } finally {
    stop()
  }
}

function secondsOf(interval: string | undefined): number {
  const seconds = interval === undefined ? DEFAULT_INTERVAL : Number(interval)
  if (seconds > 0 && seconds <= 86_400) return seconds
  throw new Problem(`--interval takes a number of seconds, not "${interval}".`, {
    exit: exitCodes.usage,
  })
}

/** Remembers a change that arrives while the command runs, so that it is not missed. */
class ChangeQueue {
  #pending = false
  #wake: (() => void) | undefined

  add(): void {
    this.#pending = true
    this.#wake?.()
  }

  next(timeout: number | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = timeout === undefined ? undefined : setTimeout(() => done(), timeout)
      const abort = (): void => done(new Problem('Cancelled.', { exit: exitCodes.interrupted }))
      const done = (error?: Problem): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        this.#pending = false
        this.#wake = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#wake = () => done()
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      else if (this.#pending) done()
    })
  }
}
