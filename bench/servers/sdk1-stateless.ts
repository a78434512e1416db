/** `@modelcontextprotocol/sdk` 1.x without sessions: a server and a transport for each request, as its documentation has it. */
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createServer, STREAMS } from './sdk1.ts'
import { serveNode } from './serving.ts'

serveNode(async (request, response) => {
  const server = createServer()
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: undefined,
    enableJsonResponse: !STREAMS,
  })
  response.on('close', () => {
    void transport.close()
    void server.close()
  })
  await server.connect(transport as Parameters<typeof server.connect>[0])
  await transport.handleRequest(request, response)
})
