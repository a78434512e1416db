/** What each kind of client sees of a durable tool. */
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { createMcp, McpError } from '../../src/index.ts'
import type { LegacyRevision, Message } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const EXTENSION = 'io.modelcontextprotocol/tasks'
const TASKS = { elicitation: {}, extensions: { [EXTENSION]: {} } }

let mcp: Mcp
let effects: string[] = []

beforeEach(() => {
  effects = []
  mcp = createMcp({ name: 'tasks', version: '1' })
  mcp.tool('plain', { description: 'No task' }, () => 'plain')
  mcp.tool(
    'order',
    { description: 'Orders', input: v.object({ item: v.string() }), task: { pollEvery: 10 } },
    async ({ item }, ctx) => {
      const id = await ctx.step('reserve', ({ key }) => {
        effects.push(`reserve ${item}`)
        return key.length
      })
      const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
      if (answer.action !== 'accept' || !answer.content.sure) return 'not ordered'
      await ctx.step('charge', () => void effects.push('charge'), { once: true })
      return `ordered ${item} ${id > 24}`
    },
  )
})
afterEach(() => mcp.close({ grace: 0 }))

const sure = (question: Message) =>
  question.method === 'elicitation/create'
    ? { action: 'accept', content: { sure: true } }
    : undefined

describe('a client that knows no tasks', () => {
  it.each<LegacyRevision>(['2025-06-18', '2025-11-25'])(
    'of %s is asked on its stream and gets the plain result',
    async (revision) => {
      const client = await LegacyClient.open(fetchEndpoint(mcp), revision, {
        capabilities: { elicitation: {} },
      })
      const params = { name: 'order', arguments: { item: 'tea' } }
      const { answer, questions } = await client.converse('tools/call', params, sure)
      expect(answer.result?.content).toEqual([{ type: 'text', text: 'ordered tea true' }])
      expect(questions).toHaveLength(1)
      expect(effects).toEqual(['reserve tea', 'charge'])
    },
  )

  it('of 2026 is asked in rounds and gets the plain result', async () => {
    const client = new ModernClient(fetchEndpoint(mcp), { capabilities: { elicitation: {} } })
    const params = { name: 'order', arguments: { item: 'tea' } }
    const { answer, questions } = await client.converse('tools/call', params, sure)
    expect(answer.result?.content).toEqual([{ type: 'text', text: 'ordered tea true' }])
    expect(questions).toHaveLength(1)
    expect(effects).toEqual(['reserve tea', 'charge'])
  })
})

