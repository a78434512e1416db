/** A tenant who fills the memory store does not drive out the items of another. */
import { expect, it } from 'vitest'
import type { Mcp, Store, StoreKey } from '../../src/index.ts'
import { bearer, createMcp, memoryStore } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient } from '../support/wire.ts'

const FAR = { expiresAt: Date.now() + 3600_000 }

const TOKENS = { victim: 'v'.repeat(32), flood: 'f'.repeat(32) }

function open(store: Store): Mcp {
  const tokens = Object.entries(TOKENS).map(([subject, token]) => ({ subject, token }))
  const auth = bearer({ tokens })
  const mcp = createMcp({ name: 'shared', version: '1', store, auth, log: () => {} })
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const { content } = await ctx.sample({ messages: [], maxTokens: 1 })
    return `${content.text}`
  })
  mcp.tool(
    'work',
    { description: 'Runs until it is told to stop', session: true },
    async (_, ctx) => {
      ctx.log.info('started')
      while (!(await ctx.session.get('stop')))
        await new Promise((resolve) => setTimeout(resolve, 5))
      ctx.log.info('almost done')
      return 'worked'
    },
  )
  mcp.tool('stop', { description: 'Stops the work', session: true }, (_, ctx) =>
    ctx.session.set('stop', true),
  )
  return mcp
}

it('keeps a session, a running call and an open question of others during 112,000 cancellations and 6,000 handshakes', {
  timeout: 120_000,
}, async () => {
  // The store is small: it holds less than a twentieth of what the flood writes.
  const store = memoryStore({ maxItems: 5_000 })
  const mcp = open(store)
  const endpoint = fetchEndpoint(mcp)
  const headers = (name: keyof typeof TOKENS) => ({ authorization: `Bearer ${TOKENS[name]}` })
  const capabilities = { sampling: {} }
  const victim = await LegacyClient.open(endpoint, '2025-11-25', {
    capabilities,
    headers: headers('victim'),
  })
  const working = await victim.call('work')
  await working.notification('notifications/message')
  const asking = await victim.call('ask')
  const question = await asking.find(({ method }) => method === 'sampling/createMessage')

  const flood = await LegacyClient.open(endpoint, '2025-03-26', { headers: headers('flood') })
  for (let from = 0; from < 112_000; from += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: `${from + i}` },
    }))
    expect((await flood.send(batch)).status).toBe(202)
  }
  for (let i = 0; i < 6_000; i++) {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'flood', version: '1' },
    }
    const request = new Request(endpoint.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers('flood') },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    })
    expect((await mcp.fetch(request)).status).toBe(200)
  }
  // The flood has filled the store and lost its own first session.
  expect((await flood.request('ping')).status).toBe(404)

  const content = { type: 'text', text: 'still here' }
  await victim.respond(question.id, { result: { role: 'assistant', model: 'm', content } })
  expect((await asking.result()).content[0].text).toBe('still here')
  await (await victim.call('stop')).result()
  expect((await working.result()).content[0].text).toBe('worked')
  const resumed = await victim.get(working.events.find(({ id }) => id)?.id)
  expect((await resumed.result()).content[0].text).toBe('worked')
  await mcp.close({ grace: 0 })
})

const key = (owner: string, id: number | string, name = 'a'): StoreKey => [
  `session/${owner}/${id}`,
  name,
]

async function count(store: Store, owner: string, ids: number): Promise<number> {
  let found = 0
  for (let i = 0; i < ids; i++) if (await store.get(key(owner, i))) found += 1
  return found
}

it('drops items from the owner who holds most, also when another owner writes', async () => {
  const store = memoryStore({ maxItems: 100 })
  for (let i = 0; i < 20; i++) await store.put(key('small', i), i, FAR)
  for (let i = 0; i < 200; i++) await store.put(key('large', i), i, FAR)
  for (let i = 0; i < 20; i++) await store.put(key('late', i), i, FAR)
  expect(await count(store, 'small', 20)).toBe(20)
  expect(await count(store, 'late', 20)).toBe(20)
  const large = await count(store, 'large', 200)
  expect(large).toBeGreaterThan(50)
  expect(large).toBeLessThanOrEqual(60)
})

it('drops the longest items by owner too, and counts what was replaced and deleted', async () => {
  const store = memoryStore({ maxLength: 10_000 })
  await store.put(key('small', 0), 'x'.repeat(1_000), FAR)
  for (let i = 0; i < 50; i++) {
    await store.put(key('busy', 0), 'x'.repeat(1_000), FAR)
    await store.put(key('busy', 1), 'x'.repeat(1_000), FAR)
    await store.delete(key('busy', 1))
  }
  for (let i = 0; i < 20; i++) await store.append(key('large', i), 0, ['x'.repeat(900)], FAR)
  expect(await count(store, 'small', 1)).toBe(1)
  expect(await count(store, 'busy', 1)).toBe(1)
})

it('drops items of the session that holds most, where all callers are one owner', async () => {
  const store = memoryStore({ maxLength: 20_000 })
  for (let i = 0; i < 20; i++) await store.put(key('anyone', i), 'session', FAR)
  for (let i = 0; i < 100; i++) {
    await store.append(key('anyone', 'large', `stream/${i}`), 0, ['x'.repeat(1_000)], FAR)
  }
  expect(await count(store, 'anyone', 20)).toBe(20)
})

it('takes equally from owners who hold the same', async () => {
  const store = memoryStore({ maxItems: 90 })
  for (let i = 0; i < 100; i++) {
    for (const owner of ['a', 'b', 'c']) await store.put(key(owner, i), i, FAR)
  }
  const found = await Promise.all(['a', 'b', 'c'].map((owner) => count(store, owner, 100)))
  for (const each of found) expect(each).toBeGreaterThan(20)
  expect(found.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(90)
})
