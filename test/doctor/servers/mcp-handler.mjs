// `mcp-handler`, as it is used in Next.js.
import { serve } from '@hono/node-server'
import { createMcpHandler } from 'mcp-handler'
import { count, greet, NAME, PORT, STEPS } from './tools.mjs'

const handler = createMcpHandler((server) => {
  server.registerTool('greet', { inputSchema: NAME }, greet)
  server.registerTool('count', { inputSchema: STEPS }, (args, { mcpReq }) =>
    count(args, (progress, total) =>
      mcpReq?.notify({
        method: 'notifications/progress',
        params: { progressToken: mcpReq._meta?.progressToken ?? 0, progress, total },
      }),
    ),
  )
})
serve({ fetch: (request) => handler(request), port: PORT, hostname: '127.0.0.1' })
