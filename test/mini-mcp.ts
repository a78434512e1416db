import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { type Auth, AuthError, AuthUnavailable } from '../src/auth/auth.ts'

export async function startServer(createAuth: (url: string) => Auth) {
  const app = new Hono()
  const server = serve({
    overrideGlobalObjects: false,
    fetch: app.fetch,
    hostname: '127.0.0.1',
    port: 0,
  })
  if (!server.listening) await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const auth = createAuth(url)
  for (const route of auth.routes ?? [])
    app.on(route.method, route.path, (c) => route.handle(c.req.raw, {}))
  app.post('/mcp', async (c) => {
    try {
      const principal = await auth.verify(c.req.raw, {})
      const message = await c.req.json()
      const reply = (result: object) => c.json({ jsonrpc: '2.0', id: message.id, result })
      if (message.method === 'initialize')
        return reply({
          protocolVersion: message.params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'x', version: '1' },
        })
      if (message.method === 'tools/list') return reply({ tools: [] })
      if (message.method === 'tools/call') {
        const scopes = message.params.name === 'write' ? ['files:write'] : []
        if (!scopes.every((s) => principal.scopes.includes(s)))
          throw new AuthError('x', { code: 'insufficient_scope', scopes })
        return reply({
          content: [{ type: 'text', text: `${message.params.name} ${principal.subject}` }],
        })
      }
      return c.body(null, 202)
    } catch (error) {
      if (error instanceof AuthError) return auth.challenge(error, {})
      if (error instanceof AuthUnavailable) return c.text('', 503)
      throw error
    }
  })
  app.get('/mcp', (c) => c.body(null, 405))
  return {
    url,
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
