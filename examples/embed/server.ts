/** An MCP endpoint inside an app that has routes of its own. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createMcp } from 'streamable-mcp'
import * as v from 'valibot'

const mcp = createMcp({ name: 'shop', version: '1.0.0' })

mcp.tool(
  'find_order',
  {
    description: 'Look up an order by its number',
    input: v.object({ number: v.pipe(v.string(), v.description('Such as A-1001')) }),
  },
  ({ number }) => ({ number, status: 'shipped' }),
)

const app = new Hono()
app.get('/', (c) => c.text('The shop'))
app.route('/api', mcp.app) // the endpoint is /api/mcp

const server = serve({
  fetch: app.fetch,
  hostname: '127.0.0.1',
  port: Number(process.env.PORT ?? 3000),
})
server.once('listening', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`http://127.0.0.1:${port}/api/mcp\n`)
})
