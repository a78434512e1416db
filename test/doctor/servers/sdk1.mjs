// `@modelcontextprotocol/sdk` 1.x, with sessions and an event store of its own examples.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { count, greet, INFO, NAME, PORT, STEPS } from './tools.mjs'

export function createSdk1Server() {
  const server = new McpServer(INFO)
  server.registerTool('greet', { inputSchema: NAME.shape }, greet)
  server.registerTool('count', { inputSchema: STEPS.shape }, (args, { _meta, sendNotification }) =>
    count(args, (progress, total) =>
      sendNotification({
        method: 'notifications/progress',
        params: { progressToken: _meta?.progressToken ?? 0, progress, total },
      }),
    ),
  )
  return server
}

const transports = new Map()
if (process.argv[1].endsWith('sdk1.mjs')) {
  createServer(async (request, response) => {
    const id = request.headers['mcp-session-id']
    if (id !== undefined && !transports.has(id)) {
      response.writeHead(404, { 'content-type': 'application/json' })
      const error = { code: -32001, message: 'Session not found' }
      return response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
    }
    const transport = transports.get(id) ?? (await open())
    await transport.handleRequest(request, response)
  }).listen(PORT, '127.0.0.1')
}

async function open() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new InMemoryEventStore(),
    onsessioninitialized: (id) => transports.set(id, transport),
  })
  transport.onclose = () => transports.delete(transport.sessionId)
  await createSdk1Server().connect(transport)
  return transport
}