describe('a client that knows no tasks, of work that takes longer than it waits for,', () => {
  const states = (reply: { structuredContent: { task: string; status: string } }) =>
    reply.structuredContent

  const open = async (revision: LegacyRevision | '2026-07-28', capabilities = {}) =>
    revision === '2026-07-28'
      ? new ModernClient(fetchEndpoint(mcp), { capabilities })
      : LegacyClient.open(fetchEndpoint(mcp), revision, { capabilities })

  let finish = (_: string) => {}
  beforeEach(() => {
    mcp.tool('long', { description: 'Takes long', task: { waitFor: 50 } }, async (_, ctx) => {
      ctx.progress(1, 3, 'Building')
      const built = await ctx.step('build', () => new Promise<string>((r) => (finish = r)))
      return `${built} ${effects.push('built')}`
    })
    mcp.tool(
      'asks',
      { description: 'Asks after a while', task: { waitFor: 50 } },
      async (_, ctx) => {
        await ctx.sleep('first', 100)
        const answer = await ctx.elicit('Go on?', v.object({ sure: v.boolean() }))
        return answer.action
      },
    )
  })

  it.each(['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const)(
    'of %s gets a handle, and the result from task_result',
    async (revision) => {
      const client = await open(revision)
      const first = await (await client.call('long')).result()
      expect(first.isError).toBeUndefined()
      const [, task = ''] = /"task": "([\w-]{24})"/.exec(first.content[0].text) ?? []
      expect(first.content[0].text).toMatch(/^The work goes on\.\n/)
      if (revision > '2025-03-26') expect(states(first)).toMatchObject({ task, status: 'working' })
      else expect(first).not.toHaveProperty('structuredContent')
      const state = await (await client.call('task_result', { task })).result()
      expect(state.content[0].text).toContain(task)
      const waiting = client.call('task_result', { task })
      finish('ready')
      expect((await (await waiting).result()).content).toEqual([{ type: 'text', text: 'ready 1' }])
      // A result can be asked for again.
      const again = await client.call('task_result', { task })
      expect((await again.result()).content[0].text).toBe('ready 1')
      expect(effects).toEqual(['built'])
    },
  )

  it('sees the progress as text', async () => {
    const client = await open('2026-07-28')
    const { task } = states(await (await client.call('long')).result())
    const text = async () =>
      (await (await client.call('task_result', { task })).result()).content[0].text
    await expect.poll(text).toContain('Progress: Building')
    finish('ready')
  })

  it.each(['2025-11-25', '2026-07-28'] as const)(
    'of %s is asked when it asks for the result',
    async (revision) => {
      const client = await open(revision, { elicitation: {} })
      const { task } = states(await (await client.call('asks')).result())
      const params = { name: 'task_result', arguments: { task } }
      let asked = 0
      const ask = async () => {
        const { answer, questions } = await client.converse('tools/call', params, sure)
        asked += questions.length
        return answer.result?.content
      }
      // A call may end between the answer and the result.
      await expect.poll(ask).toEqual([{ type: 'text', text: 'accept' }])
      expect(asked).toBe(1)
    },
  )

  it('that cannot be asked is told what the task waits for', async () => {
    const able = await open('2025-11-25', { elicitation: {} })
    const { task } = states(await (await able.call('asks')).result())
    const other = await open('2025-11-25')
    const text = async () =>
      (await (await other.call('task_result', { task })).result()).content[0].text
    await expect.poll(text).toContain('It waits for an answer: Go on?')
  })

  it('cancels the work by task_result', async () => {
    const client = await open('2025-11-25')
    const { task } = states(await (await client.call('long')).result())
    const cancelled = await (await client.call('task_result', { task, cancel: true })).result()
    expect(cancelled.content[0].text).toBe('The work was cancelled.')
    const state = await (await client.call('task_result', { task })).result()
    expect(states(state).status).toBe('cancelled')
    expect(effects).toEqual([])
  })

  it('gets a sentence for the model when there is nothing under the handle', async () => {
    const client = await open('2025-11-25')
    for (const task of [undefined, 1, '../session', 'x'.repeat(24)]) {
      const result = await (await client.call('task_result', { task })).result()
      expect(result).toMatchObject({ isError: true, content: [{ text: 'Unknown task' }] })
    }
  })

  it('sees a failed task as the error that the call would have had', async () => {
    mcp.tool('fails', { description: 'Fails', task: {} }, () => {
      throw new McpError(-32050, 'No more')
    })
    const client = await open('2025-11-25')
    expect((await (await client.call('fails')).answer()).error).toEqual({
      code: -32050,
      message: 'No more',
    })
  })

  it('gets a silent handler kept alive by progress, if it gave a token (B53)', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      mcp.tool('silent', { description: 'Says nothing', task: {} }, async (_, ctx) => {
        ctx.progress(1)
        // Its replay would begin again with smaller values.
        ctx.progress(0.5)
        await ctx.step('build', () => new Promise<string>((resolve) => (finish = resolve)))
        return 'done'
      })
      const client = await open('2025-11-25')
      const calling = client.call('silent', {}, { meta: { progressToken: 7 } })
      await expect.poll(() => vi.getTimerCount()).toBeGreaterThan(0)
      await vi.advanceTimersByTimeAsync(40_500)
      finish('')
      const values = (await (await calling).rest()).flatMap(({ params }) => params?.progress ?? [])
      expect(values.length).toBeGreaterThanOrEqual(4)
      expect(values[0]).toBe(1)
      expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b))
    } finally {
      vi.useRealTimers()
    }
  })

  it('that gives up before it has a handle cancels the work: 2025 by a message, 2026 by leaving', async () => {
    const aborted: string[] = []
    mcp.tool('abandoned', { description: 'Waits', task: {} }, async (_, ctx) => {
      ctx.progress(1)
      ctx.signal.addEventListener('abort', () => aborted.push((ctx.signal.reason as Error).name))
      await new Promise(() => {})
    })
    const legacy = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    const waiting = legacy.call('abandoned', {}, { id: 'mine', meta: { progressToken: 1 } })
    await (await waiting).next()
    await legacy.notify('notifications/cancelled', { requestId: 'mine' })
    await expect.poll(() => aborted).toEqual(['Cancelled'])
    const modern = new ModernClient(fetchEndpoint(mcp))
    const reply = await modern.call('abandoned', {}, { meta: { progressToken: 1 } })
    await reply.next()
    await reply.leave()
    await expect.poll(() => aborted).toEqual(['Cancelled', 'Cancelled'])
  })

  it('gets the handle at once when the server stops', async () => {
    mcp.tool('slow', { description: 'Takes long', task: {} }, () => new Promise(() => {}))
    const client = await open('2026-07-28')
    const calling = client.call('slow')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closed = mcp.close({ grace: 20_000 })
    const stopped = performance.now()
    expect(states(await (await calling).result()).status).toBe('working')
    expect(performance.now() - stopped).toBeLessThan(10_000)
    await mcp.close({ grace: 0 })
    await closed
  })
})

