/** `ctx.session`: the values of one conversation, in a session of 2025 or with a handle of 2026. */
import { describe, expect, it } from 'vitest'
import { LegacyClient, ModernClient } from '../../support/wire.ts'
import { conversation } from './calls.ts'
import type { Suite } from './endpoint.ts'
import { connect, LEGACY, REVISIONS } from './endpoint.ts'

export function sessions({ endpoint }: Suite): void {
  describe.each(REVISIONS)('the values of a conversation of %s', (revision) => {
    it('are available in its next calls, as the same JSON', async () => {
      const client = await connect(endpoint(), revision)
      const kept = await conversation(client)
      for (const value of [{ deep: [1, { of: 'it' }] }, 'text', 0, false, null, [], 1.5]) {
        await kept.set('value', value)
        expect(await kept.value('value')).toEqual(value)
      }
      for (const key of ['', '__proto__', 'constructor', 'ключ/🗝', 'a'.repeat(300)]) {
        await kept.set(key, key)
        expect(await kept.value(key)).toBe(key)
      }
    })

    it('are gone when they are deleted', async () => {
      const client = await connect(endpoint(), revision)
      const kept = await conversation(client)
      await kept.set('x', 1)
      const drop = async () => {
        const reply = await client.call('drop', { key: 'x', ...kept.args })
        return JSON.parse((await reply.result()).content[0].text).existed
      }
      expect(await drop()).toBe(true)
      expect(await drop()).toBe(false)
      expect(await kept.value('x')).toBeNull()
    })

    it('lose no update among concurrent ones', async () => {
      const client = await connect(endpoint(), revision)
      const kept = await conversation(client)
      await Promise.all(
        Array.from({ length: 12 }, async () =>
          (await client.call('increment', { key: 'n', ...kept.args })).result(),
        ),
      )
      expect(await kept.value('n')).toBe(12)
    })

    it('belong only to that conversation', async () => {
      const [one, two] = await Promise.all([
        connect(endpoint(), revision).then(conversation),
        connect(endpoint(), revision).then(conversation),
      ])
      await one.set('mine', 1)
      expect(await two.value('mine')).toBeNull()
    })
  })

  describe('a handle of 2026', () => {
    it('is created by the first call and shown to the model and the client (C17, C42)', async () => {
      const client = new ModernClient(endpoint())
      const { content, _meta } = await (await client.call('increment', { key: 'n' })).result()
      const handle = _meta['streamable-mcp/session']
      expect(handle).toMatch(/^[\w-]{22,}$/)
      expect(content.at(-1)).toEqual({ type: 'text', text: `session: ${handle}` })
      const next = await (await client.call('increment', { key: 'n', session: handle })).result()
      expect(next.structuredContent).toEqual({ value: 2 })
      expect(next._meta['streamable-mcp/session']).toBe(handle)
    })

    it('that does not exist is a failure that the model can correct (C42)', async () => {
      const client = new ModernClient(endpoint())
      const { sessionId } = await LegacyClient.open(endpoint(), '2025-11-25')
      for (const session of ['mine', '', 5, 'A'.repeat(24), sessionId]) {
        const result = await (await client.call('recall', { key: 'n', session })).result()
        expect([session, result.isError]).toEqual([session, true])
      }
    })
  })

  describe.each(LEGACY)('a session of %s', (revision) => {
    it('loses its values when it ends', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const kept = await conversation(client)
      await kept.set('x', 1)
      await client.delete()
      expect((await client.call('recall', { key: 'x' })).status).toBe(404)
    })

    it('has no handles: an argument of that name belongs to the tool', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const result = await (await client.call('increment', { key: 'n' })).result()
      expect(result.content).toHaveLength(1)
      expect(result._meta).toBeUndefined()
    })
  })
}
