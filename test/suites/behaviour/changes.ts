/** Changes that the server reports: on the GET stream of 2025, and by `subscriptions/listen` of 2026. */
import { describe, expect, it } from 'vitest'
import type { Reply, WireClient } from '../../support/wire.ts'
import { LegacyClient, ModernClient } from '../../support/wire.ts'
import type { Suite } from './endpoint.ts'
import { connect, LEGACY, REVISIONS, shared } from './endpoint.ts'

const CHANGED = [
  ['tools', 'notifications/tools/list_changed'],
  ['prompts', 'notifications/prompts/list_changed'],
  ['resources', 'notifications/resources/list_changed'],
] as const

const announce = async (client: WireClient, what: string, uri?: string) =>
  (await client.call('announce', { what, ...(uri && { uri }) })).result()

export function changes({ open, endpoint, can }: Suite): void {
  describe.skipIf(!can('listening'))('listening', () => {
    describe.each(LEGACY)('by GET in a session of %s', (revision) => {
      const primes = revision === '2025-11-25'

      async function listening(): Promise<{ client: LegacyClient; stream: Reply }> {
        const client = await LegacyClient.open(endpoint(), revision)
        const stream = await client.get()
        expect([stream.status, stream.streams]).toEqual([200, true])
        return { client, stream }
      }

      it('learns that a list has changed, through any instance (B24, B57)', async () => {
        const { stream } = await listening()
        const other = await LegacyClient.open(endpoint(), '2025-11-25')
        for (const [what, method] of CHANGED) {
          await announce(other, what)
          expect(await stream.next()).toEqual({ jsonrpc: '2.0', method })
        }
        expect(stream.messages.every((message) => !('result' in message))).toBe(true)
        const priming = stream.events.filter(({ id, data }) => id && data === '')
        expect(priming).toHaveLength(primes ? 1 : 0)
        await stream.leave()
      })

      it('learns of changes of subscribed resources, until it unsubscribes (B62)', async () => {
        const { client, stream } = await listening()
        const subscribe = async (uri: string) =>
          (await client.request('resources/subscribe', { uri })).answer()
        expect(await subscribe('test://text')).toMatchObject({ result: {} })
        expect((await subscribe('test://none')).error?.code).toBe(-32002)
        expect(
          (await client.request('resources/subscribe', {}).then((r) => r.answer())).error?.code,
        ).toBe(-32602)
        await announce(client, 'resource', 'test://json')
        await announce(client, 'resource', 'test://text')
        expect(await stream.next()).toMatchObject({
          method: 'notifications/resources/updated',
          params: { uri: 'test://text' },
        })
        const undo = await client.request('resources/unsubscribe', { uri: 'test://text' })
        expect(await undo.result()).toEqual({})
        await announce(client, 'resource', 'test://text')
        await announce(client, 'prompts')
        expect((await stream.next())?.method).toBe('notifications/prompts/list_changed')
        await stream.leave()
      })

      it('gets all changes that happened while it was disconnected (B30)', async () => {
        const { client, stream } = await listening()
        await announce(client, 'tools')
        await stream.next()
        const lastId = stream.events.findLast(({ id }) => id)?.id
        await stream.leave()
        await announce(client, 'prompts')
        const resumed = await client.get(lastId)
        expect((await resumed.next())?.method).toBe('notifications/prompts/list_changed')
        await resumed.leave()
      })

      it('uses one stream, and a newer one takes over (B27)', async () => {
        const { client, stream } = await listening()
        const second = await client.get()
        await announce(client, 'tools')
        expect((await second.next())?.method).toBe('notifications/tools/list_changed')
        expect(await stream.rest()).toEqual([])
        await second.leave()
      })

      it('ends with the session (B37)', async () => {
        const { client, stream } = await listening()
        await client.delete()
        await announce(await LegacyClient.open(endpoint(), revision), 'tools')
        expect(await stream.rest()).toEqual([])
      })

      it('needs a session and a client that accepts streams (B22, B36, B37)', async () => {
        const client = await LegacyClient.open(endpoint(), revision)
        expect((await client.get(undefined, { accept: 'application/json' })).status).toBe(406)
        expect((await client.get(undefined, { 'mcp-session-id': 'A'.repeat(24) })).status).toBe(404)
        const anyone = await endpoint().fetch(endpoint().url, {
          headers: { accept: 'text/event-stream' },
        })
        expect(anyone.status).toBe(400)
        await anyone.body?.cancel()
        const version = { 'mcp-protocol-version': '2020-01-01' }
        expect((await client.get(undefined, version)).status).toBe(400)
      })
    })

    describe('by subscriptions/listen', () => {
      const subscription = 'io.modelcontextprotocol/subscriptionId'
      const all = {
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['test://text', 'test://users/Ada/notes/1'],
      }

      it.each([7, 0, '7', 'an id'])('acknowledges first, under the id %j (C32)', async (id) => {
        const client = new ModernClient(endpoint())
        const stream = await client.listen(all, id)
        expect(stream.header('content-type')).toBe('text/event-stream')
        expect(await stream.next()).toEqual({
          jsonrpc: '2.0',
          method: 'notifications/subscriptions/acknowledged',
          params: { _meta: { [subscription]: id }, notifications: all },
        })
        for (const [what, method] of CHANGED) {
          await announce(client, what)
          expect(await stream.next()).toEqual({
            jsonrpc: '2.0',
            method,
            params: { _meta: { [subscription]: id } },
          })
        }
        await announce(client, 'resource', 'test://users/Ada/notes/1')
        expect(await stream.next()).toMatchObject({
          method: 'notifications/resources/updated',
          params: { uri: 'test://users/Ada/notes/1', _meta: { [subscription]: id } },
        })
        await stream.leave()
      })

      it('acknowledges the offered kinds, and sends nothing else (C32, C33)', async () => {
        const client = new ModernClient(endpoint())
        const stream = await client.listen({
          promptsListChanged: true,
          toolsListChanged: 'yes',
          resourceSubscriptions: ['test://none', 5, 'test://text'],
          taskIds: ['x'],
        })
        const acknowledged = await stream.next()
        expect(acknowledged?.params.notifications).toEqual({
          promptsListChanged: true,
          resourceSubscriptions: ['test://text'],
        })
        await announce(client, 'tools')
        await announce(client, 'resources')
        await announce(client, 'resource', 'test://json')
        await (await client.call('shout')).rest()
        await announce(client, 'prompts')
        expect((await stream.next())?.method).toBe('notifications/prompts/list_changed')
        await stream.leave()
      })

      it('is refused without a list of notifications (A.6)', async () => {
        const client = new ModernClient(endpoint())
        for (const notifications of [undefined, null, 'all', []]) {
          const reply = await client.request('subscriptions/listen', { notifications })
          expect((await reply.answer()).error?.code).toBe(-32602)
        }
      })
    })

    describe('for longer than a stream may last', () => {
      const brief = shared(open, { listenTimeout: 120 })

      it('ends with the result in 2026 (C32)', async () => {
        const stream = await new ModernClient(brief()).listen({ toolsListChanged: true }, 'mine')
        expect((await stream.rest()).at(-1)).toMatchObject({
          id: 'mine',
          result: {
            resultType: 'complete',
            _meta: { 'io.modelcontextprotocol/subscriptionId': 'mine' },
          },
        })
      })

      it('ends with a time to come back in 2025-11-25 (B26)', async () => {
        const stream = await (await LegacyClient.open(brief(), '2025-11-25')).get()
        expect(await stream.rest()).toEqual([])
        expect(stream.events.at(-1)).toMatchObject({ retry: 1_000, id: expect.any(String) })
      })

      it('only ends in earlier revisions', async () => {
        const stream = await (await LegacyClient.open(brief(), '2025-03-26')).get()
        expect(await stream.rest()).toEqual([])
        expect(stream.events.every(({ id }) => id === undefined)).toBe(true)
      })
    })
  })

  describe('a server without listening', () => {
    const deaf = shared(open, { listening: false })

    it.each(REVISIONS)('announces no notifications to %s (B57)', async (revision) => {
      const client = await connect(deaf(), revision)
      const { capabilities } =
        client instanceof LegacyClient
          ? client.server
          : await (await client.request('server/discover')).result()
      expect([capabilities.tools, capabilities.prompts, capabilities.resources]).toEqual([
        {},
        {},
        {},
      ])
    })

    it.each(LEGACY)(
      'answers GET with 405, and still resumes streams, in %s (B23)',
      async (revision) => {
        const client = await LegacyClient.open(deaf(), revision)
        const refused = await client.get()
        expect([refused.status, refused.header('allow')]).toEqual([405, 'POST, DELETE, OPTIONS'])
        const reply = await client.request('resources/subscribe', { uri: 'test://text' })
        expect((await reply.answer()).error?.code).toBe(-32601)
        const counted = await client.call('count', { to: 3 }, { meta: { progressToken: 1 } })
        await counted.rest()
        const resumed = await client.get(counted.events.find(({ id }) => id)?.id)
        expect((await resumed.rest()).at(-1)?.result.content[0].text).toBe('counted to 3')
      },
    )

    it('has no subscriptions/listen (C11)', async () => {
      const reply = await new ModernClient(deaf()).listen({ toolsListChanged: true })
      expect(reply.status).toBe(404)
      expect((await reply.answer()).error?.code).toBe(-32601)
    })
  })
}
