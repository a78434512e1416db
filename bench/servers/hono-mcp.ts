/** `@hono/mcp`, a server and a transport for each request, because a shared one would mix up the answers of its clients. */
import { StreamableHTTPTransport } from '@hono/mcp'
import { Hono } from 'hono'
import { createServer } from './sdk1.ts'
import { serveFetch } from './serving.ts'

const app = new Hono()
app.all('/mcp', async (c) => {
  const transport = new StreamableHTTPTransport()
  await createServer().connect(transport)
  return transport.handleRequest(c)
})
serveFetch(app.fetch)
