// `mcp-lite`, with sessions in memory.
import { serve } from '@hono/node-server'
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite'
import * as z from 'zod'
import { count, greet, INFO, NAME, PORT, STEPS } from './tools.mjs'

const server = new McpServer({ ...INFO, schemaAdapter: (schema) => z.toJSONSchema(schema) })
server.tool('greet', { inputSchema: NAME, handler: greet })
server.tool('count', {
  inputSchema: STEPS,
  handler: (args, { progress }) =>
    count(args, (done, total) => progress?.({ progress: done, total })),
})
const sessionAdapter = new InMemorySessionAdapter({ maxEventBufferSize: 1024 })
const handler = new StreamableHttpTransport({ sessionAdapter }).bind(server)
serve({ fetch: (request) => handler(request), port: PORT, hostname: '127.0.0.1' })
