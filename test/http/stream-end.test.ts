/** When a stream that only listens ends: at the limit of its host, with its token, and with its server. */
import { describe, expect, it } from 'vitest'
import type { Platform } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const LONG = 3600_000

/** Opens both kinds of streams. `tokenEnd` is the time in epoch milliseconds at which their token expires. */
async function listen(platform: Platform, tokenEnd?: number) {
  const mcp = createMcp({
    name: 'streams',
    version: '1',
    log: () => {},
    listenTimeout: LONG,
    auth: {
      verify: async () => ({
        id: 'ann',
        subject: 'ann',
        scopes: [],
        claims: tokenEnd === undefined ? {} : { exp: tokenEnd / 1000 },
      }),
      challenge: () => new Response(null, { status: 401 }),
    },
  })
  const endpoint = {
    url: 'http://localhost/mcp',
    fetch: async (input: string | URL | Request, init?: RequestInit) =>
      mcp.fetch(new Request(input, init), { platform }),
    close: async () => {},
  }
  const client = await LegacyClient.open(endpoint, '2025-11-25')
  const notifications = { toolsListChanged: true }
  const streams = await Promise.all([
    client.get(),
    new ModernClient(endpoint).request('subscriptions/listen', { notifications }),
  ])
  let ended = 0
  const rests = streams.map((stream) => stream.rest().then(() => ended++))
  return { mcp, ended: () => ended, rests }
}

describe('a stream that listens', () => {
  it('ends at the deadline of its host', async () => {
    const { ended, rests, mcp } = await listen({ deadline: Date.now() + 400 })
    expect(ended()).toBe(0)
    await Promise.all(rests)
    await mcp.close()
  })

  it('ends with the token that opened it (D11)', async () => {
    const { ended, rests, mcp } = await listen({}, Date.now() + 400)
    expect(ended()).toBe(0)
    await Promise.all(rests)
    await mcp.close()
  })

  it('stays open beyond that time without such a limit, and ends with its server', async () => {
    const { ended, rests, mcp } = await listen({})
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(ended()).toBe(0)
    await mcp.close()
    await Promise.all(rests)
  })
})
