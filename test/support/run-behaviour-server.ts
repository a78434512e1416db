/**
 * Runs the server of the behaviour suite as a process. `HOST`, `PORT`, `MCP_STORE` and the other variables
 * of a store work as for every server here; `BEHAVIOUR_OPTIONS` holds more options as JSON.
 */
import { readAddress, readServerOptions, readStore, serve } from '../../adapters/node.ts'
import { createBehaviourServer } from './behaviour-server.ts'

const { host } = readAddress(process.env)
const store = await readStore(process.env)
const mcp = createBehaviourServer({
  ...(store && { store }),
  ...readServerOptions({ LOG_LEVEL: 'warn', ...process.env }),
  ...JSON.parse(process.env.BEHAVIOUR_OPTIONS ?? '{}'),
})
const { port } = await serve(mcp, readAddress(process.env))
process.stdout.write(`http://${host}:${port}/mcp\n`)
