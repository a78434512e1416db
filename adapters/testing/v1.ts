/** `connect()` for `@modelcontextprotocol/sdk`, the first generation of the official SDK, which many hosts contain. */

import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { ConnectOptions, Fetches } from './options.ts'
import { capabilitiesOf, infoOf, load, toRoots, toSample, transportOf, urlOf } from './options.ts'

export type {
  Answer,
  ConnectOptions,
  Fetches,
  Question,
  Sample,
  SampleParams,
} from './options.ts'

/**
 * Connects a client of `@modelcontextprotocol/sdk` to a server in the same process. It speaks the legacy
 * era. Everything else is as in `connect()` of `streamable-mcp/testing`.
 *
 * The SDK is an optional peer: `npm install --save-dev @modelcontextprotocol/sdk`.
 *
 * @throws {Error} when the SDK is not installed, or the server refuses the client
 * @example
 * const client = await connect(mcp)
 * const { content } = await client.callTool({ name: 'get_weather', arguments: { city: 'Oslo' } })
 */
export async function connect(
  mcp: Fetches,
  options: Omit<ConnectOptions, 'era'> = {},
): Promise<Client> {
  const [{ Client }, { StreamableHTTPClientTransport }, schemas] = await load(
    '@modelcontextprotocol/sdk',
    () =>
      Promise.all([
        import('@modelcontextprotocol/sdk/client/index.js'),
        import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
        import('@modelcontextprotocol/sdk/types.js'),
      ]),
  )
  const client = new Client(infoOf(options), { capabilities: capabilitiesOf(options) })
  const { elicit, sample, roots } = options
  if (elicit) {
    client.setRequestHandler(schemas.ElicitRequestSchema, ({ params }) => elicit(params))
  }
  if (sample) {
    client.setRequestHandler(schemas.CreateMessageRequestSchema, async ({ params }) =>
      toSample(await sample(params)),
    )
  }
  if (roots) {
    client.setRequestHandler(schemas.ListRootsRequestSchema, async () => toRoots(await roots()))
  }
  const transport = new StreamableHTTPClientTransport(urlOf(options), transportOf(mcp, options))
  // The transport's type of sessionId is not made for exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return client
}
