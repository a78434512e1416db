/** What holds for every input, not only for those somebody thought of. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchUri } from '../src/handlers/uri-match.ts'
import { parseUriTemplate } from '../src/handlers/uri-template.ts'
import { classify } from '../src/http/classify.ts'
import { checkMethodHeaders } from '../src/http/headers.ts'
import { sseEvent, ssePriming } from '../src/http/sse.ts'
import { createMcp, memoryStore } from '../src/index.ts'
import { McpError } from '../src/protocol/errors.ts'
import { nestsDeeper } from '../src/protocol/jsonrpc.ts'
import { eventId, parseEventId } from '../src/state/event-log/event-log.ts'
import { createSeal } from '../src/state/sealed-state.ts'
import type { JsonValue } from '../src/state/store.ts'
import { createBehaviourServer } from './support/behaviour-server.ts'
import type { SseEvent } from './support/wire.ts'
import {
  BOTH,
  fetchEndpoint,
  headerValue,
  LegacyClient,
  ModernClient,
  post,
  readEvents,
} from './support/wire.ts'

/** Text as it may stand in JSON and in UTF-8: any character, no half of one. */
const unicode = fc.string({ unit: 'binary' })

/** The same, and at least one character of it. */
const value = unicode.filter((text) => text.length > 0 && !text.split(/[\\/]/).includes('..'))

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

/** Messages that are right in most places, so that they get far, and wrong in any. */
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

