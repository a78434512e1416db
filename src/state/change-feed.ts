/** The server's changes. Their code is loaded with the first change or listener, because most requests have neither. */
import { lazyImport } from '../lib/lazy-import.ts'
import type { Change, ChangeBatch, ChangeFeed } from './change-log.ts'
import type { Store } from './store.ts'

const changeLog = lazyImport(() => import('./change-log.ts'))

/** The methods of {@link ChangeFeed} that requests use. */
export type Changes = Pick<ChangeFeed, 'publish' | 'now' | 'since'>

export function createChanges(store: Store, clock: () => number, copies?: number): Changes {
  let feed: ChangeFeed | undefined
  const open = async (): Promise<ChangeFeed> => {
    const { ChangeFeed } = await changeLog()
    feed ??= new ChangeFeed(store, clock, copies === undefined ? {} : { copies })
    return feed
  }
  return {
    async publish(change: Change) {
      await (await open()).publish(change)
    },
    async now() {
      return (await open()).now()
    },
    async *since(
      cursor: number,
      heartbeat: number,
      signal: AbortSignal,
    ): AsyncGenerator<ChangeBatch> {
      yield* (await open()).since(cursor, heartbeat, signal)
    },
  }
}
