/** The ends of logs that this instance has seen. */
import type { ItemKey } from './item.ts'

interface LogTail {
  /** Sequence number of the last entry. */
  readonly last: number
  /** Epoch milliseconds. */
  readonly expires: number
}

/**
 * The sequence numbers at which batches end, as far as this instance has seen them. They save `append`
 * and `read` a request, and may be lost at any time. A batch never changes, so they are true until it expires.
 */
export function logTailCache(capacity = 1000) {
  const known = new Map<string, LogTail>()
  const name = ({ pk, sk }: ItemKey) => `${pk.S}#${sk.S}`
  return {
    at(log: ItemKey, last: number, now: number): LogTail | undefined {
      const end = known.get(name(log))
      return end?.last === last && end.expires > now ? end : undefined
    },
    note(log: ItemKey, { last, expires }: LogTail): void {
      known.delete(name(log))
      known.set(name(log), { last, expires })
      for (const oldest of known.keys()) {
        if (known.size <= capacity) break
        known.delete(oldest)
      }
    },
  }
}
