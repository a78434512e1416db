/** Properties that hold for every body that a client can send. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify } from '../../src/http/classify.ts'
import { createBehaviourServer } from '../support/behaviour-server.ts'
import { unicode } from '../support/random-text.ts'
import { BOTH, fetchEndpoint, headerValue, LegacyClient, post } from '../support/wire.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const versions = fc.constantFrom(
  undefined,
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
  '2026-07-28',
  '2027-01-01',
  '1.0',
  '',
)

/** Messages that are mostly correct, so that most checks accept them, and wrong in any place. */
const messages = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, fc.jsonValue()),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          'initialize',
          'ping',
          'tools/list',
          'tools/call',
          'prompts/get',
          'resources/read',
          'resources/subscribe',
          'completion/complete',
          'logging/setLevel',
          'server/discover',
          'subscriptions/listen',
          'notifications/cancelled',
          'notifications/initialized',
        ),
      },
      fc.jsonValue(),
    ),
    params: fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          name: fc.oneof(fc.constantFrom('echo', 'add', 'introduce', 'recall'), fc.jsonValue()),
          uri: fc.oneof(fc.constantFrom('test://text', 'test://users/a/notes/b'), fc.jsonValue()),
          arguments: fc.jsonValue(),
          argument: fc.jsonValue(),
          ref: fc.oneof(
            fc.record({ type: fc.constant('ref/prompt'), name: fc.constant('introduce') }),
            fc.jsonValue(),
          ),
          cursor: fc.jsonValue(),
          level: fc.jsonValue(),
          requestId: fc.jsonValue(),
          inputResponses: fc.jsonValue(),
          requestState: fc.jsonValue(),
          protocolVersion: fc.oneof(versions, fc.jsonValue()),
          capabilities: fc.jsonValue(),
          clientInfo: fc.jsonValue(),
          _meta: fc.oneof(
            fc.record(
              {
                [VERSION]: fc.oneof(versions, fc.jsonValue()),
                [CAPABILITIES]: fc.oneof(fc.constant({}), fc.jsonValue()),
                progressToken: fc.jsonValue(),
              },
              { requiredKeys: [] },
            ),
            fc.jsonValue(),
          ),
        },
        { requiredKeys: [] },
      ),
    ),
    result: fc.jsonValue(),
    error: fc.jsonValue(),
  },
  { requiredKeys: ['jsonrpc'] },
)
const bodies = fc.oneof(
  { weight: 6, arbitrary: messages },
  { weight: 1, arbitrary: fc.array(messages, { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.jsonValue() },
)

describe('a body', () => {
  const log: unknown[] = []
  const endpoint = fetchEndpoint(
    createBehaviourServer({ log: ({ level, ...rest }) => level === 'error' && log.push(rest) }),
  )

  async function expectDefined(
    body: string | Uint8Array,
    headers: Record<string, string | undefined>,
  ) {
    log.length = 0
    const reply = await post(endpoint, body, headers)
    // A listening stream does not end by itself.
    if (reply.streams) await reply.leave()
    const text = reply.streams ? '' : await reply.response.text()
    expect([200, 202, 400, 404]).toContain(reply.status)
    expect(log).toEqual([])
    if (reply.status === 202) expect(text).toBe('')
    else if (text) {
      for (const message of [JSON.parse(text)].flat()) {
        expect(message.jsonrpc).toBe('2.0')
        expect('result' in message).not.toBe('error' in message)
        if (message.error) expect(message.error.code).toBeTypeOf('number')
        if (reply.status >= 400) expect(message).toHaveProperty('error')
      }
    }
  }

  it('of any JSON has a defined answer, with and without a session', async () => {
    const sessions = await Promise.all(
      (['2025-03-26', '2025-11-25'] as const).map((revision) =>
        LegacyClient.open(endpoint, revision),
      ),
    )
    const where = fc.record({
      session: fc.constantFrom(undefined, ...sessions.map(({ sessionId }) => sessionId)),
      version: versions,
      method: fc.constantFrom(undefined, 'tools/call', 'tools/list', 'server/discover'),
    })
    await fc.assert(
      fc.asyncProperty(bodies, where, (body, { session, version, method }) =>
        expectDefined(JSON.stringify(body), {
          'mcp-session-id': session,
          'mcp-protocol-version': version,
          'mcp-method': method,
        }),
      ),
      { numRuns: 1_000 },
    )
  })

  it('with the headers of 2026 has a defined answer', async () => {
    const bare = messages.filter(({ params }) => typeof params === 'object' && params !== null)
    await fc.assert(
      fc.asyncProperty(bare, fc.boolean(), (message, honest) => {
        const params = { ...(message.params as object) } as Record<string, unknown>
        params._meta = { [VERSION]: '2026-07-28', [CAPABILITIES]: {} }
        const name = message.method === 'resources/read' ? params.uri : params.name
        return expectDefined(JSON.stringify({ ...message, params }), {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': honest ? headerSafe(message.method) : 'tools/call',
          'mcp-name': typeof name === 'string' ? headerValue(name) : undefined,
        })
      }),
      { numRuns: 500 },
    )
  })

  it('of any bytes or text has a defined answer', async () => {
    const raw = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      unicode,
      fc.tuple(fc.json(), fc.nat(200)).map(([text, at]) => text.slice(0, at)),
    )
    await fc.assert(
      fc.asyncProperty(raw, versions, (body, version) =>
        expectDefined(body, { 'mcp-protocol-version': version, accept: BOTH }),
      ),
      { numRuns: 300 },
    )
  })

  it.each([
    ['2025-11-25', 'legacy'],
    ['2026-07-28', 'modern-notification'],
    ['2027-01-01', 'modern-notification'],
  ])('of a notification whose header names %s is %s (H14)', (header, kind) => {
    const body = { jsonrpc: '2.0', method: 'notifications/initialized' }
    expect(classify(body, header).kind).toBe(kind)
  })

  it('of one era is never read as the other era', () => {
    fc.assert(
      fc.property(bodies, versions, (body, header) => {
        const found = classify(JSON.parse(JSON.stringify(body)), header ?? null)
        if (found.kind === 'modern') {
          const meta = found.request.params?._meta as Record<string, unknown>
          expect(meta[VERSION]).toBe('2026-07-28')
          expect(header).toBe('2026-07-28')
          expect(meta[CAPABILITIES]).toBeTypeOf('object')
        }
        if (found.kind === 'legacy') {
          for (const { message } of found.messages) {
            const claims =
              'params' in message && JSON.stringify(message.params).includes(`"${VERSION}"`)
            if (claims && 'method' in message && message.method !== 'initialize') {
              expect((message.params?._meta as Record<string, unknown>)?.[VERSION]).toBeUndefined()
            }
          }
        }
        if (found.kind === 'refused') {
          expect([-32600, -32602, -32020, -32022]).toContain(found.error.code)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

function headerSafe(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined
}
