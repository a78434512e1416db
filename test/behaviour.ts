/** What any client can see this server do, written once and run through every door and on every store. */
import { describe } from 'vitest'
import { calls } from './behaviour/calls.ts'
import type { Missing } from './behaviour/door.ts'
import { shared } from './behaviour/door.ts'
import { headers } from './behaviour/headers.ts'
import { lifecycle } from './behaviour/lifecycle.ts'
import { lists } from './behaviour/lists.ts'
import { news } from './behaviour/news.ts'
import { questions } from './behaviour/questions.ts'
import { sessions } from './behaviour/sessions.ts'
import { streams } from './behaviour/streams.ts'
import type { OpenDoor } from './wire.ts'

export type { Missing } from './behaviour/door.ts'
export type { OpenDoor, TestDoor } from './wire.ts'

/**
 * Runs the suite. `open` serves `createBehaviourServer(options)`, in this process or in several others;
 * the options it gets are plain data. `missing` names what the host cannot do; its tests show as skipped.
 */
export function behaviour(name: string, open: OpenDoor, missing: readonly Missing[] = []): void {
  describe(name, { timeout: 20_000 }, () => {
    const suite = { open, door: shared(open), can: (what: Missing) => !missing.includes(what) }
    lifecycle(suite)
    headers(suite)
    lists(suite)
    calls(suite)
    questions(suite)
    sessions(suite)
    streams(suite)
    news(suite)
  })
}
