/** Calls of 2025-11-25 clients that are suspended while the person thinks, and go on on any instance. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Context, McpOptions, Store } from '../../src/index.ts'
import { memoryStore, StoreConflict, StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { racingStore } from '../support/racing-store.ts'
import type { LegacyRevision, Message, Reply, TestEndpoint } from '../support/wire.ts'
import { LegacyClient } from '../support/wire.ts'

const NAME = v.object({ name: v.string() })

async function ask(ctx: Pick<Context, 'elicit'>, message: string, key?: string): Promise<string> {
  const answer = await ctx.elicit(message, NAME, key === undefined ? undefined : { key })
  return answer.action === 'accept' ? answer.content.name : answer.action
}

/** Opens instances that share a store. Each offers the same tools, and counts the steps that it runs. */
function instances(count: number, options: Partial<McpOptions> = {}) {
  const store: Store = options.store ?? memoryStore()
  const effects: string[] = []
  const endpoints = Array.from({ length: count }, () => {
    const { mcp, endpoint } = openServer({ suspendAfter: 20, ...options, store })
    mcp.tool('two', { description: 'Asks twice' }, async (_, ctx) => {
      ctx.progress(1)
      await ctx.step('plan', () => effects.push('plan'))
      ctx.progress(2, 4, 'planned')
      const first = await ask(ctx, 'First?')
      ctx.progress(3)
      await ctx.step('apply', () => effects.push(`apply ${first}`))
      const second = await ask(ctx, 'Second?')
      ctx.progress(4)
      return `${first} ${second}`
    })
    mcp.tool('both', { description: 'Asks two at once' }, async (_, ctx) =>
      (await Promise.all([ask(ctx, 'A?', 'a'), ask(ctx, 'B?', 'b')])).join(' '),
    )
    mcp.tool('failing', { description: 'Reports its failure' }, async (_, ctx) => {
      try {
        return await ask(ctx, 'Anyone?')
      } catch (error) {
        return `failed: ${error instanceof Error && error.message}`
      }
    })
    mcp.tool('tidy', { description: 'Tidies up' }, async (_, ctx) => {
      try {
        return await ask(ctx, 'Tidy?')
      } finally {
        effects.push('tidied')
      }
    })
    mcp.tool('fallback', { description: 'Goes on without an answer' }, async (_, ctx) => {
      const first = await ask(ctx, 'First?').catch(() => 'unanswered')
      return `${first} ${await ask(ctx, 'Second?')}`
    })
    mcp.tool('roots', { description: 'Asks for the roots' }, async (_, ctx) =>
      (await ctx.roots()).map(({ uri }) => uri).join(),
    )
    mcp.tool('loud', { description: 'Says much, then asks' }, async (_, ctx) => {
      for (let n = 0; n < 20; n += 1) ctx.log.info(`line ${n}`)
      return ask(ctx, 'Heard?')
    })
    return endpoint
  })
  return { endpoints, effects, store }
}

/** A client whose requests go to the instance that the test has chosen last, at first to the first. */
async function connect(
  endpoints: readonly TestEndpoint[],
  revision: LegacyRevision = '2025-11-25',
): Promise<{ client: LegacyClient; use: (instance: number) => void }> {
  let chosen = 0
  const at = () => endpoints[chosen] as TestEndpoint
  const endpoint: TestEndpoint = {
    url: at().url,
    fetch: (input, init) => at().fetch(input, init),
    close: async () => {},
  }
  const capabilities = { elicitation: {}, roots: {} }
  const client = await LegacyClient.open(endpoint, revision, { capabilities })
  return {
    client,
    use(instance) {
      chosen = instance
    },
  }
}

const lastId = (reply: Reply) => reply.events.findLast(({ id }) => id !== undefined)?.id ?? ''
const retryOf = (reply: Reply) => reply.events.findLast(({ retry }) => retry !== undefined)?.retry

const questionsOf = (reply: Reply) =>
  reply.messages.filter(({ method }) => method === 'elicitation/create')

