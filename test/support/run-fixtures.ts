/** `npm run fixtures`: the conformance suite's server over HTTP, configured by the environment. */
import { readAddress, readServerOptions, readStore, serve } from '../../adapters/node.ts'
import { addExtensions } from './extension-fixtures.ts'
import { createFixtures } from './fixtures.ts'
import { taskFixtures } from './task-fixtures.ts'

const store = await readStore(process.env)
const mcp = createFixtures({
  ...readServerOptions({ LOG_LEVEL: 'warn', ...process.env }),
  ...(store && { store }),
  ...(process.env.SUSPEND_AFTER && { suspendAfter: Number(process.env.SUSPEND_AFTER) }),
})
taskFixtures(mcp)
addExtensions(mcp)
const { port } = await serve(mcp, readAddress(process.env))
process.stdout.write(`http://127.0.0.1:${port}/mcp\n`)
