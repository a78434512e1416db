/** Facts that a host tells change the behaviour of the server: `background`, and the length of the body. */
import { describe, expect, it } from 'vitest'
import type { Platform } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { LegacyRevision } from '../support/wire.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Makes a call that closes its connection before it has a result. Returns what arrives on that connection. */
async function detachedCall(platform: Platform, revision: LegacyRevision) {
  const mcp = createMcp({ name: 'host', version: '1.0.0' })
  mcp.tool('work', { description: 'Works' }, async (_, ctx) => {
    await ctx.disconnect(10)
    await sleep(100)
    return 'done'
  })
  const endpoint = {
    url: 'http://localhost/mcp',
    fetch: async (input: string | URL | Request, init?: RequestInit) =>
      mcp.fetch(new Request(input, init), { platform }),
    close: async () => {},
  }
  const client = await LegacyClient.open(endpoint, revision)
  const reply = await client.call('work')
  const [message] = await reply.rest()
  if (message) return message.result.content[0].text
  // The server tells the client when to come back, and the client gets the result then.
  expect(reply.events.at(-1)?.retry).toBe(10)
  const resumed = await client.get(reply.events.at(-1)?.id)
  return `later: ${(await resumed.result()).content[0].text}`
}

describe('a call that closes its connection', () => {
  it.each<[Platform]>([[{}], [{ background: true }]])(
    'continues after the end of its reply on a host such as %j',
    async (platform) => {
      expect(await detachedCall(platform, '2025-11-25')).toBe('later: done')
    },
  )

  it('keeps it open on a host that freezes after the end of a reply', async () => {
    expect(await detachedCall({ background: false }, '2025-11-25')).toBe('done')
  })

  it('keeps it open for a client that could not come back', async () => {
    expect(await detachedCall({}, '2025-06-18')).toBe('done')
  })
})

it('a call ends at the deadline of its host, in both eras', async () => {
  const mcp = createMcp({ name: 'host', version: '1.0.0', log: () => {} })
  mcp.tool('work', { description: 'Works' }, () => new Promise<string>(() => {}))
  const endpoint = {
    url: 'http://localhost/mcp',
    fetch: async (input: string | URL | Request, init?: RequestInit) =>
      mcp.fetch(new Request(input, init), { platform: { deadline: Date.now() + 300 } }),
    close: async () => {},
  }
  const clients = [await LegacyClient.open(endpoint, '2025-11-25'), new ModernClient(endpoint)]
  for (const client of clients) {
    const { isError, content } = await (await client.call('work')).result()
    expect(isError).toBe(true)
    expect(content[0].text).toMatch(/did not finish within 0\.\d seconds/)
  }
})

describe('a body whose length is announced', () => {
  const mcp = createMcp({ name: 'host', version: '1.0.0', bodyLimit: 1_000 })
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'wire', version: '1' },
    },
  })

  /** Sends a body as a stream, and returns how many of its chunks the server read. */
  async function send(announced: number | undefined, text: string) {
    let chunks = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          chunks++
          controller.enqueue(new TextEncoder().encode(text.slice((chunks - 1) * 100, chunks * 100)))
          if (chunks * 100 >= text.length) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const request = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(announced !== undefined && { 'content-length': String(announced) }),
      },
      body,
      duplex: 'half',
    } as RequestInit)
    return { status: (await mcp.fetch(request)).status, chunks }
  }

  it('is refused above the limit before a byte is read', async () => {
    expect(await send(1_001, ' '.repeat(1_001))).toEqual({ status: 413, chunks: 0 })
  })

  it('is read up to the limit', async () => {
    expect(await send(1_000, initialize.padEnd(1_000))).toEqual({ status: 200, chunks: 10 })
  })

  it('is refused when it is longer than announced', async () => {
    expect((await send(10, ' '.repeat(5_000))).status).toBe(413)
  })

  it('is read only up to the limit if its length was not announced', async () => {
    expect(await send(undefined, ' '.repeat(5_000))).toEqual({ status: 413, chunks: 11 })
  })

  it('is refused by the Lambda adapter by its real length, not by a header', async () => {
    const { bufferedLambda } = await import('../../adapters/lambda.ts')
    const handler = bufferedLambda(mcp, { log: () => {} })
    const event = {
      version: '2.0',
      rawPath: '/mcp',
      headers: { 'content-type': 'application/json', 'content-length': '5' },
      body: initialize.padEnd(1_001),
      requestContext: { http: { method: 'POST' }, domainName: 'xyz.lambda-url.eu-west-1.on.aws' },
    }
    const context = { awsRequestId: '1', getRemainingTimeInMillis: () => 30_000 }
    expect((await handler(event, context))?.statusCode).toBe(413)
    expect((await handler({ ...event, body: initialize }, context))?.statusCode).toBe(200)
  })
})
