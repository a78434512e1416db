/** Calls: results and failures for each revision, progress and logs on the call's own stream, cancellation. */
import { describe, expect, it } from 'vitest'
import type { Message, WireClient } from '../../support/wire.ts'
import { eventually, LegacyClient, ModernClient } from '../../support/wire.ts'
import type { Suite } from './endpoint.ts'
import { connect, isModern, LEGACY, REVISIONS, shared } from './endpoint.ts'

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

export function calls({ open, endpoint, can }: Suite): void {
  describe.each(REVISIONS)('a call by %s', (revision) => {
    const modern = isModern(revision)
    const structured = revision >= '2025-06-18'
    const result = async (tool: string, args?: object) =>
      (await (await connect(endpoint(), revision)).call(tool, args)).result()

    it('that sends nothing before its result is answered with one JSON body (B12, C5)', async () => {
      const client = await connect(endpoint(), revision)
      const reply = await client.call('echo', { text: 'Grüße, 世界 \u2028 \ud83d\ude80' })
      expect(reply.header('content-type')).toBe('application/json')
      const { content, isError, resultType, _meta } = await reply.result()
      expect(content).toEqual([{ type: 'text', text: 'Grüße, 世界 \u2028 \ud83d\ude80' }])
      expect(isError).toBeUndefined()
      expect(resultType).toBe(modern ? 'complete' : undefined)
      expect(_meta?.['io.modelcontextprotocol/serverInfo']?.name).toBe(
        modern ? 'behaviour' : undefined,
      )
    })

    it('gets structured content and its JSON as text, in revisions that have it (B58)', async () => {
      const { content, structuredContent } = await result('add', { a: 1, b: 2 })
      expect(content).toEqual([{ type: 'text', text: '{"sum":3}' }])
      expect(structuredContent).toEqual(structured ? { sum: 3 } : undefined)
    })

    it('gets structured content that is not an object wrapped in one before 2026 (B58)', async () => {
      const { content, structuredContent } = await result('range', { count: 3 })
      expect(content[0].text).toBe('[0,1,2]')
      if (!structured) expect(structuredContent).toBeUndefined()
      else expect(structuredContent).toEqual(modern ? [0, 1, 2] : { result: [0, 1, 2] })
    })

    it('gets an object as structured content, also for a value whose JSON is a string (B58)', async () => {
      const { structuredContent } = await result('date')
      const date = '1970-01-01T00:00:00.000Z'
      if (!structured) expect(structuredContent).toBeUndefined()
      else expect(structuredContent).toEqual(modern ? date : { result: date })
    })

    it('gets every content type that the revision has (B64)', async () => {
      const { content, _meta } = await result('everything')
      expect(content.map(({ type }: { type: string }) => type)).toEqual([
        'text',
        'image',
        'audio',
        structured ? 'resource_link' : 'text',
        'resource',
      ])
      expect(content[0].annotations).toEqual({ audience: ['user'], priority: 0.5 })
      expect([content[1].mimeType, content[2].mimeType]).toEqual(['image/png', 'audio/wav'])
      expect(_meta?.['example.com/seen']).toBe(structured ? true : undefined)
    })

    it('may have an empty result', async () => {
      expect((await result('nothing')).content).toEqual([])
    })

    it('that fails tells the model the reason, and an exception shows no details (B59)', async () => {
      expect(await result('fail')).toMatchObject({
        isError: true,
        content: [{ type: 'text', text: 'The oven is cold' }],
      })
      for (const tool of ['crash', 'lie']) {
        const { isError, content } = await result(tool)
        expect(isError).toBe(true)
        expect(content[0].text).toMatch(/^Internal error \([0-9a-f]{8}\)$/)
      }
    })

    it('with wrong arguments gets a result that shows where they are wrong (B59, C38)', async () => {
      const { isError, content, resultType } = await result('add', { a: 'one' })
      expect(isError).toBe(true)
      expect(content[0].text).toMatch(/a: .*b: /)
      expect(resultType).toBe(modern ? 'complete' : undefined)
    })

    it("without a tool's name, or with an unknown one, is an error of the protocol (B59, H12)", async () => {
      const client = await connect(endpoint(), revision)
      for (const params of [
        {},
        { name: 5 },
        { name: 'none' },
        { name: '__proto__' },
        { name: 'echo', arguments: 'text' },
        { name: 'echo', arguments: null },
      ]) {
        const reply = await client.request('tools/call', params)
        expect(reply.status).toBe(200)
        expect((await reply.answer()).error?.code).toBe(-32602)
      }
    })

    it('may omit arguments', async () => {
      const client = await connect(endpoint(), revision)
      expect(
        (await (await client.request('tools/call', { name: 'nothing' })).answer()).error,
      ).toBeUndefined()
    })

    it('ends at the time limit of its tool (B49, C27)', async () => {
      const { isError, content } = await result('hang')
      expect([isError, content[0].text]).toEqual([
        true,
        'The call did not finish within 0.1 seconds',
      ])
    })

    it('has the default caller without credentials (C17, D5)', async () => {
      const capabilities = { roots: {} }
      const headers = { cookie: 'a=b' }
      const client = await connect(endpoint(), revision, { capabilities, headers })
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const reply = await client.call(
        'whoami',
        {},
        modern ? { meta: { traceparent } } : { headers: { traceparent } },
      )
      expect(JSON.parse((await reply.result()).content[0].text)).toEqual({
        era: modern ? 'modern' : 'legacy',
        revision,
        client: { name: 'wire', version: '1' },
        capabilities,
        trace: { traceparent },
        credentials: [],
      })
    })

    it.each(['token', '', 7, 0])(
      'reports progress under the token %j (B14, B53, C35)',
      async (progressToken) => {
        const client = await connect(endpoint(), revision)
        const reply = await client.call('count', { to: 3 }, { meta: { progressToken } })
        expect(reply.header('content-type')).toBe('text/event-stream')
        expect(reply.header('x-accel-buffering')).toBe('no')
        const messages = await reply.rest()
        expect(messages.slice(0, -1)).toEqual(
          [1, 2, 3].map((progress) => ({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { progressToken, progress, total: 3, message: `number ${progress}` },
          })),
        )
        expect(messages.at(-1)?.result.content[0].text).toBe('counted to 3')
      },
    )

    it('reports no progress without a progress token (B53)', async () => {
      const client = await connect(endpoint(), revision)
      const reply = await client.call('count', { to: 3 })
      expect(reply.streams).toBe(false)
      expect(await reply.rest()).toHaveLength(1)
    })

    it.skipIf(!can('background'))('sends nothing after its result (B53, C35)', async () => {
      const client = await connect(endpoint(), revision, { capabilities: { elicitation: {} } })
      const kept = await conversation(client)
      const reply = await client.call('babble', kept.args, { meta: { progressToken: 1 } })
      expect((await reply.rest()).at(-1)?.result.content[0].text).toBe('said it all')
      expect(reply.messages).toHaveLength(1)
      await eventually(async () => expect(await kept.value('babbled')).toBe(true))
    })

    it('gets everything in one body if the client accepts only JSON', async () => {
      const client = await connect(endpoint(), revision, { accept: 'application/json' })
      const reply = await client.call('count', { to: 3 }, { meta: { progressToken: 1 } })
      expect(reply.header('content-type')).toBe('application/json')
      expect((await reply.result()).content[0].text).toBe('counted to 3')
      expect(reply.messages).toHaveLength(1)
    })

    it('gets a stream if the client accepts only streams', async () => {
      const client = await connect(endpoint(), revision, { accept: 'text/event-stream' })
      const reply = await client.call('echo', { text: 'x' })
      expect(reply.header('content-type')).toBe('text/event-stream')
      expect((await reply.result()).content[0].text).toBe('x')
    })

    it.each([
      ['*/*', 200],
      ['application/*, text/*', 200],
      ['Application/JSON; q=0.5', 200],
      ['text/html', 406],
      ['application/json;q=0', 406],
    ])('with Accept: %s has status %d (B7)', async (accept, status) => {
      const client = await connect(endpoint(), revision)
      const reply = await client.call('echo', { text: 'x' }, { accept })
      expect(reply.status).toBe(status)
    })

    it('never gets messages of another call with the same id (A33)', async () => {
      const [one, two] = await Promise.all([
        connect(endpoint(), revision),
        connect(endpoint(), revision),
      ])
      const call = (client: WireClient, to: number) =>
        client.call('count', { to, everyMs: 2 }, { meta: { progressToken: 1 }, id: 1 })
      const replies = await Promise.all([call(one, 5), call(two, 8), call(one, 6), call(two, 9)])
      const heard = await Promise.all(replies.map((reply) => reply.rest()))
      expect(heard.map((messages) => messages.at(-1)?.result.content[0].text)).toEqual([
        'counted to 5',
        'counted to 8',
        'counted to 6',
        'counted to 9',
      ])
      expect(heard.map((messages) => messages[0]?.params.total)).toEqual([5, 8, 6, 9])
      expect(heard.map((messages) => messages.length)).toEqual([6, 9, 7, 10])
    })
  })

  describe.each(LEGACY)('logs in a session of %s', (revision) => {
    const levels = (messages: Message[]) =>
      messages.flatMap(({ method, params }) =>
        method === 'notifications/message' ? params.level : [],
      )

    it('are all sent until a level is set, then those from it on (B54)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const heard = await (await client.call('shout')).rest()
      expect(levels(heard)).toEqual(LEVELS)
      expect(heard[0]?.params).toEqual({ level: 'debug', logger: 'shout', data: 'at debug' })
      const set = await client.request('logging/setLevel', { level: 'error' })
      expect(await set.result()).toEqual({})
      expect(levels(await (await client.call('shout')).rest())).toEqual(LEVELS.slice(4))
      const other = await LegacyClient.open(endpoint(), revision)
      expect(levels(await (await other.call('shout')).rest())).toEqual(LEVELS)
    })

    it('have exactly eight levels (B54)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      for (const level of ['verbose', 'ERROR', '__proto__', 3, null, undefined]) {
        const { error } = await (await client.request('logging/setLevel', { level })).answer()
        expect(error?.code).toBe(-32602)
      }
    })
  })

  describe('logs in 2026', () => {
    it('are sent from the level of the request on, and not without one (C34)', async () => {
      const silent = await new ModernClient(endpoint()).call('shout')
      expect(silent.streams).toBe(false)
      const client = new ModernClient(endpoint(), { logLevel: 'critical' })
      const messages = await (await client.call('shout')).rest()
      expect(messages.slice(0, -1).map(({ params }) => params.level)).toEqual(LEVELS.slice(5))
    })

    it('have exactly eight levels (C34)', async () => {
      const reply = await new ModernClient(endpoint(), { logLevel: 'loud' }).call('shout')
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error?.code).toBe(-32602)
    })
  })

  describe.each(LEGACY)('cancellation in a session of %s', (revision) => {
    it('ends the call, which has no answer (B52)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const kept = await conversation(client)
      const sending = { meta: { progressToken: 1 }, id: 'to cancel' }
      const reply = await client.call('hold', { until: 'ready' }, sending)
      await reply.notification('notifications/progress')
      const params = { requestId: 'to cancel', reason: 'no longer needed' }
      expect((await client.notify('notifications/cancelled', params)).status).toBe(202)
      const messages = await reply.rest()
      expect(messages.every(({ method }) => method === 'notifications/progress')).toBe(true)
      await eventually(async () => expect(await kept.value('ready was')).toBe('aborted'))
    })

    it('compares the id with its type, and only in this session (B52)', async () => {
      const [client, stranger] = await Promise.all([
        LegacyClient.open(endpoint(), revision),
        LegacyClient.open(endpoint(), revision),
      ])
      const kept = await conversation(client)
      const sending = { meta: { progressToken: 1 }, id: 41 }
      const reply = await client.call('hold', { until: 'ready' }, sending)
      await reply.notification('notifications/progress')
      await client.notify('notifications/cancelled', { requestId: '41' })
      await stranger.notify('notifications/cancelled', { requestId: 41 })
      await client.notify('notifications/cancelled', { requestId: { id: 41 } })
      await kept.set('ready', 'yes')
      expect((await reply.result()).content[0].text).toBe('ready is "yes"')
    })
  })

  describe('a client of 2026 that leaves', () => {
    it.skipIf(!can('disconnect'))('cancels the call (C8)', async () => {
      const client = new ModernClient(endpoint())
      const kept = await conversation(client)
      const args = { until: 'ready', ...kept.args }
      const reply = await client.call('hold', args, { meta: { progressToken: 1 } })
      await reply.notification('notifications/progress')
      await reply.leave()
      await eventually(async () => expect(await kept.value('ready was')).toBe('aborted'))
    })
  })

  describe('a call that sends nothing for long', () => {
    const impatient = shared(open, { keepAlive: 30 })

    it.each(REVISIONS)('becomes a stream with comments, in %s (C7)', async (revision) => {
      const client = await connect(impatient(), revision)
      const kept = await conversation(client)
      const reply = await client.call('hold', { until: 'ready', ...kept.args })
      expect(reply.streams).toBe(true)
      const reading = reply.result()
      await eventually(async () =>
        expect(
          reply.events.filter(({ comment }) => comment === 'keep-alive').length,
        ).toBeGreaterThan(1),
      )
      await kept.set('ready', true)
      expect((await reading).content[0].text).toBe('ready is true')
    })
  })
}

/** Returns a function that calls tools in one conversation: in a session, or with a handle. */
export async function conversation(client: WireClient) {
  const first = await (await client.call('remember', { key: 'begun', value: true })).result()
  const session = first._meta?.['streamable-mcp/session']
  const args = session ? { session } : {}
  return {
    /** The arguments with which a tool with `session: true` finds its session. */
    args,
    async set(key: string, value: unknown): Promise<void> {
      await (await client.call('remember', { key, value, ...args })).result()
    },
    async value(key: string): Promise<unknown> {
      const { content } = await (await client.call('recall', { key, ...args })).result()
      return JSON.parse(content[0].text).value
    },
  }
}
