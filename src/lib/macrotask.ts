/** The next turn of the event loop, when every promise that is settled by now has run its reactions. */

/** A timer costs a millisecond and more, so the hosts that have `setImmediate` use that. */
const { setImmediate: immediate } = globalThis as { setImmediate?: (run: () => void) => unknown }

export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (immediate) immediate(resolve)
    else setTimeout(resolve, 0)
  })
}
