/** Many resources, and clients with many subscriptions. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import { cpuOf } from '../support/cpu-time.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

let mcp: Mcp
afterEach(() => mcp?.close({ grace: 0 }))

function serverOf(options: Partial<McpOptions> = {}): Mcp {
  mcp = createMcp({ name: 'scale', version: '1.0.0', ...options })
  return mcp
}

describe('resources', () => {
  it('are found among 300 templates nearly as fast as with one', async () => {
    const cpuWith = async (templates: number) => {
      serverOf()
      for (let i = 0; i < templates; i++) {
        mcp.resource(`file:///{a}/x${i}/{b}/{c}`, { name: `r${i}` }, () => 'x')
      }
      const client = new ModernClient(fetchEndpoint(mcp))
      const uri = `file:///${'a'.repeat(8_000)}`
      return cpuOf(async () => {
        for (let i = 0; i < 10; i++) {
          expect(
            (await (await client.request('resources/read', { uri })).answer()).error,
          ).toBeTruthy()
        }
      })
    }
    await cpuWith(1) // Compiles the code.
    // This took more than 100 times as long when each template was compared at each character.
    expect((await cpuWith(300)) / (await cpuWith(1))).toBeLessThan(15)
  })

  it('can be followed up to 500 of them', async () => {
    serverOf().resource('file:///{name}', { name: 'file' }, () => 'x')
    const endpoint = fetchEndpoint(mcp)
    const uris = Array.from({ length: 501 }, (_, i) => `file:///${i}`)

    const stream = await new ModernClient(endpoint).listen({ resourceSubscriptions: uris })
    const { params } = await stream.notification('notifications/subscriptions/acknowledged')
    expect(params.notifications.resourceSubscriptions).toHaveLength(500)
    await stream.leave()

    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const replies = await Promise.all(
      uris.map((uri) => client.request('resources/subscribe', { uri })),
    )
    const errors = (await Promise.all(replies.map((reply) => reply.answer()))).flatMap(
      ({ error }) => error ?? [],
    )
    expect(errors.map(({ code }) => code)).toEqual([-32602])
  })

  it('count once for a session, however often it subscribes to one', async () => {
    serverOf().resource('file:///{name}', { name: 'file' }, () => 'x')
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const subscribe = async () =>
      (await client.request('resources/subscribe', { uri: 'file:///a' })).answer()
    for (let i = 0; i < 501; i++) expect((await subscribe()).error).toBeUndefined()
  })

  it('can be followed up to 100,000 characters of their URIs', async () => {
    serverOf().resource('file:///{name}', { name: 'file' }, () => 'x')
    const endpoint = fetchEndpoint(mcp)
    const uris = Array.from({ length: 30 }, (_, i) => `file:///${i}${'a'.repeat(4_000)}`)

    const stream = await new ModernClient(endpoint).listen({ resourceSubscriptions: uris })
    const { params } = await stream.notification('notifications/subscriptions/acknowledged')
    expect(params.notifications.resourceSubscriptions).toHaveLength(24)
    await stream.leave()

    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const subscribe = async (uri?: string) =>
      (await client.request('resources/subscribe', { uri })).answer()
    for (const uri of uris.slice(0, 24)) expect((await subscribe(uri)).error).toBeUndefined()
    expect((await subscribe(uris[24])).error?.code).toBe(-32602)
    await client.request('resources/unsubscribe', { uri: uris[0] })
    expect((await subscribe(uris[24])).error).toBeUndefined()
  })
})