describe('any body', () => {
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
    // a stream that only listens has no end of its own
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

  it('that is JSON has a defined answer, in no session and in each', async () => {
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

  it('that is modern in its headers has a defined answer', async () => {
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

  it('that is bytes or text has a defined answer', async () => {
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

  it('of one era is never taken for the other', () => {
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

describe('the frame of an event', () => {
  /** The same bytes in pieces that end anywhere, also within a character. */
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

  it('gives back any JSON, however the bytes are cut', async () => {
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

  it('that only carries an id has nothing else in it', async () => {
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

  it('carries any text through the server and back', async () => {
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

describe('an event id', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{1,64}$/), fc.nat(1e9), (stream, seq) => {
        expect(parseEventId(eventId(stream, seq))).toEqual({ stream, seq })
      }),
    )
  })

  it('that is none is refused, and never an exception', () => {
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

describe('the depth of JSON', () => {
  const depth = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depth))
      : 0
  /** Strings that look like structure. */
  const tricky = fc.string({ unit: fc.constantFrom('[', '{', ']', '}', '"', '\\', 'a', '\n') })
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'large', withCrossShrink: true },
      tricky,
      fc.constantFrom(null, true, 1.5e3),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(tricky, tie('tree'), { maxKeys: 3 }),
    ),
  }))

  it('is counted without parsing as with', () => {
    fc.assert(
      fc.property(tree, fc.nat(8), fc.constantFrom(undefined, 1, '\t'), (value, limit, indent) => {
        expect(nestsDeeper(JSON.stringify(value, null, indent), limit)).toBe(depth(value) > limit)
      }),
      { numRuns: 500 },
    )
  })

  it('is counted in any text', () => {
    fc.assert(
      fc.property(fc.oneof(tricky, unicode), fc.nat(5), (text, limit) => {
        expect(nestsDeeper(text, limit)).toBeTypeOf('boolean')
      }),
    )
  })
})

describe('a URI template', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), {
    minLength: 5,
    maxLength: 5,
  })

  it('gives back the values that it was expanded with', () => {
    const values = fc.tuple(value, value, value, value, value)
    fc.assert(
      fc.property(names, values, fc.boolean(), ([a, b, c, d, e], given, swapped) => {
        const template = `test://{${a}}/x{/${b}}/y/{${c}}.json{?${d},${e}}`
        const [va = '', vb = '', vc = '', vd = '', ve = ''] = given.map(encodeURIComponent)
        const query = [`${d}=${vd}`, `${e}=${ve}`]
        if (swapped) query.reverse()
        const uri = `test://${va}/x/${vb}/y/${vc}.json?${query.join('&')}`
        const expected = Object.fromEntries([a, b, c, d, e].map((name, i) => [name, given[i]]))
        expect({ ...matchUri(parseUriTemplate(template), uri) }).toEqual(expected)
      }),
    )
  })

  it('separates the values of one expression as RFC 6570 does', () => {
    fc.assert(
      fc.property(fc.tuple(value, value, value), (given) => {
        const [a, b, c] = given.map(encodeURIComponent)
        const expected = { a: given[0], b: given[1], c: given[2] }
        const match = (template: string, uri: string) => ({
          ...matchUri(parseUriTemplate(template), uri),
        })
        expect(match('x:{a,b,c}', `x:${a},${b},${c}`)).toEqual(expected)
        expect(match('x:/y{/a,b,c}', `x:/y/${a}/${b}/${c}`)).toEqual(expected)
        expect(match('x:{a,b}/{c}', `x:${a},${b}/${c}`)).toEqual(expected)
      }),
    )
  })

  it('gives a path with its slashes to a variable that may have them', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9 .~_-]{1,8}$/).filter((text) => text !== '..')
    const segments = fc.array(segment, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(segments, (path) => {
        const found = matchUri(
          parseUriTemplate('file:///{+path}'),
          encodeURI(`file:///${path.join('/')}`),
        )
        expect(found?.path).toBe(path.join('/'))
      }),
    )
  })

  it('matches other URIs or does not, and never throws', () => {
    const template = parseUriTemplate('test://{a}/{+b}{?c}')
    fc.assert(
      fc.property(
        fc.oneof(
          unicode,
          unicode.map((text) => `test://${text}`),
        ),
        (uri) => {
          const found = matchUri(template, uri)
          if (found) expect(uri).toMatch(/^test:\/\/[^/]+\//)
        },
      ),
    )
  })
})

describe('a name in a header', () => {
  /** What the header says, in the words of A.2; undefined where it says nothing. */
  function reading(header: string): string | undefined {
    const [, encoded] = /^=\?base64\?(.*)\?=$/.exec(header) ?? []
    if (encoded === undefined) return header
    const bytes = Buffer.from(encoded, 'base64')
    if (bytes.toString('base64') !== encoded) return undefined
    const text = bytes.toString('utf8')
    return Buffer.from(text).equals(bytes) ? text : undefined
  }
  const agrees = (header: string, name: string): boolean => {
    const headers = new Headers({ 'mcp-method': 'prompts/get', 'mcp-name': header })
    try {
      checkMethodHeaders(headers, 'prompts/get', { name })
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(McpError)
      expect(error).toMatchObject({ code: -32020 })
      return false
    }
  }

  it('agrees with any name it was made from', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          unicode,
          fc.string(),
          fc.string().map((text) => `=?base64?${text}?=`),
        ),
        (name) => {
          expect(agrees(headerValue(name), name)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('agrees with what it says and with nothing else', () => {
    const base64 = fc.oneof(
      fc.base64String(),
      fc.string({ unit: fc.constantFrom('A', 'b', '+', '/', '=', '?', '-') }),
    )
    const header = fc.oneof(
      base64.map((text) => `=?base64?${text}?=`),
      fc.stringMatching(/^[\x21-\x7e]{1,12}$/),
    )
    fc.assert(
      fc.property(header, fc.option(fc.string()), (text, other) => {
        const said = reading(text)
        if (said !== undefined) expect(agrees(text, said)).toBe(true)
        const name = other ?? text
        expect(agrees(text, name)).toBe(said === name)
      }),
      { numRuns: 500 },
    )
  })

  it('carries any argument of a tool', async () => {
    const client = new ModernClient(fetchEndpoint(createBehaviourServer()))
    await fc.assert(
      fc.asyncProperty(unicode, async (city) => {
        const headers = { 'mcp-param-city': headerValue(city) }
        const reply = await client.call('locate', { place: { city } }, { headers })
        expect((await reply.result()).structuredContent).toEqual({ place: { city } })
      }),
      { numRuns: 100 },
    )
  })
})

describe('pages', () => {
  it('hold every item once, whatever its name and however long a page', async () => {
    const names = fc.uniqueArray(value, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 13 }), async (prompts, pageSize) => {
        const mcp = createMcp({ name: 'pages', version: '1', pageSize })
        for (const name of prompts) mcp.prompt(name, { description: 'x' }, () => 'x')
        const client = new ModernClient(fetchEndpoint(mcp))
        const found: string[] = []
        for (let cursor: string | undefined, more = true; more; ) {
          const result = await (
            await client.request('prompts/list', cursor ? { cursor } : {})
          ).result()
          found.push(...result.prompts.map(({ name }: { name: string }) => name))
          cursor = result.nextCursor
          more = cursor !== undefined
        }
        expect(found).toEqual(prompts)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a seal', () => {
  const seal = createSeal(memoryStore(), Date.now, ['k'.repeat(32)])

  it('gives back what was sealed, and nothing that was changed in any place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.nat(), fc.nat(63), async (value, at, by) => {
        const sealed = await seal.seal(value as JsonValue)
        expect(await seal.open(sealed)).toEqual(JSON.parse(JSON.stringify(value)))
        const place = at % sealed.length
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        const changed = sealed.slice(0, place) + alphabet[by] + sealed.slice(place + 1)
        // the last character of a part may hold bits that mean nothing
        const same = (text: string) =>
          text
            .split('.')
            .map((part) => Buffer.from(part, 'base64url').toString('hex'))
            .join('.')
        if (same(changed) !== same(sealed)) expect(await seal.open(changed)).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('was made with one of the keys, or does not open', async () => {
    const value = { secret: 1 }
    const sealed = await createSeal(memoryStore(), Date.now, ['o'.repeat(32)]).seal(value)
    expect(await seal.open(sealed)).toBeUndefined()
    const both = createSeal(memoryStore(), Date.now, ['k'.repeat(32), 'o'.repeat(32)])
    expect(await both.open(sealed)).toEqual(value)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          unicode,
          fc.string().map((text) => text.split('').join('.')),
        ),
        async (text) => {
          expect(await seal.open(text)).toBeUndefined()
        },
      ),
      { numRuns: 50 },
    )
  })
})
