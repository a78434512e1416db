/** `connect()`: the official client of both eras, over a function instead of a socket. */

import type { Client } from '@modelcontextprotocol/client'
import type { ConnectOptions, Fetches } from './options.ts'
import { capabilitiesOf, infoOf, load, toRoots, toSample, transportOf, urlOf } from './options.ts'

/**
 * Connects an official client to a server in the same process. Each request goes to `mcp.fetch` as it
 * would come from a host, so authorization, guards and streams are those of the real server. The client
 * is the SDK's own, with all its methods; `close()` ends its streams.
 *
 * The SDK is an optional peer: `npm install --save-dev @modelcontextprotocol/client`. Its older
 * generation, which many hosts contain, is at `streamable-mcp/testing/v1`.
 *
 * @throws {Error} when the SDK is not installed, or the server refuses the client
 * @example
 * const client = await connect(mcp, { era: 'legacy' })
 * const { content } = await client.callTool({ name: 'get_weather', arguments: { city: 'Oslo' } })
 */
export async function connect(mcp: Fetches, options: ConnectOptions = {}): Promise<Client> {
  const { Client, StreamableHTTPClientTransport } = await load(
    '@modelcontextprotocol/client',
    () => import('@modelcontextprotocol/client'),
  )
  const { era = 'modern', elicit, sample, roots } = options
  const mode = era === 'modern' ? { pin: '2026-07-28' } : era
  const client = new Client(infoOf(options), {
    capabilities: capabilitiesOf(options),
    versionNegotiation: { mode },
  })
  if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params))
  if (sample) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) =>
      toSample(await sample(params)),
    )
  }
  if (roots) client.setRequestHandler('roots/list', async () => toRoots(await roots()))
  await client.connect(new StreamableHTTPClientTransport(urlOf(options), transportOf(mcp, options)))
  return client
}
