/** The end of a call, by its client, its server or its time limit. */
import { describe, expect, it } from 'vitest'
import type { Auth } from '../../src/index.ts'
import { memoryStore } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

describe('the end of a call', () => {
  it('comes at once when the client left before the handler used its signal (C8)', async () => {
    const { mcp, endpoint } = openServer()
    const leave = new AbortController()
    mcp.tool('wait', { description: 'Waits for ever' }, (_, ctx) => {
      leave.abort()
      expect(ctx.signal.aborted).toBe(true)
      return new Promise<string>(() => {})
    })
    const client = new ModernClient({
      ...endpoint,
      fetch: async (input, init) =>
        mcp.fetch(new Request(input, { ...init, signal: leave.signal })),
    })
    expect((await client.call('wait')).status).toBe(202)
  })

  it('comes when the client cancelled before the handler used its signal (B52)', async () => {
    const { mcp, endpoint } = openServer()
    let look = () => {}
    const reasons: unknown[] = []
    mcp.tool('wait', { description: 'Waits' }, async (_, ctx) => {
      ctx.log.info('begun')
      await new Promise<void>((resolve) => {
        look = resolve
      })
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      reasons.push(ctx.signal.reason)
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('wait', {}, { id: 'early' })
    await reply.notification('notifications/message')
    // The cancellation comes before the handler uses its signal.
    await new Promise((resolve) => setTimeout(resolve, 5))
    await client.notify('notifications/cancelled', { requestId: 'early' })
    await new Promise((resolve) => setTimeout(resolve, 5))
    look()
    expect(await reply.rest()).toHaveLength(1)
    expect(reasons).toHaveLength(1)
  })

  it('stops the renewal of its lease, also one that is being written', async () => {
    const store = memoryStore()
    let renew = () => {}
    const renewing = new Promise<void>((resolve) => {
      renew = resolve
    })
    let renewals = 0
    let finish = () => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { mcp, endpoint } = openServer({
      streamLease: 30,
      store: {
        ...store,
        async put(key, value, options) {
          if (key[1].startsWith('lease/')) {
            renewals++
            renew()
            await slow
          }
          return store.put(key, value, options)
        },
      },
    })
    mcp.tool('work', { description: 'Works' }, async (_, ctx) => {
      ctx.log.info('begun')
      await renewing
      return 'done'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    await (await client.call('work')).rest()
    finish()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(renewals).toBe(1)
  })

  it('cancels the question that is still open (B49)', async () => {
    const { mcp, endpoint } = openServer({ callTimeout: 100 })
    mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
      await ctx.roots()
      return 'answered'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25', { capabilities: { roots: {} } })
    const reply = await client.call('ask')
    const question = await reply.find(({ method }) => method === 'roots/list')
    const { params } = await reply.notification('notifications/cancelled')
    expect(params.requestId).toBe(question.id)
    expect((await reply.result()).isError).toBe(true)
  })

  it('tells a client that resumes on a stopping server when to come back', async () => {
    const { mcp, endpoint } = openServer()
    let finish = (_: string) => {}
    const done = new Promise<string>((resolve) => {
      finish = resolve
    })
    mcp.tool('slow', { description: 'Is slow' }, async (_, ctx) => {
      ctx.log.info('begun')
      return done
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('slow')
    await reply.notification('notifications/message')
    const closing = mcp.close({ grace: 2_000 })
    const resumed = await client.get(reply.events.at(-1)?.id)
    await resumed.rest()
    expect(resumed.events.at(-1)?.retry).toBeGreaterThan(0)
    finish('done')
    expect((await reply.result()).content[0].text).toBe('done')
    await closing
  })
})

it('a handler that speaks after its result writes nothing any more', async () => {
  const store = memoryStore()
  let appends = 0
  const { append } = store
  store.append = (...given) => {
    appends += 1
    return append(...given)
  }
  const { mcp, endpoint } = openServer({ store })
  let speak = () => {}
  mcp.tool('work', { description: 'Returns first' }, (_, ctx) => {
    speak = () => ctx.log.info('too late')
    return 'done'
  })
  const client = await LegacyClient.open(endpoint, '2025-11-25')
  expect((await (await client.call('work')).result()).content[0].text).toBe('done')
  speak()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(appends).toBe(0)
})

it('a stop does not wait for calls that have ended', async () => {
  const { mcp, endpoint } = openServer()
  mcp.tool('work', { description: 'Works' }, async () => 'done')
  mcp.tool('fail', { description: 'Fails' }, async () => Promise.reject(new Error('fails')))
  const client = new ModernClient(endpoint)
  for (const name of ['work', 'fail']) await (await client.call(name)).result()
  const startedAt = performance.now()
  await mcp.close({ grace: 10_000 })
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

it.each(['2025-11-25', '2026-07-28'] as const)(
  'a call of %s that begins after its server was closed ends at once, with its signal aborted',
  async (revision) => {
    let pass = () => {}
    let waiting = Promise.resolve()
    const auth: Auth = {
      async verify() {
        await waiting
        return { id: 'ann', subject: 'ann', scopes: [], claims: {} }
      },
      challenge: () => new Response(null, { status: 401 }),
    }
    const { mcp, endpoint } = openServer({ auth })
    const reasons: unknown[] = []
    mcp.tool('wait', { description: 'Waits for ever' }, async (_, ctx) => {
      ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason))
      if (ctx.signal.aborted) reasons.push(ctx.signal.reason)
      await new Promise(() => {})
    })
    const client =
      revision === '2026-07-28'
        ? new ModernClient(endpoint)
        : await LegacyClient.open(endpoint, revision)
    waiting = new Promise((resolve) => {
      pass = resolve
    })
    const calling = client.call('wait')
    await mcp.close({ grace: 0 })
    pass()
    const { error, result } = await (await calling).answer()
    expect(JSON.stringify(error ?? result)).toContain('The server is shutting down')
    await expect.poll(() => reasons).toHaveLength(1)
  },
)
