/** The official client in front of a server in the same process, and its tools' results. */
import type { ConnectOptions } from '../../adapters/testing.ts'
import { connect } from '../../adapters/testing.ts'
import type { CallToolResult, Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

/** A server with only the tools that `register` adds. */
export function serverWith(register: (mcp: Mcp) => void): Mcp {
  // A client that listens would keep the process busy after its call.
  const mcp = createMcp({ name: 'test', version: '1.0.0', listening: false, log: () => {} })
  register(mcp)
  return mcp
}

export interface Progress {
  progress: number
  total?: number | undefined
  message?: string | undefined
}

/** The client speaks the legacy era by default. */
export interface Calling extends Pick<ConnectOptions, 'era' | 'platform'> {
  signal?: AbortSignal
  onprogress?: (progress: Progress) => void
  /** The timeout in milliseconds. */
  timeout?: number
}

export async function callTool(
  mcp: Mcp,
  name: string,
  args: Record<string, unknown> = {},
  { era = 'legacy', platform, ...options }: Calling = {},
): Promise<CallToolResult> {
  const client = await connect(mcp, { era, ...(platform && { platform }) })
  try {
    const result = await client.callTool({ name, arguments: args }, options)
    return result as CallToolResult
  } finally {
    await client.close()
  }
}

/** Returns the text of a result, also of a failure. */
export function textOf(result: CallToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
