/** `mcp-lite`, with sessions in memory where the environment asks for them. */
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite'
import * as z from 'zod'
import { serveFetch } from './serving.ts'
import { ADD, COUNT, content, INFO, OTHERS } from './tools.ts'

const server = new McpServer({
  ...INFO,
  schemaAdapter: (schema) => z.toJSONSchema(schema as z.ZodType),
})
server.tool('add', {
  description: ADD.description,
  inputSchema: ADD.schema,
  handler: (args) => content(ADD.run(args)),
})
for (const { name, description, schema, run } of OTHERS) {
  server.tool(name, { description, inputSchema: schema, handler: (args) => content(run(args)) })
}
server.tool('count', {
  description: COUNT.description,
  inputSchema: COUNT.schema,
  handler: async (args, { progress }) =>
    content(await COUNT.run(args, (done, total) => progress?.({ progress: done, total }))),
})
const sessions = process.env.SESSIONS === '1'
const transport = new StreamableHttpTransport(
  sessions ? { sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 1024 }) } : {},
)
serveFetch(transport.bind(server))
