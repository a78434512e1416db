/** Limits of the endpoint, and spellings that it accepts: paths, loopback origins, rounds, batches, capabilities. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { bufferedLambda } from '../../adapters/lambda.ts'
import { serve } from '../../adapters/node.ts'
import { createMcp, isLoopback } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const create = () => createMcp({ name: 'limits', version: '1.0.0' })

/** Other spellings of /mcp, which a proxy that protects this path may not recognize. */
const SPELLINGS = [
  '/%6dcp',
  '/mc%70',
  '/x/../mcp',
  '/x/%2e%2e/mcp',
  '/x/.%2E/mcp',
  '/./mcp',
  '/x\\..\\mcp',
]

describe('a path that is spelled differently', () => {
  it('is not the endpoint of mcp.fetch', async () => {
    const { fetch } = create()
    for (const path of ['/%6dcp', '/mc%70', '/mcp%2f', '/%6d%63%70?x=1']) {
      const { status } = await fetch(new Request(`http://localhost${path}`, { method: 'PUT' }))
      expect([path, status]).toEqual([path, 404])
    }
    const { status } = await fetch(new Request('http://localhost/mcp?q=%41', { method: 'PUT' }))
    expect(status).toBe(405)
  })

  it('is the endpoint where the path itself needs encoding', async () => {
    const { fetch } = createMcp({ name: 'limits', version: '1.0.0', path: '/m c p' })
    const { status } = await fetch(new Request('http://localhost/m%20c%20p', { method: 'PUT' }))
    expect(status).toBe(405)
  })

  it('is not the endpoint of the Node adapter', async () => {
    const { port, close } = await serve(create(), { port: 0, grace: 0, signals: false })
    const statusOf = async (target: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.write(`PUT ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of socket) text += chunk
      return Number(text.split(' ')[1])
    }
    try {
      for (const path of [...SPELLINGS, 'http://localhost/x/../mcp']) {
        expect([path, [400, 404].includes(await statusOf(path))]).toEqual([path, true])
      }
      expect(await statusOf('/mcp')).toBe(405)
      expect(await statusOf('http://localhost/mcp')).toBe(405)
      expect(await statusOf('/mcp?back=/../x')).toBe(405)
    } finally {
      await close()
    }
  })

  it('is not the endpoint of the Lambda adapter', async () => {
    const mcp = create()
    const handler = bufferedLambda(mcp, { log: () => {} })
    const statusOf = async (rawPath: string) => {
      const event = {
        version: '2.0',
        rawPath,
        rawQueryString: '',
        headers: { host: 'localhost' },
        requestContext: {
          domainName: 'localhost',
          stage: '$default',
          http: { method: 'PUT', path: rawPath },
        },
        isBase64Encoded: false,
      }
      const context = { awsRequestId: '1', getRemainingTimeInMillis: () => 10_000 }
      const reply = await handler(event as never, context as never)
      return reply?.statusCode
    }
    for (const path of SPELLINGS) expect([path, await statusOf(path)]).toEqual([path, 404])
    expect(await statusOf('/mcp')).toBe(405)
  })
})

describe('loopback', () => {
  it.each([
    ['http://localhost', true],
    ['http://localhost:8080', true],
    ['https://127.0.0.1:1', true],
    ['http://127.8.9.1', true],
    ['http://[::1]:3000', true],
    ['capacitor://localhost', false],
    ['http://evil@localhost', false],
    ['http://localhost@evil.example', false],
    ['http://localhost.evil.example', false],
    ['http://127.0.0.1.evil.example', false],
    ['http://localhost/', false],
    ['http://localhost/path', false],
    ['null', false],
  ])('is where the origin %s comes from: %s', async (origin, allowed) => {
    const request = new Request('http://localhost/mcp', { method: 'POST', headers: { origin } })
    const response = await create().fetch(request)
    expect(response.status).toBe(allowed ? 415 : 403)
    expect(response.headers.get('access-control-allow-origin')).toBe(allowed ? origin : null)
  })

  it('is a whole name or address, not its beginning', () => {
    const hosts = ['localhost', 'LOCALHOST', '127.0.0.1', '127.255.0.1', '::1', '[::1]']
    expect(hosts.filter((host) => !isLoopback(host))).toEqual([])
    const others = ['', '127.evil.example', '127.0.0.1.nip.io', 'xlocalhost', '0.0.0.0', '::2']
    expect(others.filter(isLoopback)).toEqual([])
  })
})

describe('the rounds of a call', () => {
  it('are 8 at most, below the 10 that official clients follow', async () => {
    const mcp = create()
    let runs = 0
    mcp.tool('ask', { description: 'Asks something new in each run' }, async (_, ctx) => {
      await ctx.sample({ messages: [], maxTokens: ++runs })
      return 'done'
    })
    const client = new ModernClient(fetchEndpoint(mcp), { capabilities: { sampling: {} } })
    const { answer, questions } = await client.converse('tools/call', { name: 'ask' }, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'x' },
    }))
    expect(questions).toHaveLength(8)
    expect(answer.result).toMatchObject({ isError: true })
    expect(answer.result.content[0].text).toMatch(/more than 8 rounds/)
  })
})

describe('a missing capability', () => {
  it('is named in the message of the error (-32021)', async () => {
    const mcp = create()
    mcp.tool('url', { description: 'Sends to a URL' }, async (_, ctx) => {
      await ctx.elicitUrl('Sign in', 'https://example.com')
    })
    mcp.tool('roots', { description: 'Reads roots' }, async (_, ctx) => {
      await ctx.roots()
    })
    const client = new ModernClient(fetchEndpoint(mcp), { capabilities: {} })
    const messageOf = async (tool: string) => {
      const [message] = await (await client.call(tool)).rest()
      expect(message?.error?.code).toBe(-32021)
      return message?.error?.message
    }
    expect(await messageOf('url')).toMatch(/capability: elicitation\.url$/)
    expect(await messageOf('roots')).toMatch(/capability: roots$/)
  })
})

describe('a batch', () => {
  const pings = (count: number) =>
    Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))

  it('has 100 messages at most', async () => {
    const client = await LegacyClient.open(fetchEndpoint(create()), '2025-03-26')
    const whole = await client.send(pings(100))
    expect(whole.status).toBe(200)
    expect(await whole.rest()).toHaveLength(100)
    const refused = await client.send(pings(101))
    expect(refused.status).toBe(400)
    expect((await refused.rest())[0]?.error?.message).toMatch(/100 messages at most/)
  })
})
