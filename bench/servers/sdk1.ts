/** The tools of both servers on the official SDK, version 1. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ADD, COUNT, content, INFO, OTHERS } from './tools.ts'

/** Whether replies may be streams, which is the SDK's default. Progress needs them, but JSON replies are faster. */
export const STREAMS = process.env.STREAMS === '1'

export function createServer(): McpServer {
  const server = new McpServer(INFO)
  server.registerTool(
    'add',
    { description: ADD.description, inputSchema: ADD.schema.shape },
    (args) => content(ADD.run(args)),
  )
  for (const { name, description, schema, run } of OTHERS) {
    server.registerTool(name, { description, inputSchema: schema.shape }, (args) =>
      content(run(args)),
    )
  }
  server.registerTool(
    'count',
    { description: COUNT.description, inputSchema: COUNT.schema.shape },
    async (args, { sendNotification, _meta }) => {
      const progressToken = _meta?.progressToken ?? 0
      const report = (progress: number, total: number) =>
        sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total },
        })
      return content(await COUNT.run(args, report))
    },
  )
  return server
}