const accept = (name: string) => ({ result: { action: 'accept', content: { name } } })

/** Begins a call, and reads its stream to the end of the connection. */
async function suspendedCall(client: LegacyClient, tool: string, meta?: object) {
  const reply = await client.call(tool, {}, { id: 'asking', ...(meta && { meta }) })
  await reply.rest()
  return reply
}

const progressOf = (...replies: Reply[]) =>
  replies
    .flatMap(({ messages }) => messages)
    .filter(({ method }) => method === 'notifications/progress')
    .map(({ params }: Message) => params.progress)

describe('a suspended call', () => {
  it('ends the connection with an event that has an id, the time to come back and no data', async () => {
    const { endpoints } = instances(1)
    const { client } = await connect(endpoints)
    const reply = await suspendedCall(client, 'two')
    expect(questionsOf(reply)).toHaveLength(1)
    expect(reply.events.at(-1)).toMatchObject({ id: expect.any(String), data: '', retry: 1_000 })
  })

  it('goes on on other instances, runs each step once, and its progress only grows', async () => {
    const { endpoints, effects } = instances(4)
    const { client, use } = await connect(endpoints)
    const begun = await suspendedCall(client, 'two', { progressToken: 'p' })
    await endpoints[0]?.close()
    use(1)
    const waiting = await client.get(lastId(begun))
    await waiting.rest()
    expect(waiting.messages).toEqual([])
    expect(waiting.events).toEqual([{ id: lastId(begun), retry: expect.any(Number), data: '' }])
    expect((await client.respond(questionsOf(begun)[0]?.id, accept('Ann'))).status).toBe(202)
    use(2)
    const resumed = await client.get(lastId(waiting))
    await resumed.rest()
    expect(questionsOf(resumed).map(({ params }) => params.message)).toEqual(['Second?'])
    await client.respond(questionsOf(resumed)[0]?.id, accept('Bob'))
    use(3)
    const ended = await client.get(lastId(resumed))
    expect(await ended.result()).toMatchObject({ content: [{ text: 'Ann Bob' }] })
    expect(effects).toEqual(['plan', 'apply Ann'])
    expect(progressOf(begun, resumed, ended)).toEqual([1, 2, 3, 4])
    use(1)
    expect((await client.get(lastId(ended))).status).toBe(204)
    const missed = await client.get(lastId(begun))
    expect(await missed.result()).toMatchObject({ content: [{ text: 'Ann Bob' }] })
  })

  it('ends the run of its handler, which tidies up', async () => {
    const { endpoints, effects } = instances(1)
    const { client } = await connect(endpoints)
    await suspendedCall(client, 'tidy')
    await expect.poll(() => effects).toEqual(['tidied'])
  })

  it.each([
    ['answered', { result: { action: 'accept', content: { name: 'Ann' } } }, 'Ann Bob'],
    ['answered with an error', { error: { code: -1, message: 'no' } }, 'unanswered Bob'],
  ])('does not ask again what was %s before it was suspended', async (_, response, said) => {
    const { endpoints } = instances(1, { suspendAfter: 300 })
    const { client } = await connect(endpoints)
    const begun = await client.call('fallback')
    const first = await begun.find(({ method }) => method === 'elicitation/create')
    await client.respond(first.id, response)
    await begun.rest()
    const [, second] = questionsOf(begun)
    await client.respond(second?.id, accept('Bob'))
    const ended = await client.get(lastId(begun))
    expect(await ended.result()).toMatchObject({ content: [{ text: said }] })
    expect(questionsOf(ended)).toEqual([])
  })

  it('waits for the answers to all its questions', async () => {
    const { endpoints } = instances(1)
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'both')
    const [a, b] = questionsOf(begun)
    await client.respond(b?.id, accept('bee'))
    const waiting = await client.get(lastId(begun))
    expect(await waiting.rest()).toEqual([])
    await client.respond(a?.id, accept('ay'))
    const ended = await client.get(lastId(waiting))
    expect(await ended.result()).toMatchObject({ content: [{ text: 'ay bee' }] })
  })

  it('is answered within the time without being suspended', async () => {
    const { endpoints } = instances(1, { suspendAfter: 2_000 })
    const { client } = await connect(endpoints)
    const reply = await client.call('failing')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    await client.respond(question.id, accept('quick'))
    expect(await reply.result()).toMatchObject({ content: [{ text: 'quick' }] })
  })

  it('gives the handler the error of a client', async () => {
    const { endpoints } = instances(1)
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'failing')
    await client.respond(questionsOf(begun)[0]?.id, { error: { code: -5, message: 'no' } })
    const ended = await client.get(lastId(begun))
    expect((await ended.result()).content[0].text).toContain('error -5')
  })

  it('goes on without an answer when the time of the person is over', async () => {
    let now = Date.now()
    const { endpoints } = instances(2, { clock: () => now, answerTimeout: 60_000 })
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'failing')
    now += 40_000
    const waiting = await client.get(lastId(begun))
    await waiting.rest()
    expect(retryOf(waiting)).toBe(10_000)
    now += 20_000
    const ended = await client.get(lastId(waiting))
    expect((await ended.result()).content[0].text).toBe('failed: No one answered within 60 seconds')
    const withdrawn = ended.messages.find(({ method }) => method === 'notifications/cancelled')
    expect(withdrawn?.params.requestId).toBe(questionsOf(begun)[0]?.id)
    // An answer that comes now has no effect and no error.
    expect((await client.respond(questionsOf(begun)[0]?.id, accept('late'))).status).toBe(202)
  })

  it.each([
    [0, 1_000],
    [20_000, 5_000],
    [200_000, 15_000],
  ])('after %i ms is asked for again in %i ms', async (waited, retry) => {
    let now = Date.now()
    const { endpoints } = instances(1, { clock: () => now })
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'failing')
    now += waited
    const waiting = await client.get(lastId(begun))
    await waiting.rest()
    expect(retryOf(waiting)).toBe(retry)
  })

  it('that its client cancels is over', async () => {
    const { endpoints, effects } = instances(1)
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'two')
    await client.notify('notifications/cancelled', { requestId: 'asking' })
    await client.respond(questionsOf(begun)[0]?.id, accept('Ann'))
    expect((await client.get(lastId(begun))).status).toBe(204)
    expect((await client.get(lastId(begun))).status).toBe(204)
    expect(effects).toEqual(['plan'])
  })

  it('runs once when several connections come back at the same time', async () => {
    const { endpoints, effects } = instances(2)
    const { client, use } = await connect(endpoints)
    const begun = await suspendedCall(client, 'two')
    await client.respond(questionsOf(begun)[0]?.id, accept('Ann'))
    const coming = [0, 1, 0, 1].map((instance) => {
      use(instance)
      return client.get(lastId(begun))
    })
    const replies = await Promise.all(coming)
    await Promise.all(replies.map((reply) => reply.rest()))
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200, 200])
    expect(effects).toEqual(['plan', 'apply Ann'])
    expect(new Set(replies.flatMap(questionsOf).map(({ id }) => id)).size).toBe(1)
  })

  it('of another session is not found, and cannot be answered there', async () => {
    const { endpoints } = instances(1)
    const { client } = await connect(endpoints)
    const begun = await suspendedCall(client, 'failing')
    const { client: other } = await connect(endpoints)
    await other.respond(questionsOf(begun)[0]?.id, accept('Eve'))
    expect((await other.get(lastId(begun))).status).toBe(404)
    expect(await (await client.get(lastId(begun))).rest()).toEqual([])
  })

  it.each(['2025-03-26', '2025-06-18'] as const)(
    'does not exist in %s: the call waits',
    async (revision) => {
      const { endpoints } = instances(1)
      const { client } = await connect(endpoints, revision)
      const reply = await client.call('roots')
      const { id } = await reply.find(({ method }) => method === 'roots/list')
      await new Promise((resolve) => setTimeout(resolve, 100))
      await client.respond(id, { result: { roots: [{ uri: 'file:///a' }] } })
      expect(await reply.result()).toMatchObject({ content: [{ text: 'file:///a' }] })
    },
  )

  it('whose client waits on another connection is not taken for dead', async () => {
    const { endpoints } = instances(2, { suspendAfter: 200, streamLease: 300 })
    const { client, use } = await connect(endpoints)
    const reply = await client.call('failing')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    use(1)
    const other = await client.get(lastId(reply))
    await other.rest()
    expect(other.messages).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 500))
    await client.respond(question.id, accept('late'))
    const ended = await client.get(lastId(other))
    expect(await ended.result()).toMatchObject({ content: [{ text: 'late' }] })
  })

  it('sends a client that is far behind all that it has missed', async () => {
    const { endpoints } = instances(2)
    const { client, use } = await connect(endpoints)
    const begun = await suspendedCall(client, 'loud')
    use(1)
    await client.respond(questionsOf(begun)[0]?.id, accept('heard'))
    const [opening] = begun.events
    const behind = await client.get(opening?.id)
    await behind.rest()
    expect(behind.messages).toEqual(begun.messages)
    const ended = await client.get(lastId(behind))
    expect(await ended.result()).toMatchObject({ content: [{ text: 'heard' }] })
  })
})

