/** A value that is too large for the store is refused in the protocol's form, and everything else is kept. */
import { expect, it } from 'vitest'
import type { Store } from '../../src/index.ts'
import { createMcp, memoryStore, ValueTooLarge } from '../../src/index.ts'

/** Returns a store with a limit for items like DynamoDB's, but smaller. */
function smallStore(): Store {
  const store = memoryStore()
  const limit = (value: unknown) => {
    if (JSON.stringify(value).length > 10_000) throw new ValueTooLarge('larger than an item')
  }
  return {
    ...store,
    put: async (key, value, options) => {
      limit(value)
      return store.put(key, value, options)
    },
    append: async (log, after, entries, options) => {
      limit(entries)
      return store.append(log, after, entries, options)
    },
  }
}

const mcp = createMcp({ name: 'small', version: '1', store: smallStore(), log: () => {} })
mcp.tool('keep', { description: 'Keeps something large', session: true }, async (_, ctx) => {
  await ctx.session.set('large', 'x'.repeat(20_000))
  return 'kept'
})

async function post(body: object, session?: string): Promise<Response> {
  return mcp.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(session && { 'mcp-session-id': session }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    }),
  )
}

async function open(): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  const response = await post({ id: 1, method: 'initialize', params })
  return response.headers.get('mcp-session-id') ?? ''
}

it('tells the model that a value was too large to keep', async () => {
  const session = await open()
  const response = await post({ id: 2, method: 'tools/call', params: { name: 'keep' } }, session)
  expect(response.status).toBe(200)
  const { result } = (await response.json()) as { result: { isError: boolean; content: object[] } }
  expect(result.isError).toBe(true)
  expect(JSON.stringify(result.content)).toContain('larger than the store can hold')
})

it('answers 413 to a client whose answer is too large to store', async () => {
  const asking = createMcp({ name: 'asking', version: '1', store: smallStore(), log: () => {} })
  asking.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const { content } = await ctx.sample({ messages: [], maxTokens: 1 })
    return `${content.text}`
  })
  const send = (body: object, session = '') =>
    asking.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'mcp-session-id': session },
        body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      }),
    )
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { sampling: {} },
    clientInfo: { name: 'test', version: '1' },
  }
  const session =
    (await send({ id: 1, method: 'initialize', params })).headers.get('mcp-session-id') ?? ''
  const call = await send({ id: 2, method: 'tools/call', params: { name: 'ask' } }, session)
  const reader = call.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('sampling/createMessage')) text += (await reader?.read())?.value ?? ''
  const id = /"id":"([^"]+(?:\\"[^"]*)?)","method":"sampling/.exec(text)?.[1]
  const question = JSON.parse(`"${id}"`) as string
  const answer = (words: string) => ({
    id: question,
    result: { role: 'assistant', model: 'm', content: { type: 'text', text: words } },
  })
  expect((await send(answer('x'.repeat(20_000)), session)).status).toBe(413)
  // The question is still open, so a shorter answer is accepted.
  expect((await send(answer('short'), session)).status).toBe(202)
  while (!text.includes('"id":2')) text += (await reader?.read())?.value ?? ''
  expect(text).toContain('short')
})
