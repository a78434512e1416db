/** Clients that ask for a stream and do not read it, or read it twice. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import type { Mcp, McpOptions, Store } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { eventually, fetchEndpoint, LegacyClient } from '../support/wire.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A store that counts the characters of the log entries that were read. */
function measured(): { store: Store; read: () => number } {
  const memory = memoryStore()
  let length = 0
  const store: Store = {
    ...memory,
    async read(log, after, limit) {
      const entries = await memory.read(log, after, limit)
      length += JSON.stringify(entries).length
      return entries
    },
  }
  return { store, read: () => length }
}

/** Called when the tool with the large reply runs. */
let onLargeReply = () => {}

/** Sends 2 MiB of events and a result. */
function createServer(options: Partial<McpOptions>): Mcp {
  const mcp = createMcp({ name: 'unread', version: '1', log: () => {}, ...options })
  mcp.tool('large', { description: 'Sends a lot' }, async (_, ctx) => {
    for (let i = 0; i < 256; i++) {
      ctx.log.info('x'.repeat(8 * 1024))
      if (i % 8 === 0) await new Promise(setImmediate)
    }
    return 'done'
  })
  mcp.tool('one', { description: 'A large reply' }, () => {
    onLargeReply()
    return 'x'.repeat(16 * 1024 * 1024)
  })
  let finish = () => {}
  mcp.tool('hold', { description: 'Waits' }, async (_, ctx) => {
    ctx.log.info('begun')
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return 'held'
  })
  mcp.tool('finish', { description: 'Ends the wait' }, () => {
    finish()
    return 'finished'
  })
  return mcp
}

describe.each(['mcp.fetch', 'the Node adapter'])('through %s', (through) => {
  let endpoint: TestEndpoint
  let client: LegacyClient

  beforeEach(async () => {
    const mcp = createServer({ drainTimeout: 100 })
    endpoint = fetchEndpoint(mcp)
    if (through === 'the Node adapter') {
      const options = { port: 0, grace: 0, signals: false, drainTimeout: 100 }
      const { port, close } = await serve(mcp, options)
      endpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
    }
    client = await LegacyClient.open(endpoint, '2025-11-25')
  })
  afterEach(() => endpoint.close())

  it('a client that reads again gets the log only on the newer connection', async () => {
    const reply = await client.call('hold')
    await reply.notification('notifications/message')
    const id = reply.events.at(-1)?.id
    const older = await client.get(id)
    const ended = older.rest()
    expect(await reply.rest()).toHaveLength(1)
    const newer = await client.get(id)
    expect(await ended).toEqual([])
    await (await client.call('finish')).rest()
    expect((await newer.result()).content[0].text).toBe('held')
  })

  it('a listener ends at once when its session is deleted', async () => {
    const listener = await client.get()
    const rest = listener.rest()
    await sleep(20)
    const startedAt = performance.now()
    await client.delete()
    await rest
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

describe('a stream without a reader', () => {
  it('is read from its log only as far as its client reads', async () => {
    const counted = measured()
    const mcp = createServer({ store: counted.store })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const reply = await client.call('large')
    const all = await reply.rest()
    const first = reply.events[0]?.id
    const before = counted.read()
    const resumed = await client.get(first)
    await sleep(50)
    expect(counted.read() - before).toBeLessThan(1024 * 1024)
    expect((await resumed.rest()).length).toBe(all.length)
    await mcp.close({ grace: 0 })
  })

  it('is disconnected after drainTimeout, also when it has ended', async () => {
    const mcp = createServer({ drainTimeout: 60 })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const reply = await client.call('large')
    await sleep(300)
    expect(await reply.rest()).toEqual([])
    await mcp.close({ grace: 0 })
  })

  it('stays open while its client reads slowly', async () => {
    const mcp = createServer({ drainTimeout: 120 })
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const reply = await client.call('large')
    const reader = reply.response.body?.getReader()
    let length = 0
    for (;;) {
      const chunk = await reader?.read()
      if (!chunk || chunk.done) break
      length += chunk.value.length
      await sleep(20)
    }
    expect(length).toBeGreaterThan(2 * 1024 * 1024)
    await mcp.close({ grace: 0 })
  })
})

describe('a socket without a reader', () => {
  async function unread(tool: string, resume: boolean) {
    const mcp = createServer({ drainTimeout: 300 })
    const options = { port: 0, grace: 0, signals: false, drainTimeout: 300 }
    const { port, close } = await serve(mcp, options)
    const url = `http://127.0.0.1:${port}/mcp`
    const client = await LegacyClient.open({ url, fetch, close }, '2025-11-25')
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool },
    })
    const lines = {
      host: 'localhost',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...client.headers,
    }
    let head = `POST /mcp HTTP/1.1\r\ncontent-length: ${body.length}`
    if (resume) {
      const reply = await client.call(tool)
      await reply.rest()
      head = `GET /mcp HTTP/1.1\r\nlast-event-id: ${reply.events[0]?.id}`
    }
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.pause()
    socket.on('error', () => {})
    for (const [name, value] of Object.entries(lines)) head += `\r\n${name}: ${value}`
    socket.write(`${head}\r\n\r\n${resume ? '' : body}`)
    return { socket, close }
  }

  it.each([
    ['a large JSON reply', 'one', false],
    ['a resumed stream', 'large', true],
  ])('is destroyed with %s after drainTimeout', async (_, tool, resume) => {
    const called = resume ? undefined : new Promise<void>((resolve) => (onLargeReply = resolve))
    const { socket, close } = await unread(tool, resume)
    // A busy machine may take its time until then.
    await called
    await sleep(1_500)
    // Bytes in the kernel's buffers can still be read. The rest was dropped with the connection.
    let length = 0
    socket.on('data', (chunk) => {
      length += chunk.length
    })
    socket.resume()
    await once(socket, 'close')
    expect(length).toBeLessThan(tool === 'one' ? 16 * 1024 * 1024 : Number.POSITIVE_INFINITY)
    await close()
  })

  it('stays open during a call that is longer than drainTimeout', async () => {
    const mcp = createMcp({ name: 'slow', version: '1' })
    mcp.tool('slow', { description: 'Takes a while' }, async () => {
      await sleep(400)
      return 'done'
    })
    const options = { port: 0, grace: 0, signals: false, drainTimeout: 50 }
    const { port, close } = await serve(mcp, options)
    const endpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await (await client.call('slow')).result()).content[0].text).toBe('done')
    await eventually(close)
  })
})
