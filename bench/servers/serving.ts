/** Common to every server here: it tells the driver its port, and figures about its process when asked. */
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PerformanceEntry } from 'node:perf_hooks'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { serve } from '@hono/node-server'
import type { Usage } from '../process.ts'

/** Tools that each server registers: the first one is `add`, the others only make the list longer. */
export const TOOL_COUNT = Number(process.env.TOOLS ?? 1)

/** A web-standard server on Node's HTTP server, the same way for all that have no adapter of their own. */
export function serveFetch(fetch: (request: Request) => Response | Promise<Response>): void {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => announce(port))
  server.on('error', fail)
}

export function serveNode(listener: RequestListener): void {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
}

/** For a server that cannot tell which port it was given. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

export function announce(port: number): void {
  process.send?.({ port })
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
}

let majorCollections = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { detail } = entry as PerformanceEntry & { detail: { kind: number } }
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majorCollections++
  }
}).observe({ entryTypes: ['gc'] })

process.on('message', (ask: { collect: boolean }) => {
  if (ask.collect) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  const usage: Usage = { cpu: user + system, rss, heapUsed, external, majorCollections }
  process.send?.(usage)
})
// The driver is gone, so no one is left to stop this process.
process.on('disconnect', () => process.exit())
