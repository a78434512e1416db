/** Hostile and malformed input: the server gives a proper answer to each, and continues to work. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import type { LogEntry } from '../../src/index.ts'
import { createHostileServer, FAILING, SECRET } from '../support/hostile-server.ts'
import type { TestEndpoint } from '../support/wire.ts'
import {
  BOTH,
  eventually,
  fetchEndpoint,
  LegacyClient,
  ModernClient,
  post,
} from '../support/wire.ts'

const PARSE = -32700
const INVALID = -32600
const NO_METHOD = -32601
const PARAMS = -32602
const INTERNAL = -32603
const MISMATCH = -32020

const endpoints = {
  'mcp.fetch': async () => {
    const { mcp, log } = createHostileServer()
    return { endpoint: fetchEndpoint(mcp), log }
  },
  'the Node adapter': async () => {
    const { mcp, log } = createHostileServer()
    const { port, close } = await serve(mcp, { port: 0, grace: 0, signals: false })
    const endpoint: TestEndpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
    return { endpoint, log }
  },
}

const INHERITED = ['__proto__', 'constructor', 'prototype', 'valueOf', '__defineGetter__']
const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' })
const nested = (depth: number) =>
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}}`
const utf8 = (text: string, ...tail: number[]) =>
  Uint8Array.from([...new TextEncoder().encode(text), ...tail])

describe.each(Object.entries(endpoints))('hostile input, through %s', (_, open) => {
  let endpoint: TestEndpoint
  let log: LogEntry[]
  let session: LegacyClient

  beforeAll(async () => {
    const opened = await open()
    endpoint = opened.endpoint
    log = opened.log
    session = await LegacyClient.open(endpoint, '2025-03-26')
  })
  afterAll(() => endpoint.close())

  /** Checks that the server still answers clients of both eras. */
  async function expectAlive(): Promise<void> {
    const legacy = await session.call('echo', { text: 'still' })
    const modern = await new ModernClient(endpoint).call('echo', { text: 'there' })
    expect((await legacy.result()).content[0].text).toBe('still')
    expect((await modern.result()).content[0].text).toBe('there')
  }

  describe('a body', () => {
    it.each<[string, unknown, number, number, unknown]>([
      ['that is empty', '', 400, PARSE, undefined],
      ['that is white space', ' \r\n\t', 400, PARSE, undefined],
      ['that stops in the middle', '{"jsonrpc":"2.0","id":1,', 400, PARSE, undefined],
      [
        'that goes on after its end',
        '{"jsonrpc":"2.0","id":1,"method":"ping"}}',
        400,
        PARSE,
        undefined,
      ],
      ['that is not JSON', 'jsonrpc=2.0&method=ping', 400, PARSE, undefined],
      ['that is JavaScript', "{jsonrpc:'2.0',id:1,method:'ping'}", 400, PARSE, undefined],
      [
        'that is not UTF-8',
        utf8('{"jsonrpc":"2.0","id":1,"method":"ping', 0xff, 0x22, 0x7d),
        400,
        PARSE,
        undefined,
      ],
      ['that is cut in a character', utf8('"', 0xf0, 0x9f), 400, PARSE, undefined],
      [
        'that lacks the last byte of a character inside a string',
        utf8('{"jsonrpc":"2.0","id":1,"method":"ping', 0xf0, 0x9f, 0x98, 0x22, 0x7d),
        400,
        PARSE,
        undefined,
      ],
      ['that spells ASCII overlong', utf8('', 0xc0, 0xa2, 0xc0, 0xa2), 400, PARSE, undefined],
      [
        'that is UTF-16',
        Uint8Array.from(Buffer.from(JSON.stringify(ping(1)), 'utf16le')),
        400,
        PARSE,
        undefined,
      ],
      ['that is null', 'null', 400, INVALID, undefined],
      ['that is a number', '42', 400, INVALID, undefined],
      ['that is a string', '"ping"', 400, INVALID, undefined],
      ['that is true', 'true', 400, INVALID, undefined],
      ['that is an empty object', '{}', 400, INVALID, undefined],
      ['that is an empty batch', '[]', 400, INVALID, undefined],
      ['that is a batch of nonsense', '[1,null,"x"]', 400, INVALID, undefined],
      ['that is a batch of 101', Array(101).fill(ping(1)), 400, INVALID, undefined],
      ['that is a batch in a batch', [[ping(1)]], 400, INVALID, undefined],
      [
        'with initialize in a batch',
        [{ ...ping(1), method: 'initialize' }],
        400,
        INVALID,
        undefined,
      ],
      ['with one bad message in a batch', [ping(1), { id: 2 }], 400, INVALID, undefined],
      ['of another JSON-RPC', { jsonrpc: '1.0', id: 1, method: 'ping' }, 400, INVALID, 1],
      ['of no JSON-RPC', { id: 'a', method: 'ping' }, 400, INVALID, 'a'],
      ['with a method that is a number', { jsonrpc: '2.0', id: 1, method: 7 }, 400, INVALID, 1],
      ['with a method that is null', { jsonrpc: '2.0', id: 1, method: null }, 400, INVALID, 1],
      ['with an empty method', { jsonrpc: '2.0', id: 1, method: '' }, 200, NO_METHOD, 1],
      ['with a method of a megabyte', { ...ping(1), method: 'x'.repeat(1e6) }, 200, NO_METHOD, 1],
      ['with params that are a list', { ...ping(1), params: [] }, 400, INVALID, 1],
      ['with params that are null', { ...ping(1), params: null }, 400, INVALID, 1],
      ['with params that are text', { ...ping(1), params: 'x' }, 400, INVALID, 1],
      [
        'that answers and fails at once',
        { jsonrpc: '2.0', id: 1, result: {}, error: {} },
        400,
        INVALID,
        1,
      ],
      ['that answers no request', { jsonrpc: '2.0', result: {} }, 400, INVALID, undefined],
      ['that nests 10,000 lists', '['.repeat(10_000) + ']'.repeat(10_000), 400, INVALID, undefined],
      [
        'that nests 10,000 lists and never closes them',
        '['.repeat(10_000),
        400,
        INVALID,
        undefined,
      ],
      [
        'that nests 10,000 objects',
        `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
        400,
        INVALID,
        undefined,
      ],
      ['that nests one level too deep', nested(101), 400, INVALID, undefined],
      ['of 5 MB', JSON.stringify({ ...ping(1), pad: 'x'.repeat(5e6) }), 413, INVALID, undefined],
    ])('%s is refused', async (_, body, status, code, id) => {
      const reply = await session.send(body)
      expect(reply.status).toBe(status)
      expect(reply.header('content-type')).toBe('application/json')
      const answer = await reply.answer()
      expect(answer).toEqual({
        jsonrpc: '2.0',
        ...(id !== undefined && { id }),
        error: { code, message: expect.any(String) },
      })
      expect(answer.error?.message.length).toBeLessThan(400)
      await expectAlive()
    })

    it.each<[string, string | Uint8Array]>([
      ['nests as deep as allowed', nested(100)],
      ['holds brackets in a string', JSON.stringify({ ...ping(1), pad: '[{'.repeat(20_000) })],
      ['begins with a byte order mark', `\ufeff${JSON.stringify(ping(1))}`],
      ['names a member twice', '{"jsonrpc":"2.0","id":2,"id":1,"method":"no","method":"ping"}'],
      ['has members no one knows', JSON.stringify({ ...ping(1), more: { of: ['it'] } })],
      ['is almost too large', JSON.stringify({ ...ping(1), pad: 'x'.repeat(4 * 1024 ** 2 - 60) })],
    ])('that %s is fine', async (_, body) => {
      const reply = await session.send(body)
      expect(await reply.answer()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    })

    it.each([
      [undefined, 415],
      ['text/plain', 415],
      ['application/jsonp', 415],
      ['application/x-www-form-urlencoded', 415],
      ['multipart/form-data; boundary=x', 415],
      ['text/plain; application/json', 415],
      ['application/json', 200],
      ['application/json; charset=utf-8', 200],
      ['Application/JSON;charset="utf-8"', 200],
    ])('of type %s has status %d', async (type, status) => {
      const body = new TextEncoder().encode(JSON.stringify(ping(1)))
      const reply = await session.send(body, { headers: { 'content-type': type } })
      expect(reply.status).toBe(status)
    })
  })

  describe('a request id', () => {
    it.each([
      0,
      -1,
      '',
      ' ',
      'null',
      '1',
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      '__proto__',
      '\u0000\r\n"\\\u2028</script>',
      '\ud83d\ude80',
      '\ud800',
      'x'.repeat(100_000),
    ])('of %j comes back as it is (B6)', async (id) => {
      const sending = { meta: { progressToken: 1 }, id }
      for (const client of [session, new ModernClient(endpoint)]) {
        const quiet = await client.call('echo', { text: 'x' }, sending)
        expect((await quiet.answer()).id).toBe(id)
        const failed = await client.request('no/such', {}, { id })
        expect((await failed.answer()).id).toBe(id)
      }
    })

    it.each([null, 1.5, 1e300, -1e300, 2 ** 53, true, {}, [], ['1']])(
      'of %j is none, and is not given back (B6)',
      async (id) => {
        const reply = await session.send(ping(id))
        expect(reply.status).toBe(400)
        expect(await reply.answer()).toEqual({
          jsonrpc: '2.0',
          error: { code: INVALID, message: expect.any(String) },
        })
        await expectAlive()
      },
    )

    it('may be that of another running request, and each gets its own answer (A33)', async () => {
      const replies = await Promise.all(
        ['a', 'b', 'c'].map((text) => session.call('echo', { text }, { id: 'same' })),
      )
      const texts = await Promise.all(
        replies.map(async (reply) => (await reply.result()).content[0].text),
      )
      expect(texts).toEqual(['a', 'b', 'c'])
      const twice = { jsonrpc: '2.0', id: 1, method: 'tools/call' }
      const batch = await session.send([
        { ...twice, params: { name: 'echo', arguments: { text: 'x' } } },
        { ...twice, params: { name: 'echo', arguments: { text: 'y' } } },
      ])
      expect((await batch.rest()).map(({ result }) => result.content[0].text)).toEqual(['x', 'y'])
    })
  })

  describe.each(INHERITED)('the name %s', (name) => {
    const argument = { name, value: '' }

    it.each<[string, object, number]>([
      [name, {}, NO_METHOD],
      ['tools/call', { name, arguments: {} }, PARAMS],
      ['prompts/get', { name }, PARAMS],
      ['resources/read', { uri: name }, PARAMS],
      ['tools/list', { cursor: btoa(name) }, PARAMS],
      ['completion/complete', { ref: { type: name }, argument }, PARAMS],
      ['completion/complete', { ref: { type: 'ref/prompt', name }, argument }, PARAMS],
      ['completion/complete', { ref: { type: 'ref/resource', uri: name }, argument }, PARAMS],
    ])('belongs to no one, asked for by %s with %j', async (method, params, code) => {
      const modern = await new ModernClient(endpoint).request(
        method,
        params as Record<string, unknown>,
      )
      expect((await modern.answer()).error?.code).toBe(code)
      const legacy = await session.request(method, params)
      const notFound = method === 'resources/read' ? -32002 : code
      expect((await legacy.answer()).error?.code).toBe(notFound)
    })

    it('is a normal argument, and changes nothing else', async () => {
      const body = (fields: string) =>
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x",${fields}}}}`
      const reply = await session.send(body(`${JSON.stringify(name)}:{"polluted":true}`))
      expect((await reply.result()).content[0].text).toBe('x')
      const plain = await session.send(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_nested","arguments":{"user":{},${JSON.stringify(name)}:{"polluted":true}}}}`,
      )
      expect((await plain.result()).isError).toBe(true)
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    })

    it('is not a member of _meta, of capabilities or of the handshake', async () => {
      const evil = `{${JSON.stringify(name)}:{"elicitation":{},"sampling":{}}}`
      const body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${evil},"clientInfo":${evil},"_meta":${evil}}}`
      const reply = await post(endpoint, body)
      expect((await reply.result()).protocolVersion).toBe('2025-11-25')
      await expectAlive()
    })
  })

  it('finds a registered tool with an inherited name', async () => {
    const client = new ModernClient(endpoint)
    expect((await (await client.call('hasOwnProperty')).result()).content[0].text).toBe('a tool')
    const prompt = await client.request('prompts/get', { name: 'toString' })
    expect((await prompt.result()).messages[0].content.text).toBe('a prompt')
  })

  describe('arguments that break the schema', () => {
    it.each<[string, object, RegExp]>([
      ['nested', {}, /^Invalid arguments: user: /],
      ['nested', { user: { tags: 'x', age: 1 } }, /user\.tags: /],
      ['nested', { user: { tags: ['x', 5], age: 1.5 } }, /user\.tags\.1: .*user\.age: /],
      ['plain_nested', { user: { tags: ['x', 5] } }, /user\.tags\.1: /],
      ['plain_nested', { user: {}, more: 1 }, /more/],
    ])('of %s (%j) are named by their path, in a result (B59)', async (tool, args, path) => {
      const { isError, content } = await (await session.call(tool, args)).result()
      expect(isError).toBe(true)
      expect(content[0].text).toMatch(path)
    })
  })

  describe('a handler that', () => {
    it.each(FAILING)('%s is a failed call that shows no details', async (tool) => {
      const legacy = await LegacyClient.open(endpoint, '2025-11-25')
      for (const client of [legacy, new ModernClient(endpoint, { logLevel: 'debug' })]) {
        log.length = 0
        const reply = await client.call(tool)
        expect(reply.status).toBe(200)
        const answer = await reply.answer()
        expect(answer.result?.isError).toBe(true)
        const text = answer.result?.content[0].text
        expect(text).toMatch(/^Internal error \([0-9a-f]{8}\)$/)
        expect(JSON.stringify(answer)).not.toContain(SECRET)
        // The operator finds the reason in the log by the id in the client's error.
        const [correlation] = /[0-9a-f]{8}/.exec(text) ?? []
        expect(log.filter((entry) => entry.correlation === correlation)).toHaveLength(1)
      }
      await expectAlive()
    })

    it.each([
      ['returns_undefined', []],
      ['returns_bigint', [{ type: 'text', text: '18446744073709551616' }]],
      ['returns_nan', [{ type: 'text', text: 'NaN' }]],
    ])('%s has its result', async (tool, content) => {
      expect((await (await session.call(tool)).result()).content).toEqual(content)
    })

    it('never returns is ended at its time limit', async () => {
      const result = await (await session.call('never_returns')).result()
      expect(result).toMatchObject({ isError: true })
      expect(result.content[0].text).toMatch(/did not finish within/)
      await expectAlive()
    })

    it('throws an error of the protocol answers with that error', async () => {
      const { error } = await (await session.call('throws_protocol')).answer()
      expect(error).toEqual({ code: -32050, message: 'as it is', data: { detail: 1 } })
    })

    it('belongs to a prompt or a resource and throws is an internal error (B62, B63)', async () => {
      for (const client of [session, new ModernClient(endpoint)]) {
        for (const reply of [
          await client.request('prompts/get', { name: 'throws' }),
          await client.request('resources/read', { uri: 'test://throws' }),
          await client.request('resources/read', { uri: 'test://cycle' }),
        ]) {
          expect(reply.status).toBe(200)
          const { error } = await reply.answer()
          expect(error?.code).toBe(INTERNAL)
          expect(JSON.stringify(error)).not.toContain(SECRET)
        }
      }
    })
  })

  describe('headers', () => {
    it.each<[string, Record<string, string>, number]>([
      ['an origin from elsewhere', { origin: 'https://evil.example.com' }, 403],
      ['an origin that only begins like ours', { origin: 'http://localhost.evil.com' }, 403],
      ['an origin that is null', { origin: 'null' }, 403],
      ['an origin that is not a URL', { origin: 'localhost' }, 403],
      ['an origin on this machine', { origin: 'http://localhost:5173' }, 200],
      ['a version from the past', { 'mcp-protocol-version': '2024-11-05' }, 400],
      ['two versions', { 'mcp-protocol-version': '2025-03-26, 2025-03-26' }, 400],
      ['a version that is __proto__', { 'mcp-protocol-version': '__proto__' }, 400],
      ['the session of no one', { 'mcp-session-id': '../../etc/passwd' }, 404],
      ['two sessions', { 'mcp-session-id': `${'A'.repeat(24)}, ${'B'.repeat(24)}` }, 404],
      ['an Accept that is nonsense', { accept: ';;;,,,q=' }, 406],
    ])('with %s: %j → %d (B2, C2)', async (_, headers, status) => {
      const reply = await session.send(ping(1), { headers })
      expect(reply.status).toBe(status)
      await reply.leave()
      await expectAlive()
    })

    it.each([
      '=?base64?ZWNo*m8=?=',
      '=?base64?ZWNobw?=',
      '=?base64?ZWNobw===?=',
      '=?base64?Z?=',
      '=?base64?????=',
      '=?base64?gICA?=',
      '=?base64?=',
    ])('with Mcp-Name: %s do not match (C12)', async (name) => {
      const headers = { 'mcp-name': name }
      const reply = await new ModernClient(endpoint).call('echo', { text: 'x' }, { headers })
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error?.code).toBe(MISMATCH)
    })

    it.each(['PUT', 'PATCH', 'HEAD', 'PROPFIND'])(
      'with the method %s are not allowed',
      async (method) => {
        const response = await endpoint.fetch(endpoint.url, { method, headers: session.headers })
        expect(response.status).toBe(405)
        expect(response.headers.get('allow')).toMatch(/POST/)
        expect(response.headers.get('allow')).toMatch(/GET/)
        await response.body?.cancel()
      },
    )

    it.each(['/', '/mcp/', '/MCP', '/mcp/../mcp/x', '/mcp%2f', '//mcp'])(
      'for the path %s find nothing',
      async (path) => {
        const url = new URL(endpoint.url)
        const response = await endpoint.fetch(`${url.origin}${path}`, {
          method: 'POST',
          body: '{}',
        })
        expect(response.status).toBe(404)
        expect(await response.text()).not.toMatch(/at .*\.ts/)
      },
    )

    it('of a preflight name the headers that an allowed page may send, and none for other pages', async () => {
      const ask = (origin: string) =>
        endpoint.fetch(endpoint.url, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type,mcp-session-id,mcp-param-region',
          },
        })
      const allowed = await ask('http://localhost:3000')
      expect(allowed.status).toBe(204)
      expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
      expect(allowed.headers.get('access-control-allow-headers')).toMatch(/mcp-param-region/)
      const refused = await ask('https://evil.example.com')
      expect(refused.status).toBe(403)
      expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    })
  })
})

describe('hostile bytes, on the socket of the Node adapter', () => {
  let endpoint: TestEndpoint
  let port: number

  beforeAll(async () => {
    const { mcp } = createHostileServer()
    const serving = await serve(mcp, { port: 0, grace: 0, signals: false })
    port = serving.port
    endpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close: serving.close }
  })
  afterAll(() => endpoint.close())

  /** Sends bytes, and returns the server's answer up to the end of the connection or up to the expected text. */
  async function say(bytes: string | Uint8Array, until?: RegExp): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(bytes)
    let heard = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      heard += chunk
      if (until?.test(heard)) socket.destroy()
    })
    // A server may reset the connection after its answer, and need not read the rest.
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('close', resolve))
    return heard
  }

  const discover = () => new ModernClient(endpoint).request('server/discover')
  const expectAlive = async () => expect((await discover()).status).toBe(200)
  const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])

  const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  const head = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`
  const request = (more: string[], start = 'POST /mcp HTTP/1.1', host = 'Host: localhost') =>
    head([
      start,
      host,
      'Content-Type: application/json',
      `Accept: ${BOTH}`,
      'Connection: close',
      ...more,
    ])
  const whole = [`Content-Length: ${body.length}`]

  it.each<[string, string, number]>([
    ['no HTTP at all', 'EHLO mail.example.com\r\n\r\n', 400],
    [
      'an end of line within a header',
      request([...whole, 'Mcp-Name: a\nX-Injected: b\rc']) + body,
      400,
    ],
    ['a NUL in a header', request([...whole, 'Mcp-Name: a\u0000b']) + body, 400],
    ['a header without a name', request([...whole, ': x']) + body, 400],
    ['two lengths', request([...whole, 'Content-Length: 1']) + body, 400],
    ['a length and chunks', request([...whole, 'Transfer-Encoding: chunked']) + body, 400],
    ['a length that is none', request(['Content-Length: lots']) + body, 400],
    [
      'chunks that are none',
      `${request(['Transfer-Encoding: chunked'])}zz\r\n${body}\r\n0\r\n\r\n`,
      400,
    ],
    ['headers without end', request([`X-Long: ${'x'.repeat(17_000)}`]), 431],
    ['no Host', request(whole, 'POST /mcp HTTP/1.1', 'X-Host: localhost') + body, 400],
    ['two Hosts', request([...whole, 'Host: evil.example.com']) + body, 403],
    [
      'the Host of another',
      request(whole, 'POST /mcp HTTP/1.1', 'Host: evil.example.com') + body,
      403,
    ],
    [
      'a Host with a user in it',
      request(whole, 'POST /mcp HTTP/1.1', 'Host: localhost@evil.com') + body,
      400,
    ],
    ['a Host that is not a name', request(whole, 'POST /mcp HTTP/1.1', 'Host: [::1') + body, 400],
    [
      'a whole URL of another host',
      request(whole, 'POST http://evil.example.com/mcp HTTP/1.1', 'Host: evil.example.com') + body,
      403,
    ],
    ['a path with a backslash', request(whole, 'POST /\\mcp HTTP/1.1') + body, 400],
  ])('%s is refused', async (_, bytes, status) => {
    const heard = await say(bytes)
    expect([statusOf(heard), heard.match(/node_modules|\.ts:\d|Error: /)]).toEqual([status, null])
    await expectAlive()
  })

  it('5 MB in chunks are refused before all have arrived', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const heard = await say(
      request(['Transfer-Encoding: chunked']) + chunk.repeat(80),
      /larger than/,
    )
    expect(statusOf(heard)).toBe(413)
    await expectAlive()
  })

  it('5 MB that are only announced are refused at once', async () => {
    const heard = await say(request(['Content-Length: 5000000']), /larger than/)
    expect(statusOf(heard)).toBe(413)
    await expectAlive()
  })

  it('a client that leaves in the middle of its body has no effect on others', async () => {
    for (const sent of ['', body.slice(0, 10)]) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(request(['Content-Length: 1000']) + sent)
      socket.destroy()
      await once(socket, 'close')
    }
    await expectAlive()
  })

  it('a client that sends Expect: 100-continue may go on', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(request([...whole, 'Expect: 100-continue']))
    let heard = ''
    for await (const chunk of socket.setEncoding('utf8')) {
      heard += chunk
      if (heard.startsWith('HTTP/1.1 100') && !heard.includes('HTTP/1.1 400')) socket.write(body)
    }
    // The protocol answers 400 to a ping without a session, so the request has passed all earlier checks.
    expect(heard).toMatch(/^HTTP\/1\.1 100 Continue[\s\S]*HTTP\/1\.1 400[\s\S]*Mcp-Session-Id/)
  })

  it('pipelined requests are answered in order', async () => {
    const one = (id: string) => {
      const text = `{"jsonrpc":"2.0","id":"${id}","method":"no"}`
      return `${request([`Content-Length: ${text.length}`]).replace('Connection: close\r\n', '')}${text}`
    }
    const heard = await say(one('first') + one('second') + one('third'), /third/)
    expect(heard.match(/"id":"\w+"/g)).toEqual(['"id":"first"', '"id":"second"', '"id":"third"'])
  })

  it('streams without a reader do not delay other clients', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket.pause()
        const headers = Object.entries(client.headers).map(([name, value]) => `${name}: ${value}`)
        socket.write(
          head(['GET /mcp HTTP/1.1', 'Host: localhost', 'Accept: text/event-stream', ...headers]),
        )
        return socket
      }),
    )
    await expectAlive()
    for (const socket of sockets) socket.destroy()
    await eventually(expectAlive)
  })
})
