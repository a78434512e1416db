/** Streams with much data. */
import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('a stream', () => {
  const big = 'x'.repeat(9_000_000)

  it('transports a result of 9 MB, live and resumed', async () => {
    serverOf().tool('big', { description: 'Says much' }, (_, ctx) => {
      ctx.progress(1)
      return big
    })
    const { port, close } = await serve(mcp, { port: 0, signals: false })
    const endpoint = { url: `http://127.0.0.1:${port}/mcp`, fetch, close }
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const live = await client.call('big', {}, { meta: { progressToken: 1 } })
    const events = await live.response.text()
    expect(events).toMatch(/x{9}"}]}}\n\n$/)
    const again = await client.get(/^id: (.+)/.exec(events)?.[1])
    expect(await again.response.text()).toMatch(/x{9}"}]}}\n\n$/)
    await close()
  })

  it('ends when its client does not read', async () => {
    const { promise: over, resolve } = deferred()
    serverOf().tool('on', { description: 'Goes on' }, async (_, ctx) => {
      for (let i = 1; i <= 8 && !ctx.signal.aborted; i++) {
        ctx.progress(i, 8, big)
        await new Promise((done) => setTimeout(done, 5))
      }
      resolve()
    })
    const client = new ModernClient(fetchEndpoint(mcp))
    const reply = await client.call('on', {}, { meta: { progressToken: 1 } })
    await over
    await expect(reply.rest()).rejects.toThrow('too slowly')
  })
})
