/** An MCP server on a Lambda Function URL. No gateway checks the callers, so the server itself asks for a token. */

import { createMcp } from 'streamable-mcp'
import { lambda, readEnvironment } from 'streamable-mcp/lambda'
import * as v from 'valibot'

const mcp = createMcp({ name: 'weather', version: '1.0.0', ...(await readEnvironment()) })

mcp.tool(
  'get_weather',
  {
    description: 'Current weather for a city',
    input: v.object({ city: v.pipe(v.string(), v.description('City name')) }),
  },
  async ({ city }, ctx) => {
    ctx.progress(1, 2, 'Looking out of the window')
    return `The temperature in ${city} is 21°C`
  },
)

export const handler = lambda(mcp)
