/** The official client in front of a server in the same process, and its tools' results. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { CallToolResult, Door, Mcp } from '../src/index.ts'
import { createMcp } from '../src/index.ts'

/** A server with only the tools that `register` adds. */
export function serverWith(register: (mcp: Mcp) => void): Mcp {
  const mcp = createMcp({ name: 'test', version: '1.0.0', log: () => {} })
  register(mcp)
  return mcp
}

export async function connect(mcp: Mcp, door?: Door): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
      fetch: async (url, init) => mcp.fetch(new Request(url, init), door && { door }),
    }),
  )
  return client
}

export interface Progress {
  progress: number
  total?: number | undefined
  message?: string | undefined
}

export async function callTool(
  mcp: Mcp,
  name: string,
  args: Record<string, unknown> = {},
  options: {
    signal?: AbortSignal
    onprogress?: (progress: Progress) => void
    /** Milliseconds. */
    timeout?: number
  } = {},
  door?: Door,
): Promise<CallToolResult> {
  const client = await connect(mcp, door)
  try {
    const result = await client.callTool({ name, arguments: args }, options)
    return result as CallToolResult
  } finally {
    await client.close()
  }
}

/** The text of a result; its failures are text as well. */
export function textOf(result: CallToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
