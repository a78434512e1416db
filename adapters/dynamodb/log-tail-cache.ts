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
  // Two generations: dropping the oldest key of one Map each time would pass all keys dropped before it.
  let young = new Map<string, LogTail>()
  let old = new Map<string, LogTail>()
  const name = ({ pk, sk }: ItemKey) => `${pk.S}#${sk.S}`
  return {
    at(log: ItemKey, last: number, now: number): LogTail | undefined {
      const end = young.get(name(log)) ?? old.get(name(log))
      return end?.last === last && end.expires > now ? end : undefined
    },
    note(log: ItemKey, { last, expires }: LogTail): void {
      if (young.size >= capacity / 2) {
        old = young
        young = new Map()
      }
      young.set(name(log), { last, expires })
    },
  }
}
