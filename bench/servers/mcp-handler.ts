/** `mcp-handler`, both eras. */
import { createMcpHandler } from 'mcp-handler'
import { serveFetch } from './serving.ts'
import { ADD, content, OTHERS } from './tools.ts'

const handler = createMcpHandler((server) => {
  server.registerTool('add', { description: ADD.description, inputSchema: ADD.schema }, (args) =>
    content(ADD.run(args)),
  )
  for (const { name, description, schema, run } of OTHERS) {
    server.registerTool(name, { description, inputSchema: schema }, (args) => content(run(args)))
  }
})
serveFetch(handler)
