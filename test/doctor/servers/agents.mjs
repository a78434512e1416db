// Cloudflare's `agents`: this is the worker, which Wrangler runs in workerd.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpAgent } from 'agents/mcp'
import * as z from 'zod'

export class Examined extends McpAgent {
  server = new McpServer({ name: 'examined', version: '1.0.0' })

  async init() {
    this.server.registerTool('greet', { inputSchema: { name: z.string() } }, ({ name }) => ({
      content: [{ type: 'text', text: `Hello, ${name}!` }],
    }))
    this.server.registerTool(
      'count',
      { inputSchema: { steps: z.number() } },
      async (args, extra) => {
        for (let step = 1; step <= args.steps; step++) {
          await extra.sendNotification({
            method: 'notifications/progress',
            params: {
              progressToken: extra._meta?.progressToken ?? 0,
              progress: step,
              total: args.steps,
            },
          })
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
        return { content: [{ type: 'text', text: 'done' }] }
      },
    )
  }
}

export default Examined.serve('/mcp', { binding: 'Examined' })
