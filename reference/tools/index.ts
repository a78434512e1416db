/** The reference server, with the tools of two earlier servers, one file for each tool. */
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { BedrockReportOptions } from './bedrock-report.ts'
import { bedrockReport } from './bedrock-report.ts'
import { countS3Buckets } from './count-s3-buckets.ts'
import { counters } from './counters.ts'
import { getTime } from './get-time.ts'
import { getWeather } from './get-weather.ts'
import { greetings } from './greetings.ts'

/** Tools that need rights on AWS; `false` removes one. */
export interface ReferenceTools {
  bedrock?: BedrockReportOptions | false
  buckets?: boolean
}

/** Creates the reference server, with the tools of `bedrock-usage-stats` and of the Lambda sample. */
export function createReferenceServer(
  options: Partial<McpOptions> = {},
  { bedrock, buckets = true }: ReferenceTools = {},
): Mcp {
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
  getWeather(mcp, options.clock)
  if (buckets) countS3Buckets(mcp)
  if (bedrock !== false) bedrockReport(mcp, { clock: options.clock, ...bedrock })
  return mcp
}
