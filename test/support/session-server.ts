/** A server that speaks only revisions of 2025, and only in sessions: version 1 of the official SDK. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import * as z from 'zod'

export interface SessionServer {
  readonly url: string
  /** The number of sessions that are open. */
  readonly sessions: () => number
  close(): Promise<void>
}

export async function startSessionServer(): Promise<SessionServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    })
    // The types of the SDK do not agree under exactOptionalPropertyTypes.
    await createServerOfTools().connect(transport as Transport)
    return transport
  }
  const server = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? transports.get(id) : await open()
    if (known !== undefined) return known.handleRequest(request, response)
    const error = { code: -32001, message: 'Session not found' }
    response.writeHead(404, { 'content-type': 'application/json' })
    return response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    sessions: () => transports.size,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

function createServerOfTools(): McpServer {
  const server = new McpServer(
    { name: 'session-only', version: '1.0.0' },
    { capabilities: { logging: {} } },
  )
  const name = { name: z.string() }
  server.registerTool('greet', { description: 'Greets', inputSchema: name }, ({ name }) =>
    text(`Hello, ${name}!`),
  )
  server.registerTool(
    'multi-greet',
    { description: 'Greets', inputSchema: name },
    async ({ name }, { sendNotification }) => {
      const params = { level: 'info' as const, data: `Greeting 1 of ${name}` }
      await sendNotification({ method: 'notifications/message', params })
      return text(`Good morning, ${name}!`)
    },
  )
  const report = {
    region: z.string(),
    log_group_name: z.string(),
    days: z.number(),
    aws_account_id: z.string().optional(),
  }
  server.registerTool(
    'get_bedrock_usage_report',
    { description: 'Reports', inputSchema: report },
    (args) => text(`Report of ${JSON.stringify(args)}`),
  )
  server.registerResource('note', 'note://one', { mimeType: 'text/plain' }, () => ({
    contents: [{ uri: 'note://one', text: 'Hello, world!' }],
  }))
  return server
}
