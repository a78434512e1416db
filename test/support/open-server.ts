/** Opens a server for one test, and closes it afterwards. */
import { afterEach } from 'vitest'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { TestEndpoint } from './wire.ts'
import { fetchEndpoint } from './wire.ts'

const opened: TestEndpoint[] = []
afterEach(() => Promise.all(opened.splice(0).map((endpoint) => endpoint.close())))

/** Creates the server. It has no log, unless the options have one. */
export function openServer(options: Partial<McpOptions> = {}): {
  mcp: Mcp
  endpoint: TestEndpoint
} {
  const mcp = createMcp({ name: 'test', version: '1.0.0', log: () => {}, ...options })
  const endpoint = fetchEndpoint(mcp)
  opened.push(endpoint)
  return { mcp, endpoint }
}
