/** An MCP server on a Lambda Function URL: no gateway, so a static token rather than OAuth. */

import { bearer, createMcp } from 'streamable-mcp'
import { dynamoStore } from 'streamable-mcp/dynamodb'
import { lambda } from 'streamable-mcp/lambda'
import * as v from 'valibot'

const { MCP_TABLE = '', MCP_AUTH_TOKEN = '' } = process.env

const mcp = createMcp({
  name: 'weather',
  version: '1.0.0',
  auth: bearer({ tokens: [MCP_AUTH_TOKEN] }),
  store: dynamoStore({ table: MCP_TABLE }),
  listening: false, // each listener would keep an instance busy
})

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
