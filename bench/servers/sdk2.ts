/** `@modelcontextprotocol/server` 2.x: its handler for both eras. Schemas are made once, outside its factory. */
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { serveFetch } from './serving.ts'
import { ADD, COUNT, content, INFO, OTHERS } from './tools.ts'

const handler = createMcpHandler(() => {
  const server = new McpServer(INFO)
  server.registerTool('add', { description: ADD.description, inputSchema: ADD.schema }, (args) =>
    content(ADD.run(args)),
  )
  for (const { name, description, schema, run } of OTHERS) {
    server.registerTool(name, { description, inputSchema: schema }, (args) => content(run(args)))
  }
  server.registerTool(
    'count',
    { description: COUNT.description, inputSchema: COUNT.schema },
    async (args, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken ?? 0
      const report = (progress: number, total: number) =>
        mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total },
        })
      return content(await COUNT.run(args, report))
    },
  )
  return server
})
serveFetch((request) => handler.fetch(request))
