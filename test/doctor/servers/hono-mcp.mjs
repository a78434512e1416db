// `@hono/mcp`: a server and a transport for each request.

import { StreamableHTTPTransport } from '@hono/mcp'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createSdk1Server } from './sdk1.mjs'
import { PORT } from './tools.mjs'

const app = new Hono()
app.all('/mcp', async (c) => {
  const transport = new StreamableHTTPTransport()
  await createSdk1Server().connect(transport)
  return transport.handleRequest(c)
})
serve({ fetch: app.fetch, port: PORT, hostname: '127.0.0.1' })