it('a client of 2025 that refuses a question fails the question, as in a plain tool', async () => {
  const capabilities = { elicitation: {} }
  const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
  const params = { name: 'order', arguments: { item: 'tea' } }
  const { answer } = await client.converse('tools/call', params, () => undefined)
  expect(answer.result).toMatchObject({
    isError: true,
    content: [{ text: 'The client answered elicitation/create with error -1' }],
  })
  expect(effects).toEqual(['reserve tea'])
})

describe('a server that stops while a client of 2025 is asked', () => {
  it('takes the question back, and gives the handle', async () => {
    const capabilities = { elicitation: {} }
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
    const reply = await client.call('order', { item: 'tea' })
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    const closed = mcp.close({ grace: 2_000 })
    const taken = await reply.notification('notifications/cancelled')
    expect(taken.params.requestId).toBe(question.id)
    const { structuredContent } = await reply.result()
    expect(structuredContent).toMatchObject({ status: 'input_required' })
    await closed
  })
})

describe('a client of 2026 that declares tasks (C43)', () => {
  it('gets a task, its question, and its result (A.8)', async () => {
    const client = new ModernClient(fetchEndpoint(mcp), { capabilities: TASKS })
    const created = await (await client.call('order', { item: 'tea' })).result()
    expect(created).toMatchObject({ resultType: 'task', status: 'working', pollIntervalMs: 10 })
    const headers = { 'mcp-name': created.taskId }
    const { taskId } = created
    const get = async () => (await client.request('tasks/get', { taskId }, { headers })).result()
    await expect.poll(get).toMatchObject({
      status: 'input_required',
      inputRequests: { sure: { method: 'elicitation/create', params: { message: 'Sure?' } } },
    })
    const inputResponses = { sure: { action: 'accept', content: { sure: true } } }
    const updated = await client.request('tasks/update', { taskId, inputResponses }, { headers })
    expect(await updated.result()).toMatchObject({ resultType: 'complete' })
    await expect.poll(get).toMatchObject({
      resultType: 'complete',
      status: 'completed',
      result: { resultType: 'complete', content: [{ text: 'ordered tea true' }] },
    })
    expect(effects).toEqual(['reserve tea', 'charge'])
  })
})
