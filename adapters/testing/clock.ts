/** A clock that stands still until a test turns it. */

/** A clock for the option `clock` of `createMcp()`, of stores, and of `oauth()`. */
export interface TestClock {
  /** The time in epoch milliseconds. */
  (): number
  /** Moves the clock forward by some milliseconds. */
  advance(ms: number): void
}

/**
 * Creates a clock that stands still. Everything that expires by the clock (sessions, handles, state,
 * cached lists) then expires when a test turns it. Timers, such as `callTimeout`, run in real time.
 *
 * @param start The first time: a date, or epoch milliseconds.
 * @example
 * const clock = testClock()
 * const mcp = createMcp({ name: 'weather', version: '1.0.0', clock, sessionTtl: 60_000 })
 * clock.advance(61_000)
 */
export function testClock(start: Date | number = Date.now()): TestClock {
  let now = Number(start)
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms
    },
  })
}
