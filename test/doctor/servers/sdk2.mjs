// `@modelcontextprotocol/server` 2.x, both eras.
import { serve } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { count, greet, INFO, NAME, PORT, STEPS } from './tools.mjs'

const handler = createMcpHandler(() => {
  const server = new McpServer(INFO)
  server.registerTool('greet', { inputSchema: NAME }, greet)
  server.registerTool('count', { inputSchema: STEPS }, (args, { mcpReq }) =>
    count(args, (progress, total) =>
      mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: mcpReq._meta?.progressToken ?? 0, progress, total },
      }),
    ),
  )
  return server
})
serve({ fetch: (request) => handler.fetch(request), port: PORT, hostname: '127.0.0.1' })
