/** The server on Node, configured by its environment. */

import { EnvironmentError, readAddress, readEnvironment, serve } from 'streamable-mcp/node'
import { createServer } from './server.ts'

try {
  const address = readAddress()
  const mcp = createServer(await readEnvironment())
  const { port } = await serve(mcp, { ...address, health: '/health' })
  console.log(`{{name}} listens on http://${address.host}:${port}/mcp`)
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
