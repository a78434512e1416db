/** Follows a remote server: listens for changes, and comes back when the connection ends. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Connections } from './connections.ts'

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 30_000

/** Runs until the signal aborts, or ends at once where the server tells of no changes. */
export async function watch(
  peer: Connections,
  signal: AbortSignal,
  onReturn: () => Promise<unknown>,
): Promise<void> {
  let pause = FIRST_PAUSE
  let away = false
  while (!signal.aborted) {
    try {
      const listened = await peer.listen(signal, () => {
        pause = FIRST_PAUSE
        // The server had no listener for what has changed in the meantime.
        if (away) void onReturn()
      })
      if (!listened && !away) return
    } catch {
      // The server cannot be reached now, or has ended the stream.
    }
    away = true
    // A watch must not keep a process alive that has nothing else to do.
    await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    pause = Math.min(2 * pause, LONGEST_PAUSE)
  }
}
