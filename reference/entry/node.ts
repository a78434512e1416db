/** `npm start`: the reference server on Node, configured by the environment. */

import { EnvironmentError, readAddress, readEnvironment, serve } from '../../adapters/node.ts'
import { page } from '../../adapters/page.ts'
import { readBedrock, readPage } from '../config.ts'
import { connectLines } from '../connect-lines.ts'
import { createReferenceServer } from '../tools/index.ts'

try {
  const address = readAddress()
  const show = readPage(process.env, 'loopback')
  const options = { ...(await readEnvironment()), ...(show && { page: page(show) }) }
  const mcp = createReferenceServer(options, { bedrock: readBedrock(process.env) })
  const { port } = await serve(mcp, address)
  const url = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}/mcp`
  const lines = connectLines({ url, env: process.env, node: process.versions.node })
  process.stdout.write(`streamable-mcp listens on ${url}\n\n${lines.replace(/^/gm, '  ')}\n`)
} catch (error) {
  process.stderr.write(`${startProblem(error)}\n`)
  process.exitCode = 1
}

/** Prints one sentence for an error that the operator can fix. Any other error is ours, and its stack is printed. */
function startProblem(error: unknown): string {
  if (error instanceof EnvironmentError) return error.message
  if (error instanceof Error && 'code' in error) {
    if (error.code === 'EADDRINUSE') return 'PORT is taken by another process: set another one'
    if (error.code === 'EADDRNOTAVAIL') return 'HOST is not an address of this machine'
    if (error.code === 'EACCES') return 'PORT needs more rights than this process has'
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
