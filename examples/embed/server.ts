/** An MCP endpoint inside an app that has routes of its own. */
import { Hono } from 'hono'
import { createMcp } from 'streamable-mcp'
import { serve } from 'streamable-mcp/node'
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

const { port } = await serve(
  { fetch: app.fetch, close: mcp.close },
  { port: Number(process.env.PORT ?? 3000) },
)
process.stdout.write(`http://127.0.0.1:${port}/api/mcp\n`)
