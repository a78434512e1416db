/** `npm start`: the reference server on Node, set up by the environment. */

import { readAuth, requireAuth } from '../../adapters/environment/auth.ts'
import {
  EnvironmentError,
  readAddress,
  readOptions,
  readStore,
} from '../../adapters/environment/options.ts'
import { serve } from '../../adapters/node.ts'
import { readBedrock } from '../config.ts'
import { createReferenceServer } from '../tools/index.ts'

try {
  const address = readAddress(process.env)
  const auth = readAuth(process.env, { knowsUrl: address.trustProxy })
  requireAuth(auth, process.env, address.host)
  const store = await readStore(process.env)
  const mcp = createReferenceServer(
    { ...readOptions(process.env), ...(auth && { auth }), ...(store && { store }) },
    { bedrock: readBedrock(process.env) },
  )
  const { port } = await serve(mcp, address)
  const url = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}/mcp`
  process.stdout.write(`streamable-mcp listens on ${url}

  Claude Code   claude mcp add --transport http streamable-mcp ${url}
  VS Code       code --add-mcp '{"name":"streamable-mcp","type":"http","url":"${url}"}'
  Inspector     npx @modelcontextprotocol/inspector --transport http --server-url ${url}
`)
} catch (error) {
  process.stderr.write(`${startProblem(error)}\n`)
  process.exitCode = 1
}

/** One sentence for what the person who starts the server can mend; the whole error for what only we can. */
function startProblem(error: unknown): string {
  if (error instanceof EnvironmentError) return error.message
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'EADDRINUSE') return 'PORT is taken by another process: set another one'
    if (error.code === 'EADDRNOTAVAIL') return 'HOST is not an address of this machine'
    if (error.code === 'EACCES') return 'PORT needs more rights than this process has'
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
