/** The server: its tools, prompts and resources. */

import type { Mcp, McpOptions } from 'streamable-mcp'
import { createMcp } from 'streamable-mcp'
import * as v from 'valibot'

/** Creates the server. An entry passes what its host needs, a test what it wants to see. */
export function createServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: '{{name}}', version: '1.0.0', ...options })

  mcp.tool(
    'greet',
    {
      description: 'Greets a person by name',
      input: v.object({ name: v.pipe(v.string(), v.description('Whom to greet')) }),
    },
    ({ name }) => `Hello, ${name}!`,
  )

  return mcp
}
