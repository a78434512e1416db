/** The table of docs/store.md names exactly the items that a server keeps. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Store, StoreKey } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { pageOf } from '../support/docs.ts'
import { eventually, fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const rows = [
  ...pageOf('docs/store.md').matchAll(/^\| (.+?) \| `([^`]+)` \| (record|log) \|/gm),
].map(([, partition = '', name = '', kind = '']) => ({ partition, name, kind }))

/** Returns a key in the form of the table, without the parts that a client chooses. */
function patternOf([partition, name]: StoreKey, kind: string): string {
  const [place = ''] = partition.split('/')
  return `${kind} ${place} ${name.replace(/^(\w[\w-]*)\/.*$/s, '$1/')}`
}

const documented = rows.flatMap(({ partition, name, kind }) => {
  const places = partition === 'either of them' ? ['session', 'handle'] : [partition]
  return places.map((place) =>
    patternOf([place.replaceAll('`', ''), name.replace(/<.*/, 'x')], kind),
  )
})

/** Returns a store that records the keys of all writes. */
function noting(seen: Set<string>): Store {
  const store = memoryStore()
  return {
    ...store,
    put(key, ...rest) {
      seen.add(patternOf(key, 'record'))
      return store.put(key, ...rest)
    },
    append(key, ...rest) {
      seen.add(patternOf(key, 'log'))
      return store.append(key, ...rest)
    },
  }
}

describe('docs/store.md', () => {
  it('names what is kept', async () => {
    const seen = new Set<string>()
    const store = noting(seen)
    const mcp = createMcp({
      name: 'kept',
      version: '1',
      store,
      streamLease: 90,
      limits: { perCaller: { perDay: 99 } },
    })
    mcp.tool('all', { description: 'Needs everything', session: true }, async (_, ctx) => {
      await ctx.session.set('key', 'value')
      const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
      ctx.progress(1)
      await sleep(200)
      await ctx.notify.toolsChanged()
      return answer.action
    })
    const perDay = { perDay: 9 }
    const limits = { perCaller: perDay, perTool: perDay }
    const once = { description: 'Runs once', idempotent: () => 'key', limits }
    mcp.tool('order', once, () => 'ordered')
    mcp.tool('hold', { description: 'Never ends' }, async (_, ctx) => {
      ctx.log.info('begun')
      await new Promise(() => {})
      return ''
    })
    const capabilities = { elicitation: {} }
    const legacy = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
    const modern = new ModernClient(fetchEndpoint(mcp), { capabilities })
    for (const client of [legacy, modern]) {
      const params = { name: 'all', arguments: {}, _meta: { progressToken: 1 } }
      const yes = () => ({ action: 'accept', content: { sure: true } })
      const { answer } = await client.converse('tools/call', params, yes)
      expect(answer.result.content[0].text).toBe('accept')
    }
    await modern.call('order')
    const held = await legacy.call('hold')
    await held.notification('notifications/message')
    await eventually(async () => {
      const resumed = await legacy.get(held.events.at(-1)?.id)
      await sleep(15)
      await resumed.leave()
      expect([...seen].some((pattern) => pattern.includes('watch/'))).toBe(true)
    })
    await mcp.close({ grace: 0 })
    const sharing = createMcp({
      name: 'kept',
      version: '1',
      store: { ...store, processLocal: false },
    })
    sharing.tool('work', { description: 'Works', task: {} }, (_, ctx) => ctx.step('a', () => 'b'))
    const worked = await new ModernClient(fetchEndpoint(sharing)).call('work')
    expect((await worked.result()).content[0].text).toBe('b')
    await sharing.close({ grace: 0 })
    const adopting = createMcp({ name: 'kept', version: '1', store, sessions: 'adopted' })
    const headers = { 'mcp-session-id': 'of-a-platform' }
    await LegacyClient.open(fetchEndpoint(adopting), '2025-11-25', { headers })
    expect([...seen].sort()).toEqual([...new Set(documented)].sort())
  })
})
