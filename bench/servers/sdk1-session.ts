/** `@modelcontextprotocol/sdk` 1.x with sessions: a server and a transport for each, kept in a map. */
import { randomUUID } from 'node:crypto'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createServer, STREAMS } from './sdk1.ts'
import { serveNode } from './serving.ts'

const transports = new Map<string, StreamableHTTPServerTransport>()

serveNode(async (request, response) => {
  const id = request.headers['mcp-session-id']
  const known = typeof id === 'string' ? transports.get(id) : undefined
  const transport = known ?? (await open())
  await transport.handleRequest(request, response)
})

async function open(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: !STREAMS,
    onsessioninitialized: (id) => {
      transports.set(id, transport)
    },
  })
  const server = createServer()
  await server.connect(transport as Parameters<typeof server.connect>[0])
  return transport
}
