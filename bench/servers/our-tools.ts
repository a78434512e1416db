/** Our own server with the tools of all servers here, through its own Node endpoint. */
import * as v from 'valibot'
import { serve } from '../../adapters/node.ts'
import type { McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { announce, TOOL_COUNT } from './serving.ts'

export async function serveOurs(options: Partial<McpOptions> = {}): Promise<void> {
  const mcp = createMcp({ name: 'bench', version: '1.0.0', ...options })

  mcp.tool(
    'add',
    { description: 'Adds two numbers', input: v.object({ a: v.number(), b: v.number() }) },
    ({ a, b }) => a + b,
  )
  for (let i = 1; i < TOOL_COUNT; i++) {
    mcp.tool(
      `tool_${i}`,
      { description: `Tool ${i}`, input: v.object({ a: v.number(), b: v.string() }) },
      ({ b }) => b,
    )
  }
  mcp.tool(
    'count',
    {
      description: 'Tells its progress with every step',
      input: v.object({ steps: v.number(), turns: v.boolean() }),
    },
    async ({ steps, turns }, ctx) => {
      for (let i = 1; i <= steps; i++) {
        ctx.progress(i, steps)
        if (turns) await new Promise((resolve) => setImmediate(resolve))
      }
      return 'done'
    },
  )
  const { port } = await serve(mcp, { port: 0, signals: false })
  announce(port)
}
