/** The lifecycle: handshake and sessions of 2025, discovery and `_meta` of 2026. */
import { describe, expect, it } from 'vitest'
import { eventually, LegacyClient, ModernClient, post } from '../../support/wire.ts'
import type { Suite } from './endpoint.ts'
import { LEGACY, shared } from './endpoint.ts'

export function lifecycle({ open, endpoint, can }: Suite): void {
  describe.each(LEGACY)('a session of %s', (revision) => {
    it('begins with the requested version and a visible id (B33, B35, B45, B46)', async () => {
      const { server, sessionId } = await LegacyClient.open(endpoint(), revision)
      expect(server.protocolVersion).toBe(revision)
      expect(sessionId).toMatch(/^[\x21-\x7e]{22,}$/)
      expect(server.instructions).toBe('Do as the tests say.')
      const changes = can('listening') ? { listChanged: true } : {}
      expect(server.capabilities).toEqual({
        logging: {},
        completions: {},
        tools: changes,
        prompts: changes,
        resources: { ...changes, ...(can('listening') && { subscribe: true }) },
      })
    })

    it('describes the server with the members that the revision has (B64)', async () => {
      const { server } = await LegacyClient.open(endpoint(), revision)
      const keys = ['name', 'version']
      if (revision >= '2025-06-18') keys.push('title')
      if (revision >= '2025-11-25') keys.push('description', 'websiteUrl', 'icons')
      expect(Object.keys(server.serverInfo).sort()).toEqual(keys.sort())
    })

    it('answers ping with an empty object (B50)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const reply = await client.request('ping')
      expect(await reply.result()).toEqual({})
    })

    it('answers notifications with 202 and no body (B11)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const replies = [
        await client.notify('notifications/initialized'),
        await client.notify('notifications/unheard-of', { with: 'params' }),
        await client.notify('notifications/cancelled', { requestId: 'never sent' }),
        await client.respond('never asked', { result: {} }),
        await client.respond(7, { error: { code: 1, message: 'no' } }),
      ]
      for (const reply of replies) {
        expect(reply.status).toBe(202)
        expect(await reply.response.text()).toBe('')
      }
    })

    it('answers an unknown method in the session, never with a 404 (H12)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      for (const method of ['no/such', 'server/discover', 'subscriptions/listen', 'constructor']) {
        const reply = await client.request(method)
        expect(reply.status).toBe(200)
        expect((await reply.answer()).error?.code).toBe(-32601)
      }
    })

    it('needs the session id on every request after the first (B36)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const without = { headers: { 'mcp-session-id': undefined } }
      expect((await client.request('ping', {}, without)).status).toBe(400)
      const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
      expect((await client.send(notification, without)).status).toBe(400)
    })

    it('is gone at once after DELETE, and unknown ids have the same answer (B37, B38)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      expect((await client.delete()).status).toBe(204)
      const gone = await client.request('ping', {}, { id: 'late' })
      expect(gone.status).toBe(404)
      expect(await gone.answer()).toMatchObject({ id: 'late', error: { code: -32600 } })
      expect((await client.delete()).status).toBe(404)
      expect((await client.notify('notifications/initialized')).status).toBe(404)
      for (const id of ['x', 'A'.repeat(24), '../../server']) {
        const headers = { 'mcp-session-id': id }
        expect((await client.request('ping', {}, { headers })).status).toBe(404)
      }
    })

    it('refuses an unknown version header, and works without one (B41, B42)', async () => {
      const client = await LegacyClient.open(endpoint(), revision)
      const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
      const bad = { 'mcp-protocol-version': '2024-11-05' }
      expect((await client.request('ping', {}, { headers: bad })).status).toBe(400)
      expect((await client.send(notification, { headers: bad })).status).toBe(400)
      expect((await client.delete(bad)).status).toBe(400)
      const none = { 'mcp-protocol-version': undefined }
      expect((await client.request('ping', {}, { headers: none })).status).toBe(200)
    })

    it(
      revision === '2025-03-26'
        ? 'answers a batch with a batch (B9)'
        : 'refuses a batch: they ended with 2025-03-26 (B10)',
      async () => {
        const client = await LegacyClient.open(endpoint(), revision)
        const reply = await client.send([
          { jsonrpc: '2.0', id: 'one', method: 'ping' },
          { jsonrpc: '2.0', method: 'notifications/initialized' },
          { jsonrpc: '2.0', id: 2, method: 'no/such' },
          { jsonrpc: '2.0', id: 'no one asked', result: {} },
          {
            jsonrpc: '2.0',
            id: 3,
            method: 'tools/call',
            params: { name: 'echo', arguments: { text: 'hi' } },
          },
        ])
        if (revision !== '2025-03-26') {
          expect(reply.status).toBe(400)
          expect((await reply.answer()).error?.code).toBe(-32600)
          return
        }
        const answers = await reply.rest()
        expect(answers.map(({ id }) => id)).toEqual(['one', 2, 3])
        expect(answers[0]?.result).toEqual({})
        expect(answers[1]?.error?.code).toBe(-32601)
        expect(answers[2]?.result.content).toEqual([{ type: 'text', text: 'hi' }])
      },
    )
  })

  it('answers a batch on a stream, with one answer per request (B9, B13)', async () => {
    const client = await LegacyClient.open(endpoint(), '2025-03-26')
    const call = (id: number, progressToken: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'count', arguments: { to: 2 }, _meta: { progressToken } },
    })
    const reply = await client.send([call(1, 'a'), call(2, 'b')])
    expect(reply.streams).toBe(true)
    const messages = await reply.rest()
    expect(messages.filter(({ params }) => params?.progressToken === 'a')).toHaveLength(2)
    expect(messages.filter(({ params }) => params?.progressToken === 'b')).toHaveLength(2)
    expect(messages.flatMap(({ id }) => id ?? []).sort()).toEqual([1, 2])
  })

  it('answers a batch of notifications with 202 (B11)', async () => {
    const client = await LegacyClient.open(endpoint(), '2025-03-26')
    const reply = await client.send([{ jsonrpc: '2.0', method: 'notifications/initialized' }])
    expect(reply.status).toBe(202)
  })

  it('refuses initialize in a batch, and an empty one (B9)', async () => {
    const client = await LegacyClient.open(endpoint(), '2025-03-26')
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
    for (const body of [[initialize], [ping, initialize], []]) {
      const reply = await client.send(body)
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error?.code).toBe(-32600)
    }
  })

  it.each(['2024-11-05', '2026-07-28', '9999-01-01', 'soon'])(
    'offers its latest 2025 revision to a handshake for %s (B46)',
    async (protocolVersion) => {
      const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'x', version: '1' } }
      const reply = await post(endpoint(), { jsonrpc: '2.0', id: 1, method: 'initialize', params })
      expect((await reply.result()).protocolVersion).toBe('2025-11-25')
    },
  )

  it('accepts the version header on initialize, too (B44)', async () => {
    const headers = { 'mcp-protocol-version': '2025-06-18' }
    const client = await LegacyClient.open(endpoint(), '2025-06-18', { headers })
    expect(client.server.protocolVersion).toBe('2025-06-18')
  })

  it('refuses a handshake that lacks its parameters', async () => {
    const whole = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x' } }
    for (const missing of Object.keys(whole)) {
      const params = { ...whole, [missing]: undefined }
      const reply = await post(endpoint(), { jsonrpc: '2.0', id: 5, method: 'initialize', params })
      expect(reply.status).toBe(400)
      expect(reply.header('mcp-session-id')).toBeNull()
      expect(await reply.answer()).toMatchObject({ id: 5, error: { code: -32602 } })
    }
  })

  describe('the greatest age of a session', () => {
    const aging = shared(open, { sessionTtl: 500, sessionMaxAge: 500 })

    it('ends it, also when it is in use (B37)', async () => {
      const client = await LegacyClient.open(aging(), '2025-11-25')
      expect((await client.request('ping')).status).toBe(200)
      await eventually(async () => expect((await client.request('ping')).status).toBe(404))
    })
  })

  describe('a request of 2026-07-28', () => {
    const version = 'io.modelcontextprotocol/protocolVersion'
    const capabilities = 'io.modelcontextprotocol/clientCapabilities'

    it('discovers the server (C19, C20, C25, C26)', async () => {
      const reply = await new ModernClient(endpoint()).request('server/discover')
      const result = await reply.result()
      const changes = can('listening') ? { listChanged: true } : {}
      expect(result).toEqual({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: {
          logging: {},
          completions: {},
          tools: changes,
          prompts: changes,
          resources: { ...changes, ...(can('listening') && { subscribe: true }) },
          extensions: {},
        },
        instructions: 'Do as the tests say.',
        ttlMs: 60_000,
        cacheScope: 'private',
        _meta: {
          'io.modelcontextprotocol/serverInfo': {
            name: 'behaviour',
            version: '1.0.0',
            title: 'The server of the behaviour suite',
            description: 'What a client can see a server do',
            websiteUrl: 'https://example.com/behaviour',
            icons: expect.any(Array),
          },
        },
      })
    })

    it('needs no client name, and gets no session (C15, C16)', async () => {
      const client = new ModernClient(endpoint())
      const _meta = { [version]: '2026-07-28', [capabilities]: {} }
      const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }
      const reply = await post(client.endpoint, body, {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
        'mcp-session-id': 'none of yours',
        'last-event-id': 'x.1',
      })
      expect((await reply.result()).tools).toBeInstanceOf(Array)
      expect(reply.header('mcp-session-id')).toBeNull()
    })

    it.each([
      'initialize',
      'ping',
      'logging/setLevel',
      'resources/subscribe',
      'resources/unsubscribe',
      'unknown/method',
      'constructor',
      '__proto__',
    ])('answers %s with 404, because the revision has no such method (C11)', async (method) => {
      const reply = await new ModernClient(endpoint()).request(method, {}, { id: 'mine' })
      expect(reply.status).toBe(404)
      expect(await reply.answer()).toMatchObject({ id: 'mine', error: { code: -32601 } })
    })

    it.each<[string, object, string | undefined, number]>([
      ['no params', {}, '2026-07-28', -32602],
      ['no version in _meta', { _meta: { [capabilities]: {} } }, '2026-07-28', -32602],
      ['no capabilities', { _meta: { [version]: '2026-07-28' } }, '2026-07-28', -32602],
      [
        'capabilities that are not an object',
        { _meta: { [version]: '2026-07-28', [capabilities]: [] } },
        '2026-07-28',
        -32602,
      ],
      [
        'a version that is not a string',
        { _meta: { [version]: 20260728, [capabilities]: {} } },
        '2026-07-28',
        -32602,
      ],
      [
        'no version header',
        { _meta: { [version]: '2026-07-28', [capabilities]: {} } },
        undefined,
        -32020,
      ],
      [
        'another version in the header',
        { _meta: { [version]: 'v999.0.0', [capabilities]: {} } },
        '2026-07-28',
        -32020,
      ],
      [
        'a version no one has',
        { _meta: { [version]: 'v999.0.0', [capabilities]: {} } },
        'v999.0.0',
        -32022,
      ],
      [
        'a 2025 version in the envelope',
        { _meta: { [version]: '2025-11-25', [capabilities]: {} } },
        '2025-11-25',
        -32022,
      ],
    ])('is refused for %s (C9, C10, C16, H11)', async (_, params, header, code) => {
      const body = { jsonrpc: '2.0', id: 'probe', method: 'server/discover', params }
      const reply = await post(endpoint(), body, {
        'mcp-protocol-version': header,
        'mcp-method': 'server/discover',
      })
      expect(reply.status).toBe(400)
      const { id, error } = await reply.answer()
      expect([id, error?.code]).toEqual(['probe', code])
      if (code === -32022) {
        expect(error?.data).toEqual({ supported: ['2026-07-28'], requested: header })
      }
    })

    it('may be a notification, which is accepted and changes nothing (C4)', async () => {
      const headers = { 'mcp-protocol-version': '2026-07-28' }
      const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
      const reply = await post(endpoint(), body, headers)
      expect(reply.status).toBe(202)
      expect(await reply.response.text()).toBe('')
    })

    it('is neither a batch nor a response (A.4)', async () => {
      const headers = { 'mcp-protocol-version': '2026-07-28' }
      const _meta = new ModernClient(endpoint()).envelope()
      const request = { jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta } }
      for (const body of [[request], { jsonrpc: '2.0', id: 1, result: {} }]) {
        expect((await post(endpoint(), body, headers)).status).toBe(400)
      }
    })

    it('cannot be mixed with the handshake: a modern header on initialize is a mismatch (E.4)', async () => {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }
      const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
      const reply = await post(endpoint(), body, { 'mcp-protocol-version': '2026-07-28' })
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error?.code).toBe(-32020)
    })
  })
}
