/** The reference server: what its two forerunners offered, each tool in a file of its own. */
import type { Mcp, McpOptions } from '../index.ts'
import { createMcp } from '../index.ts'
import { counters } from './counters.ts'
import { getTime } from './get-time.ts'
import { greetings } from './greetings.ts'

/** `bedrock-usage-stats` and the Lambda sample in one. */
export function createReferenceServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({
    name: 'streamable-mcp',
    version: '0.1.0',
    title: 'Streamable MCP reference server',
    instructions: 'A reference server: greetings, time, counters, weather, and AWS usage reports.',
    ...options,
  })
  greetings(mcp)
  getTime(mcp, options.clock)
  counters(mcp)
  return mcp
}
