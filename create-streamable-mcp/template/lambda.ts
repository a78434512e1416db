/** The server on Lambda. `template.yaml` sets the environment that it reads. */

import { lambda, readEnvironment } from 'streamable-mcp/lambda'
import { createServer } from './server.ts'

export const handler = lambda(createServer(await readEnvironment()))
