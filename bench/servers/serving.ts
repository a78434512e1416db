/** The common part of every server here: it sends its port to the driver, and figures about its process on request. */
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PerformanceEntry } from 'node:perf_hooks'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { serve } from '@hono/node-server'
import type { Usage } from '../process.ts'

/** The number of tools that each server registers: the first is `add`, the others only make the list longer. */
export const TOOL_COUNT = Number(process.env.TOOLS ?? 1)

/** Serves a `fetch` function on Node's HTTP server, for all servers that have no adapter of their own. */
export function serveFetch(fetch: (request: Request) => Response | Promise<Response>): void {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => announce(port))
  server.on('error', fail)
}

export function serveNode(listener: RequestListener): void {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
}

/** Finds a free port, for a server that cannot tell its port. */
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
// The driver has ended, so this process has to end by itself.
process.on('disconnect', () => process.exit())
