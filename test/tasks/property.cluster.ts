/** The same as in property.test.ts, ten times as often. */
import { it } from 'vitest'
import { checkReplays } from '../support/task-replays.ts'

it('is so for 200 handlers and three dying processes each', { timeout: 600_000 }, async () => {
  // They wait more than they compute.
  await Promise.all([50, 50, 50, 50].map(checkReplays))
})
