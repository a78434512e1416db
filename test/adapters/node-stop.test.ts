/** How a Node server stops: running calls answer first, and a client cannot delay the end. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import type { ToolHandler } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function start(handler: ToolHandler<undefined>, grace?: number) {
  const mcp = createMcp({ name: 'stopping', version: '1.0.0', log: () => {} })
  mcp.tool('work', { description: 'Works' }, handler)
  const server = await serve(mcp, {
    port: 0,
    signals: false,
    ...(grace !== undefined && { grace }),
  })
  const endpoint = { url: `http://127.0.0.1:${server.port}/mcp`, fetch, close: async () => {} }
  return { ...server, endpoint }
}

describe('a Node server that stops', () => {
  // Idle connections get one second after the last call ended, not after the stop began.
  it('lets a call of 1.5 seconds answer, in both eras and both forms of reply', async () => {
    const { endpoint, close } = await start(async (_, ctx) => {
      ctx.progress(1)
      await sleep(1_500)
      return 'done'
    })
    const meta = { progressToken: 1 }
    const legacy = await LegacyClient.open(endpoint, '2025-11-25')
    const modern = new ModernClient(endpoint)
    const results = [
      legacy.call('work'),
      legacy.call('work', {}, { meta }),
      modern.call('work'),
    ].map(async (reply) => (await (await reply).result()).content[0].text)
    await sleep(200)
    await close()
    expect(await Promise.all(results)).toEqual(['done', 'done', 'done'])
  })

  it('ends a call that is longer than the grace period with an error, and aborts its signal', async () => {
    let reason: unknown
    const { endpoint, close } = await start(async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      reason = signal.reason
      return ''
    }, 100)
    const client = new ModernClient(endpoint)
    // The first request of an era loads its code.
    await client.request('tools/list')
    const reply = client.call('work')
    await sleep(200)
    const startedAt = performance.now()
    await close()
    const { result, error } = await (await reply).answer()
    expect(JSON.stringify(error ?? result)).toContain('shutting down')
    expect(reason).toBeInstanceOf(Error)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
  })

  const large = 'x'.repeat(16 * 1024 * 1024)

  /** A client that has asked for the large reply and has read nothing of it yet. */
  async function ask(port: number): Promise<Socket> {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'work',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    })
    const socket = connect({ port, host: '127.0.0.1' })
    socket.pause()
    await once(socket, 'connect')
    socket.on('error', () => {})
    const headers = [
      'POST /mcp HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Content-Type: application/json',
      'Accept: application/json',
      'Mcp-Protocol-Version: 2026-07-28',
      'Mcp-Method: tools/call',
      'Mcp-Name: work',
      `Content-Length: ${body.length}`,
    ]
    socket.write(`${headers.join('\r\n')}\r\n\r\n${body}`)
    await sleep(500)
    return socket
  }

  it('does not wait for a client that reads nothing of a large reply', async () => {
    const { port, close } = await start(() => large)
    const socket = await ask(port)
    const startedAt = performance.now()
    await close()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    socket.destroy()
  })

  it('sends a large reply to its end', async () => {
    const { port, close } = await start(() => large)
    const socket = await ask(port)
    const stopped = close()
    await sleep(100)
    let length = 0
    socket.on('data', (chunk) => {
      length += chunk.length
    })
    socket.resume()
    await once(socket, 'close')
    await stopped
    expect(length).toBeGreaterThan(large.length)
  })

  it('accepts no new connection, and stops only once when told several times', async () => {
    const { endpoint, port, close } = await start(() => sleep(300).then(() => 'done'))
    const reply = new ModernClient(endpoint).call('work')
    await sleep(100)
    const stopped = Promise.all([close(), close()])
    const socket = connect({ port, host: '127.0.0.1' })
    const [error] = await once(socket, 'error')
    expect(error.code).toBe('ECONNREFUSED')
    await stopped
    expect((await (await reply).result()).content[0].text).toBe('done')
  })

  it('does not wait for a client that never sends the rest of its request', async () => {
    const { port, close } = await start(() => 'done')
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.on('error', () => {})
    const lines = [
      `Host: 127.0.0.1:${port}`,
      'Content-Type: application/json',
      'Content-Length: 100',
    ]
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{`)
    await sleep(100)
    const startedAt = performance.now()
    await close()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    socket.destroy()
  })

  it('stops its app only once when told several times', async () => {
    let stops = 0
    const server = await serve(
      {
        fetch: () => new Response(),
        async close() {
          stops += 1
        },
      },
      { port: 0, signals: false },
    )
    await Promise.all([server.close(), server.close()])
    await server.close()
    expect(stops).toBe(1)
  })
})

describe('signals', () => {
  it('stop the server, which then removes its signal listeners', async () => {
    const count = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
    const before = count()
    const mcp = createMcp({ name: 'stopping', version: '1.0.0' })
    const server = await serve(mcp, { port: 0 })
    expect(count()).toBe(before + 2)
    process.emit('SIGTERM')
    await expect
      .poll(() => fetch(`http://127.0.0.1:${server.port}/mcp`).catch(() => 'refused'))
      .toBe('refused')
    await server.close()
    expect(count()).toBe(before)
  })
})

describe('the health of a Node server', () => {
  async function healthy(options: { health?: string; stopDelay?: number }) {
    const mcp = createMcp({ name: 'healthy', version: '1.0.0', log: () => {} })
    mcp.tool('work', { description: 'Works' }, () => 'done')
    const server = await serve(mcp, { port: 0, signals: false, grace: 0, ...options })
    const base = `http://127.0.0.1:${server.port}`
    return { ...server, base, endpoint: { url: `${base}/mcp`, fetch, close: async () => {} } }
  }

  it('is told to GET on its path alone, whatever the host name', async () => {
    const { base, port, close } = await healthy({ health: '/health' })
    const response = await fetch(`${base}/health`)
    expect([response.status, await response.text()]).toEqual([200, '{"status":"Healthy"}'])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect((await fetch(`${base}/health`, { method: 'POST' })).status).toBe(404)
    expect((await fetch(`${base}/health/more`)).status).toBe(404)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /health HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n')
    const [head] = await once(socket, 'data')
    expect(String(head)).toMatch(/^HTTP\/1.1 200 /)
    await close()
  })

  it('is not told without the option', async () => {
    const { base, close } = await healthy({})
    expect((await fetch(`${base}/health`)).status).toBe(404)
    await close()
  })

  it('is 503 while a stopping server still takes calls', async () => {
    const { base, endpoint, close } = await healthy({ health: '/health', stopDelay: 400 })
    const startedAt = performance.now()
    const closing = close()
    const response = await fetch(`${base}/health`)
    expect([response.status, await response.text()]).toEqual([503, '{"status":"Stopping"}'])
    const reply = await new ModernClient(endpoint).call('work')
    expect((await reply.result()).content[0].text).toBe('done')
    await closing
    expect(performance.now() - startedAt).toBeGreaterThan(390)
    await expect(fetch(`${base}/health`)).rejects.toThrow()
  })
})
