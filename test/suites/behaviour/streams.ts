/** The stream of a call in 2025 can be cut anywhere and resumed. Each event arrives once. */
import { describe, expect, it } from 'vitest'
import type { Reply } from '../../support/wire.ts'
import { eventually, LegacyClient } from '../../support/wire.ts'
import { conversation } from './calls.ts'
import type { Suite } from './endpoint.ts'
import { LEGACY } from './endpoint.ts'

const token = { meta: { progressToken: 't' } }
const progressOf = (reply: Reply) =>
  reply.messages.flatMap(({ params }) => (params?.progressToken === 't' ? params.progress : []))
const idsOf = (reply: Reply) => reply.events.flatMap(({ id }) => id ?? [])

export function streams({ endpoint, can }: Suite): void {
  describe.each(LEGACY)('the stream of a call in %s', (revision) => {
    const primes = revision === '2025-11-25'
    const detaches = primes && can('background')
    const connect = () => LegacyClient.open(endpoint(), revision)

    it('gives each event an id, and begins with a priming event if the revision has them (B17, B28, B29, H10)', async () => {
      const client = await connect()
      const replies = [await client.call('count', { to: 3 }, token), await client.call('shout')]
      await Promise.all(replies.map((reply) => reply.rest()))
      const ids = replies.flatMap(idsOf)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.every((id) => /^[\x21-\x7e]+$/.test(id))).toBe(true)
      for (const { events } of replies) {
        const [first] = events
        expect(first?.data === '').toBe(primes)
        expect(events.filter(({ data }) => data === '')).toHaveLength(primes ? 1 : 0)
        expect(events.every(({ id }) => id !== undefined)).toBe(true)
      }
      const [one, two] = replies.map((reply) => idsOf(reply)[0]?.split('.')[0])
      expect(one).not.toBe(two)
    })

    it('can be resumed after any event, after the call and while it runs (B20, B30, B32)', async () => {
      const client = await connect()
      const kept = await conversation(client)
      const reply = await client.call('hold', { until: 'ready' }, token)
      await reply.notification('notifications/progress')
      const [lastId = ''] = idsOf(reply).slice(-1)
      await reply.leave()

      const resumed = await client.get(lastId)
      expect(resumed.header('content-type')).toBe('text/event-stream')
      const rest = resumed.rest()
      await kept.set('ready', 'yes')
      expect((await rest).at(-1)?.result.content[0].text).toBe('ready is "yes"')
      expect(progressOf(resumed)).toEqual([2])

      const [progressId] = idsOf(resumed).slice(-2)
      const once = await client.get(progressId)
      expect((await once.rest()).map(({ result }) => result?.content[0].text)).toEqual([
        'ready is "yes"',
      ])
    })

    it('is complete after any number of cuts', async () => {
      const client = await connect()
      const whole = await client.call('count', { to: 12, everyMs: 3 }, token)
      await whole.notification('notifications/progress')
      await whole.leave()
      const seen = progressOf(whole)
      let [lastId = ''] = idsOf(whole).slice(-1)
      for (let result: unknown; !result; ) {
        const part = await client.get(lastId)
        const message = await part.next()
        await part.leave()
        seen.push(...progressOf(part))
        lastId = idsOf(part).at(-1) ?? lastId
        result = message?.result
      }
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    })

    it('answers 204 after its last event, so that clients do not come back', async () => {
      const client = await connect()
      const reply = await client.call('count', { to: 2 }, token)
      await reply.rest()
      const resumed = await client.get(idsOf(reply).at(-1))
      expect(resumed.status).toBe(204)
      expect(resumed.header('content-type')).toBeNull()
    })

    it('answers 204 after a call that was cancelled', async () => {
      const client = await connect()
      const reply = await client.call('hold', { until: 'never' }, { ...token, id: 'held' })
      await reply.notification('notifications/progress')
      await client.notify('notifications/cancelled', { requestId: 'held' })
      await reply.rest()
      const resumed = await client.get(idsOf(reply).at(-1))
      expect(resumed.status).toBe(204)
    })

    it('is not found by other callers, or by an id of another event (B31, B39)', async () => {
      const [client, stranger] = await Promise.all([connect(), connect()])
      const reply = await client.call('count', { to: 2 }, token)
      await reply.rest()
      const [first = ''] = idsOf(reply)
      expect((await stranger.get(first)).status).toBe(404)
      const stream = first.split('.')[0]
      for (const id of [`${stream}.99`, `${stream}x.1`, `${stream}`, '', '.', '../x.1']) {
        expect([id, (await client.get(id)).status]).toEqual([id, 404])
      }
    })

    it('is not replayed to a session that has ended (B21, B37)', async () => {
      const client = await connect()
      const reply = await client.call('count', { to: 2 }, token)
      await reply.rest()
      await client.delete()
      expect((await client.get(idsOf(reply)[0])).status).toBe(404)
    })

    it(
      detaches
        ? 'may be disconnected by the server, which says when to come back (B16, B18)'
        : 'is never disconnected before its answer (B15)',
      async () => {
        const client = await connect()
        const kept = await conversation(client)
        const reply = await client.call('detach', { until: 'ready', retryMs: 70 }, token)
        if (!detaches) {
          await reply.notification('notifications/progress')
          await kept.set('ready', 1)
          expect((await reply.result()).content[0].text).toBe('ready is 1')
          return
        }
        const before = await reply.rest()
        expect(before.some(({ result }) => result)).toBe(false)
        const finalEvent = reply.events.at(-1)
        expect(finalEvent).toMatchObject({ data: '', retry: 70, id: expect.any(String) })
        const resumed = await client.get(finalEvent?.id)
        const reading = resumed.rest()
        await kept.set('ready', 1)
        expect((await reading).at(-1)?.result.content[0].text).toBe('ready is 1')
        expect([...progressOf(reply), ...progressOf(resumed)]).toEqual([1, 2])
      },
    )

    it('continues with its call when the client leaves (B20)', async () => {
      const client = await connect()
      const kept = await conversation(client)
      const reply = await client.call('hold', { until: 'ready' }, token)
      await reply.notification('notifications/progress')
      const [lastId = ''] = idsOf(reply).slice(-1)
      await reply.leave()
      await kept.set('ready', 1)
      const resumed = await eventually(async () => {
        const again = await client.get(lastId)
        expect(again.status).toBe(200)
        return again
      })
      expect((await resumed.rest()).at(-1)?.result.content[0].text).toBe('ready is 1')
      expect(await kept.value('ready was')).toBeNull()
    })
  })

  describe.each(LEGACY.filter((revision) => revision >= '2025-06-18'))(
    'the stream of a call that asks in %s',
    (revision) => {
      it('sends its questions again to a client that resumes it', async () => {
        const capabilities = { elicitation: {} }
        const client = await LegacyClient.open(endpoint(), revision, { capabilities })
        const reply = await client.call('greet_person', {}, token)
        const question = await reply.find(({ method }) => method === 'elicitation/create')
        const [lastId = ''] = idsOf(reply).slice(-1)
        await reply.leave()
        const resumed = await client.get(lastId)
        const result = { action: 'accept', content: { name: 'Ada' } }
        await client.respond(question.id, { result })
        expect((await resumed.result()).content[0].text).toBe('Hello, Ada!')
      })
    },
  )
}
