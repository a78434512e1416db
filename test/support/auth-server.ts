/** A server on the loopback interface for the official clients, whose authorization knows its URL. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { expect, vi } from 'vitest'
import type { Auth, LogEntry, Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

/** Offers `read`, which every caller may use, and `write`, which needs the scope `files:write` and lets clients ask for it. */
export async function startServer(createAuth: (url: string) => Auth) {
  let mcp: Mcp | undefined
  const server = serve({
    fetch: (request: Request) => mcp?.fetch(request) ?? new Response(null, { status: 503 }),
    hostname: '127.0.0.1',
    port: 0,
    // The clients run in this process, and check responses with instanceof.
    overrideGlobalObjects: false,
  })
  if (!server.listening) await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const log: LogEntry[] = []
  mcp = createMcp({
    name: 'test',
    version: '1.0.0',
    auth: createAuth(url),
    log: (entry) => log.push(entry),
  })
  mcp.tool('read', { description: 'Reads' }, (_, ctx) => `read ${ctx.principal?.subject}`)
  mcp.tool(
    'write',
    { description: 'Writes', scopes: ['files:write'], stepUp: true },
    (_, ctx) => `write ${ctx.principal?.subject}`,
  )
  const count = (field: string, value: string) =>
    log.filter((entry) => Reflect.get(entry, field) === value).length
  return {
    url,
    log,
    /** Waits until a client of 2025 listens, because clients do not wait for this themselves. */
    listened: () =>
      vi.waitFor(
        () => expect(count('verb', 'GET')).toBe(count('method', 'notifications/initialized')),
        { timeout: 4_000, interval: 10 },
      ),
    async close() {
      await mcp?.close({ grace: 0 })
      if ('closeAllConnections' in server) server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
