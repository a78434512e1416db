/**
 * The server of the behaviour suite as a process of its own: `HOST` and `PORT` as for any server here,
 * `MCP_STORE` and its kin for where its state lives, `BEHAVIOUR_OPTIONS` for options as JSON.
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
