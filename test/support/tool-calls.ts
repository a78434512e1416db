/** The official client in front of a server in the same process, and its tools' results. */
import type { VersionNegotiationMode } from '@modelcontextprotocol/client'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { CallToolResult, Mcp, Platform } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

/** A server with only the tools that `register` adds. */
export function serverWith(register: (mcp: Mcp) => void): Mcp {
  // A listening client would keep the process busy after its call.
  const mcp = createMcp({ name: 'test', version: '1.0.0', listening: false, log: () => {} })
  register(mcp)
  return mcp
}

export interface Connecting {
  /** @default '2025-11-25', through `initialize` */
  mode?: VersionNegotiationMode
  /** What the host says of the requests. */
  platform?: Platform
}

async function connect(mcp: Mcp, { mode = 'legacy', platform }: Connecting = {}) {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
      fetch: async (url, init) => mcp.fetch(new Request(url, init), platform && { platform }),
    }),
  )
  return client
}

export interface Progress {
  progress: number
  total?: number | undefined
  message?: string | undefined
}

export interface Calling extends Connecting {
  signal?: AbortSignal
  onprogress?: (progress: Progress) => void
  /** Milliseconds. */
  timeout?: number
}

export async function callTool(
  mcp: Mcp,
  name: string,
  args: Record<string, unknown> = {},
  { mode, platform, ...options }: Calling = {},
): Promise<CallToolResult> {
  const client = await connect(mcp, { ...(mode && { mode }), ...(platform && { platform }) })
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
