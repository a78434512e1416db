/**
 * Prints, as JSON, the bytes of heap that one call allocates more than bare Hono. It needs a young
 * generation that holds them all, so that no garbage collection runs (`test/budget.test.ts` sets this).
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { Hono } from 'hono'
import { createMcp } from '../../src/index.ts'

const CALLS = 300
const ACCEPT = 'application/json, text/event-stream'

const floor = new Hono().post('/mcp', async (c) => {
  const { id } = await c.req.json()
  return c.json({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: '3' }] } })
})
const mcp = createMcp({ name: 'budget', version: '1.0.0' })
const watched = createMcp({ name: 'budget', version: '1.0.0', observer: {} })
for (const server of [mcp, watched]) {
  server.tool('plain', { description: 'Returns a value' }, () => 3)
}
mcp.tool('later', { description: 'Returns a promise' }, async () => 3)

type Fetch = (request: Request) => Response | Promise<Response>

const post = (headers: Record<string, string>, method: string, params: object) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return () =>
    new Request('http://localhost/mcp', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: ACCEPT, ...headers },
    })
}

const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test' } }
const opened = await mcp.fetch(post({}, 'initialize', initialize)())
const session = {
  'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
  'mcp-protocol-version': '2025-11-25',
}
const legacy = (name: string) => post(session, 'tools/call', { name, arguments: {} })
const modern = (name: string) =>
  post(
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    'tools/call',
    {
      name,
      arguments: {},
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  )

let collections = 0
const observer = new PerformanceObserver((list) => {
  collections += list.getEntries().length
})
observer.observe({ entryTypes: ['gc'] })

const turn = () => new Promise((resolve) => setTimeout(resolve, 1))

async function perCall(fetch: Fetch, make: () => Request): Promise<number> {
  const run = async (requests: Request[]) => {
    for (const request of requests) {
      const { status } = await fetch(request)
      if (status !== 200) throw new Error(`Answered ${status}`)
    }
  }
  const batch = () => Array.from({ length: CALLS }, make)
  await run(batch()) // so that the code is compiled
  await run(batch())
  const requests = batch()
  collections = 0
  globalThis.gc?.()
  while (collections === 0) await turn()
  const own = collections
  const before = process.memoryUsage().heapUsed
  await run(requests)
  const after = process.memoryUsage().heapUsed
  await turn()
  if (collections > own)
    throw new Error('A collection came between: the young generation is too small')
  return (after - before) / CALLS
}

const call = modern('plain')
const own: Fetch = (request) => mcp.fetch(request)
const bare = await perCall((request) => floor.fetch(request), call)
process.stdout.write(
  JSON.stringify({
    modern: (await perCall(own, call)) - bare,
    legacy: (await perCall(own, legacy('plain'))) - bare,
    modernLater: (await perCall(own, modern('later'))) - bare,
    legacyLater: (await perCall(own, legacy('later'))) - bare,
    observed: (await perCall((request) => watched.fetch(request), call)) - bare,
    bare,
  }),
)
await mcp.close()
await watched.close()
