/** The official client of 2025 does not come back to a stream that has ended. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, expect, it } from 'vitest'
import type { NodeServer } from '../../adapters/node.ts'
import { serve } from '../../adapters/node.ts'
import { createMcp, McpError } from '../../src/index.ts'

let serving: NodeServer
afterEach(() => serving.close())

it.each(['fails', 'waits'])('a call that %s brings one GET more', async (name) => {
  const mcp = createMcp({ name: 'ended', version: '1', listening: false, log: () => {} })
  mcp.tool('fails', { description: 'Ends in a JSON-RPC error' }, async (_, ctx) => {
    ctx.log.info('begun')
    await new Promise((resolve) => setTimeout(resolve, 20))
    throw new McpError(-32000, 'It failed')
  })
  mcp.tool('waits', { description: 'Waits to be cancelled' }, async (_, ctx) => {
    ctx.log.info('begun')
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    return 'cancelled'
  })
  serving = await serve(mcp, { port: 0, grace: 0, signals: false })
  let gets = 0
  const counting = (url: string | URL, init?: RequestInit) => {
    if (init?.method === 'GET') gets += 1
    return fetch(url, init)
  }
  const transport = new StreamableHTTPClientTransport(
    new URL(`http://127.0.0.1:${serving.port}/mcp`),
    {
      fetch: counting,
      reconnectionOptions: {
        initialReconnectionDelay: 50,
        maxReconnectionDelay: 50,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 100,
      },
    },
  )
  const client = new Client({ name: 'official', version: '1' })
  await client.connect(transport)
  await new Promise((resolve) => setTimeout(resolve, 100))
  gets = 0
  const signal = name === 'waits' ? AbortSignal.timeout(100) : new AbortController().signal
  await expect(client.callTool({ name }, undefined, { signal })).rejects.toThrow()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(gets).toBe(1)
  await client.close()
})
