/** A store that fails, or has dropped items, while calls use it. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { JsonValue, Store, StoreKey } from '../../src/index.ts'
import { memoryStore, StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { unhandledRejections } from '../support/unhandled-rejections.ts'
import { LegacyClient } from '../support/wire.ts'

describe('a store in trouble', () => {
  /** Returns a store that refuses an item that is too large, and is unavailable afterwards. */
  function small(): Store {
    const store = memoryStore()
    let gone = false
    return {
      ...store,
      async append(log, at, entries, options) {
        if (gone && log[1].startsWith('stream/')) throw new StoreUnavailable('gone')
        if (JSON.stringify(entries).length > 10_000) {
          gone = true
          throw new ValueTooLarge('too large')
        }
        return store.append(log, at, entries, options)
      },
    }
  }

  it('does not end the process when it fails while it keeps a substitute for a large event', async () => {
    const { mcp, endpoint } = openServer({ store: small() })
    mcp.tool('large', { description: 'Says a lot' }, async (_, ctx) => {
      ctx.log.info('x'.repeat(20_000))
      return 'done'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reasons = await unhandledRejections(async () => {
      const reply = await client.call('large')
      expect((await reply.result()).content[0].text).toBe('done')
    })
    expect(reasons).toEqual([])
  })

  it('does not end the process when the author does not wait for a notification to be stored', async () => {
    const store = memoryStore()
    const { mcp } = openServer({
      store: { ...store, put: async () => Promise.reject(new StoreUnavailable('gone')) },
    })
    const reasons = await unhandledRejections(async () => {
      void mcp.notify.toolsChanged()
    })
    expect(reasons).toEqual([])
    await expect(mcp.notify.toolsChanged()).rejects.toThrow(StoreUnavailable)
  })
})

describe('a bounded store', () => {
  it('drops the items that were used least recently', async () => {
    const store = memoryStore({ maxLength: 100_000 })
    const expiresAt = Date.now() + 60_000
    await store.put(['p', 'kept'], 'kept', { expiresAt })
    for (let i = 0; i < 50; i++) {
      await store.get(['p', 'kept'])
      await store.put(['p', `r${i}`], 'x'.repeat(5_000), { expiresAt })
      await store.append(['p', `l${i}`], 0, ['x'.repeat(5_000)], { expiresAt })
    }
    let held = 0
    for (let i = 0; i < 50; i++) {
      held += (await store.get(['p', `r${i}`])) ? 1 : 0
      held += (await store.read(['p', `l${i}`], 0)).length
    }
    expect(held).toBeGreaterThan(10)
    expect(held).toBeLessThan(20)
    expect((await store.get(['p', 'kept']))?.value).toBe('kept')
  })

  it('asks again after it has dropped the mailbox of a call', async () => {
    const memory = memoryStore()
    let inbox: StoreKey | undefined
    let reads = 0
    const store: Store = {
      ...memory,
      async read(log, after, limit) {
        if (log[1].startsWith('inbox/')) {
          inbox = log
          if (++reads > 100) throw new StoreUnavailable('asked for what is gone, over and over')
        }
        return memory.read(log, after, limit)
      },
    }
    const { mcp, endpoint } = openServer({ store, answerTimeout: 2_000 })
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      await ctx.sample({ messages: [], maxTokens: 10 })
      expect(inbox && (await memory.delete(inbox))).toBe(true)
      await ctx.sample({ messages: [], maxTokens: 10 })
      return 'answered twice'
    })
    const client = await LegacyClient.open(endpoint, '2025-11-25', {
      capabilities: { sampling: {} },
    })
    const { answer } = await client.converse('tools/call', { name: 'ask', arguments: {} }, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'x' },
    }))
    expect(answer.result.content[0].text).toBe('answered twice')
  })

  it('refuses values without JSON', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('forget', { description: 'Keeps nothing', session: true }, async (_, ctx) => {
      await ctx.session.update('key', () => undefined as unknown as JsonValue)
    })
    mcp.tool(
      'look',
      { description: 'Looks', session: true },
      async (_, ctx) => (await ctx.session.get('key')) ?? 'none',
    )
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await (await client.call('forget')).result()).isError).toBe(true)
    expect((await (await client.call('look')).result()).content[0].text).toBe('none')
  })
})

describe('an update whose function writes the same value', () => {
  afterEach(() => vi.useRealTimers())

  it('ends with an error', async () => {
    const { mcp, endpoint } = openServer()
    let runs = 0
    mcp.tool(
      'count',
      { description: 'Never agrees with itself', session: true },
      async (_, ctx) => {
        await ctx.session.update('n', async () => {
          await ctx.session.set('n', ++runs)
          return 0
        })
      },
    )
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let result: { isError?: boolean } | undefined
    const called = client.call('count').then(async (reply) => {
      result = await reply.result()
    })
    while (!result && runs < 10_000) await vi.advanceTimersByTimeAsync(200)
    expect(result).toMatchObject({ isError: true })
    await called
  })
})
