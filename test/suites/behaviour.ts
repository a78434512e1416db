/** The behaviour that clients can see, as one suite for every adapter and every store. */
import { describe } from 'vitest'
import type { OpenEndpoint } from '../support/wire.ts'
import { calls } from './behaviour/calls.ts'
import { changes } from './behaviour/changes.ts'
import type { Missing } from './behaviour/endpoint.ts'
import { shared } from './behaviour/endpoint.ts'
import { headers } from './behaviour/headers.ts'
import { lifecycle } from './behaviour/lifecycle.ts'
import { lists } from './behaviour/lists.ts'
import { questions } from './behaviour/questions.ts'
import { sessions } from './behaviour/sessions.ts'
import { streams } from './behaviour/streams.ts'

export type { OpenEndpoint, TestEndpoint } from '../support/wire.ts'
export type { Missing } from './behaviour/endpoint.ts'

/**
 * Runs the suite. `open` serves `createBehaviourServer(options)` in this process or in several others, so
 * the options are plain data. `missing` names abilities that the host lacks; their tests show as skipped.
 */
export function behaviour(
  name: string,
  open: OpenEndpoint,
  missing: readonly Missing[] = [],
): void {
  describe(name, { timeout: 20_000 }, () => {
    const suite = { open, endpoint: shared(open), can: (what: Missing) => !missing.includes(what) }
    lifecycle(suite)
    headers(suite)
    lists(suite)
    calls(suite)
    questions(suite)
    sessions(suite)
    streams(suite)
    changes(suite)
  })
}
