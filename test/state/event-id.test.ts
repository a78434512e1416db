/** Properties of event ids. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventId, parseEventId } from '../../src/state/event-log/event-log.ts'

import { unicode } from '../support/random-text.ts'

describe('an event id', () => {
  it('is parsed as it was written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{1,64}$/), fc.nat(1e9), (stream, seq) => {
        expect(parseEventId(eventId(stream, seq))).toEqual({ stream, seq })
      }),
    )
  })

  it('of any other text is refused, and no exception is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          unicode,
          fc.string().map((text) => `${text}.${text}`),
        ),
        (id) => {
          const parsed = parseEventId(id)
          if (!parsed) return
          expect(parsed.stream).toMatch(/^[\w-]{1,64}$/)
          expect(Number.isSafeInteger(parsed.seq)).toBe(true)
        },
      ),
    )
  })
})