it('gathers its events for fewer writes, and sends each of them once (streamGather)', async () => {
  const { endpoints } = instances(2, { streamGather: 150 })
  const { client, use } = await connect(endpoints)
  const begun = await suspendedCall(client, 'loud')
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`)
  const linesOf = (...replies: Reply[]) =>
    replies.flatMap(({ messages }) => messages).flatMap(({ params }) => params?.data ?? [])
  expect(linesOf(begun)).toEqual(lines)
  expect(questionsOf(begun)).toHaveLength(1)
  use(1)
  await client.respond(questionsOf(begun)[0]?.id, accept('heard'))
  const ended = await client.get(lastId(begun))
  expect(await ended.result()).toMatchObject({ content: [{ text: 'heard' }] })
  expect(linesOf(begun, ended)).toEqual(lines)
  // A client that has lost the first connection gets all of it again, in order.
  const all = await client.get(begun.events[0]?.id)
  await all.rest()
  expect(linesOf(all)).toEqual(lines)
  expect(all.messages.at(-1)?.result).toMatchObject({ content: [{ text: 'heard' }] })
})

describe('a call that cannot be suspended waits for its answer', () => {
  it.each([
    ['is too large for the store', new ValueTooLarge()],
    ['meets a store that is away', new StoreUnavailable()],
  ])('because what it leaves %s', async (_, error) => {
    const store = racingStore()
    const { endpoints } = instances(1, { store })
    const { client } = await connect(endpoints)
    const reply = await client.call('failing')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    store.before('append', 'stream/', () => {
      throw error
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await client.respond(question.id, accept('live'))
    expect(await reply.result()).toMatchObject({ content: [{ text: 'live' }] })
  })

  it('and is lost when another instance has taken its own for dead', async () => {
    const store = racingStore()
    const { endpoints } = instances(1, { store })
    const { client } = await connect(endpoints)
    const reply = await client.call('failing')
    await reply.find(({ method }) => method === 'elicitation/create')
    store.before('append', 'stream/', () => {
      throw new StoreConflict()
    })
    expect((await reply.rest()).some(({ result }) => result)).toBe(false)
  })
})

it('a store that is busy when the client comes back leaves the call suspended', async () => {
  const store = racingStore()
  const { endpoints, effects } = instances(1, { store })
  const { client } = await connect(endpoints)
  const begun = await suspendedCall(client, 'two')
  await client.respond(questionsOf(begun)[0]?.id, accept('Ann'))
  store.before('append', 'stream/', () => {
    throw new StoreUnavailable()
  })
  expect((await client.get(lastId(begun))).status).toBe(503)
  expect(effects).toEqual(['plan'])
  const resumed = await client.get(lastId(begun))
  await resumed.rest()
  expect(effects).toEqual(['plan', 'apply Ann'])
})
