/** Properties of the events on a stream. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sseEvent, ssePriming } from '../../src/http/sse.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { unicode } from '../support/random-text.ts'
import type { SseEvent } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, readEvents } from '../support/wire.ts'

describe('an event of a stream', () => {
  /** The bytes of a text in pieces, which may end within a character. */
  async function* pieces(text: string, sizes: readonly number[]) {
    const bytes = new TextEncoder().encode(text)
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length] ?? 1
      yield bytes.slice(at, at + size)
      at += size
    }
  }
  const events = fc.array(
    fc.record({
      value: fc.jsonValue(),
      text: unicode,
      id: fc.option(fc.stringMatching(/^[\w-]+\.\d+$/)),
    }),
    { maxLength: 8 },
  )
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

  it('returns any JSON, for any cuts in the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(events, sizes, async (sent, cuts) => {
        const wire = sent.map(({ value, text, id }) =>
          sseEvent(JSON.stringify({ value, text }), id ?? undefined),
        )
        const heard: SseEvent[] = []
        for await (const event of readEvents(pieces(wire.join(''), cuts))) heard.push(event)
        expect(heard.map(({ data }) => JSON.parse(data ?? ''))).toEqual(
          sent.map(({ value, text }) => JSON.parse(JSON.stringify({ value, text }))),
        )
        expect(heard.map(({ id }) => id ?? null)).toEqual(sent.map(({ id }) => id ?? null))
      }),
    )
  })

  it('for priming carries only its id and its retry time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[\w-]+\.\d+$/),
        fc.option(fc.nat()),
        async (id, retry) => {
          const heard: SseEvent[] = []
          for await (const event of readEvents(pieces(ssePriming(id, retry ?? undefined), [7]))) {
            heard.push(event)
          }
          expect(heard).toEqual([{ id, data: '', ...(retry !== null && { retry }) }])
        },
      ),
    )
  })

  it('transports any text through the server and back', async () => {
    const endpoint = fetchEndpoint(createBehaviourServer())
    const client = await LegacyClient.open(endpoint, '2025-11-25', { accept: 'text/event-stream' })
    await fc.assert(
      fc.asyncProperty(fc.oneof(unicode, fc.string({ unit: 'grapheme' })), async (text) => {
        const { content } = await (await client.call('echo', { text }, { id: text })).result()
        expect(content[0].text).toBe(text)
      }),
      { numRuns: 100 },
    )
  })
})
