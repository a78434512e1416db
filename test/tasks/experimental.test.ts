/** The experimental tasks of 2025-11-25 (B71–B80), whose questions come within tasks/result, and one handler in every way that a client can call it. */
import { connect } from 'streamable-mcp/testing/v1'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Context, Mcp } from '../../src/index.ts'
import { createMcp, failure, McpError, memoryStore } from '../../src/index.ts'
import { manualServer, TASKS, TaskClient } from '../support/tasks.ts'
import type { LegacyRevision, Message } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const RELATED = 'io.modelcontextprotocol/related-task'

let mcp: Mcp
let effects: string[] = []

beforeEach(() => {
  effects = []
  mcp = createMcp({ name: 'tasks', version: '1' })
  mcp.tool('plain', { description: 'No task' }, () => 'plain')
  const input = v.object({ item: v.string() })
  mcp.tool(
    'order',
    { description: 'Orders', input, task: { pollEvery: 10, ttl: 60_000 } },
    async ({ item }, ctx) => {
      await ctx.step('reserve', () => void effects.push(`reserve ${item}`))
      const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
      if (answer.action !== 'accept') return failure('Not wanted')
      await ctx.step('charge', () => void effects.push('charge'), { once: true })
      return `ordered ${item}`
    },
  )
  mcp.tool('waits', { description: 'Never ends', task: {} }, () => new Promise(() => {}))
  mcp.tool('breaks', { description: 'Ends in an error', task: {} }, () => {
    throw new McpError(-32050, 'No more', { at: 1 })
  })
})
afterEach(() => mcp.close({ grace: 0 }))

const yes = () => ({ action: 'accept', content: { sure: true } })

const open = (
  revision: LegacyRevision = '2025-11-25',
  capabilities: object = { elicitation: {} },
) => LegacyClient.open(fetchEndpoint(mcp), revision, { capabilities: { ...capabilities } })

const callAsTask = (client: LegacyClient | ModernClient, name: string, args: object = {}) =>
  client.request('tools/call', { name, arguments: args, task: { ttl: 1_000 } })

async function create(client: LegacyClient, name: string, args: object = {}): Promise<string> {
  return (await (await callAsTask(client, name, args)).result()).task.taskId
}

const get = async (client: LegacyClient, taskId: string) =>
  (await client.request('tasks/get', { taskId })).result()

const errorOf = async (client: LegacyClient, method: string, params: object) =>
  (await (await client.request(method, params)).answer()).error

describe('a client of 2025-11-25 that wants a task', () => {
  it('finds the capability, and the tools that can be tasks (B71, B72)', async () => {
    const client = await open()
    expect(client.server.capabilities.tasks).toEqual({
      cancel: {},
      requests: { tools: { call: {} } },
    })
    const { tools } = await (await client.request('tools/list')).result()
    const support = Object.fromEntries(
      tools.map(({ name, execution }: { name: string; execution?: object }) => [name, execution]),
    )
    const optional = { taskSupport: 'optional' }
    expect(support).toEqual({ order: optional, waits: optional, breaks: optional })
  })

  it('gets the task, its question within tasks/result, and the result (B73, B75, B76)', async () => {
    const client = await open()
    const created = await (await callAsTask(client, 'order', { item: 'tea' })).result()
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
    expect(created).toEqual({
      task: {
        ...{ taskId: expect.stringMatching(/^[\w-]{24}$/), status: 'working' },
        ...{ createdAt: time, lastUpdatedAt: time, ttl: 60_000, pollInterval: 10 },
      },
    })
    const { taskId } = created.task
    await expect.poll(() => get(client, taskId)).toMatchObject({ status: 'input_required' })
    const { answer, questions } = await client.converse('tasks/result', { taskId }, yes)
    expect(questions.map(({ params }) => params)).toMatchObject([
      { message: 'Sure?', _meta: { [RELATED]: { taskId } } },
    ])
    expect(answer.result).toEqual({
      content: [{ type: 'text', text: 'ordered tea' }],
      _meta: { [RELATED]: { taskId } },
    })
    const ended = await get(client, taskId)
    expect(ended).toMatchObject({ taskId, status: 'completed', ttl: 60_000 })
    expect(ended).not.toHaveProperty('result')
    expect(ended).not.toHaveProperty('_meta')
    expect(effects).toEqual(['reserve tea', 'charge'])
  })

  it('has tasks/result wait for the end of the work (B75)', async () => {
    let finish = (_: string) => {}
    mcp.tool('long', { description: 'Takes long', task: { waitFor: 0 } }, async (_, ctx) =>
      ctx.step('build', () => new Promise<string>((resolve) => (finish = resolve))),
    )
    const client = await open()
    const taskId = await create(client, 'long')
    let ended = false
    const waiting = client.request('tasks/result', { taskId }).then(async (reply) => {
      const result = await reply.result()
      ended = true
      return result
    })
    await get(client, taskId)
    expect(ended).toBe(false)
    finish('built')
    expect(await waiting).toMatchObject({ content: [{ text: 'built' }] })
  })

  it('sees a failure of the tool as a failed task, with the reason (B79, B80)', async () => {
    const client = await open()
    const taskId = await create(client, 'order', { item: 'tea' })
    const decline = () => ({ action: 'decline' })
    const { answer } = await client.converse('tasks/result', { taskId }, decline)
    expect(answer.result).toMatchObject({ isError: true, content: [{ text: 'Not wanted' }] })
    expect(await get(client, taskId)).toMatchObject({
      status: 'failed',
      statusMessage: 'Not wanted',
    })
  })

  it('gets the JSON-RPC error of a task from tasks/result (B75)', async () => {
    const client = await open()
    const taskId = await create(client, 'breaks')
    const error = { code: -32050, message: 'No more', data: { at: 1 } }
    expect(await errorOf(client, 'tasks/result', { taskId })).toEqual(error)
    expect(await get(client, taskId)).toMatchObject({ status: 'failed', statusMessage: 'No more' })
  })

  it('cancels a task once (B74, B77)', async () => {
    const client = await open()
    const taskId = await create(client, 'waits')
    const cancelled = await (await client.request('tasks/cancel', { taskId })).result()
    expect(cancelled).toMatchObject({ taskId, status: 'cancelled', pollInterval: 5_000 })
    expect(await errorOf(client, 'tasks/cancel', { taskId })).toEqual({
      code: -32602,
      message: 'The task has already ended',
    })
    expect(await errorOf(client, 'tasks/result', { taskId })).toEqual({
      code: -32603,
      message: 'The task was cancelled',
    })
  })

  it('that leaves a tasks/result does not cancel the task', async () => {
    const client = await open()
    const taskId = await create(client, 'waits')
    const params = { taskId }
    const waiting = client.request('tasks/result', params, { id: 'result' })
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await client.notify('notifications/cancelled', { requestId: 'result' })
    await (await waiting).rest()
    expect(await get(client, taskId)).toMatchObject({ status: 'working' })
  })

  it('gets -32602 for a task that it does not have (B77, B78)', async () => {
    const client = await open()
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      for (const taskId of [undefined, 7, 'x'.repeat(24)]) {
        expect(await errorOf(client, method, { taskId })).toMatchObject({ code: -32602 })
      }
    }
  })

  it('gets errors, not results, for a tool that cannot be a task and for wrong arguments (B72)', async () => {
    const client = await open()
    for (const name of ['plain', 'task_result']) {
      const { error } = await (await callAsTask(client, name)).answer()
      expect(error).toEqual({
        code: -32601,
        message: `Tool ${name} cannot be called as a task`,
      })
    }
    const { error } = await (await callAsTask(client, 'order', { item: 1 })).answer()
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('item') })
  })

  it('finds no tasks/list and no tasks/update', async () => {
    const client = await open()
    for (const method of ['tasks/list', 'tasks/update']) {
      expect(await errorOf(client, method, {})).toMatchObject({ code: -32601 })
    }
  })

  it('is told to ask again when the host ends the call before the task ends', async () => {
    const client = await open()
    const taskId = await create(client, 'waits')
    const late = LegacyClient.open(
      {
        ...fetchEndpoint(mcp),
        fetch: async (input, init) =>
          mcp.fetch(new Request(input, init), { platform: { deadline: Date.now() + 1_050 } }),
      },
      '2025-11-25',
    )
    expect(await errorOf(await late, 'tasks/result', { taskId })).toEqual({
      code: -32603,
      message: 'The task goes on: ask for its result again',
    })
  })
})

describe('the parameter task', () => {
  it.each(['2025-03-26', '2025-06-18'] as const)('means nothing in %s', async (revision) => {
    const client = await open(revision)
    expect(client.server.capabilities).not.toHaveProperty('tasks')
    expect(await (await callAsTask(client, 'plain')).result()).toMatchObject({
      content: [{ text: 'plain' }],
    })
    expect((await (await callAsTask(client, 'breaks')).answer()).error?.code).toBe(-32050)
    const { tools } = await (await client.request('tools/list')).result()
    expect(JSON.stringify(tools)).not.toContain('execution')
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      expect(await errorOf(client, method, { taskId: 'x' })).toMatchObject({ code: -32601 })
    }
  })

  it('means nothing in 2026 (A.8)', async () => {
    const client = new ModernClient(fetchEndpoint(mcp))
    expect(await (await callAsTask(client, 'plain')).result()).toMatchObject({
      content: [{ text: 'plain' }],
    })
    const about = { headers: { 'mcp-name': 'x' } }
    const { error } = await (await client.request('tasks/result', { taskId: 'x' }, about)).answer()
    expect(error?.code).toBe(-32601)
  })

  it('means nothing to a server without tasks (B71)', async () => {
    const simple = createMcp({ name: 'simple', version: '1' })
    simple.tool('plain', { description: 'No task' }, () => 'plain')
    const client = await LegacyClient.open(fetchEndpoint(simple), '2025-11-25')
    expect(client.server.capabilities).not.toHaveProperty('tasks')
    expect(await (await callAsTask(client, 'plain')).result()).toMatchObject({
      content: [{ text: 'plain' }],
    })
    expect(await errorOf(client, 'tasks/get', { taskId: 'x' })).toMatchObject({ code: -32601 })
  })
})

it('the official client follows an experimental task with a question', async () => {
  const asked: string[] = []
  const client = await connect(mcp, {
    elicit: ({ message }) => {
      asked.push(message)
      return { action: 'accept', content: { sure: true } }
    },
  })
  await client.listTools()
  const seen: string[] = []
  const params = { name: 'order', arguments: { item: 'tea' } }
  for await (const message of client.experimental.tasks.callToolStream(params)) {
    if (message.type === 'result')
      expect(message.result.content).toMatchObject([{ text: 'ordered tea' }])
    seen.push(message.type)
  }
  expect(seen[0]).toBe('taskCreated')
  expect(seen.at(-1)).toBe('result')
  expect(asked).toEqual(['Sure?'])
  expect(effects).toEqual(['reserve tea', 'charge'])
  const stream = client.experimental.tasks.callToolStream({ name: 'waits', arguments: {} })
  const first = (await stream.next()).value
  const taskId = first?.type === 'taskCreated' ? first.task.taskId : ''
  const cancelled = await client.experimental.tasks.cancelTask(taskId)
  expect(cancelled.status).toBe('cancelled')
  await stream.return(undefined)
  await client.close()
})

describe('one handler', () => {
  /** Registers the handler twice: as a plain tool and as one with `task`. */
  function register(server: Mcp): void {
    const handler = async (_: object, ctx: Pick<Context, 'step' | 'sample' | 'sleep'>) => {
      const plan = await ctx.step('plan', () => effects.push('plan'))
      // Longer than a durable call waits, so that its client gets a handle.
      await ctx.sleep('pause', 50)
      const messages = [{ role: 'user' as const, content: { type: 'text', text: 'Name it' } }]
      const { content } = await ctx.sample({ messages, maxTokens: 9 }, { key: 'name' })
      const done = await ctx.step('apply', () => effects.push(`apply ${content.text}`))
      return { plan, done, name: content.text }
    }
    server.tool('plain', { description: 'Asks' }, handler)
    server.tool('durable', { description: 'Asks', task: { waitFor: 20 } }, handler)
    server.tool('waiting', { description: 'Asks', task: {} }, handler)
  }

  const named = {
    role: 'assistant',
    content: { type: 'text', text: 'Ann' },
    model: 'test',
    stopReason: 'endTurn',
  }
  const reply = (question: Message) =>
    question.method === 'sampling/createMessage' ? named : undefined
  const capabilities = { sampling: {} }

  const server = (suspendAfter?: number) => {
    const one = createMcp({
      ...{ name: 'ways', version: '1', store: memoryStore() },
      ...(suspendAfter && { suspendAfter }),
    })
    register(one)
    return one
  }

  const converse = async (client: LegacyClient | ModernClient, name: string) =>
    (await client.converse('tools/call', { name }, reply)).answer.result

  const legacy = (revision: LegacyRevision, one = server()) =>
    LegacyClient.open(fetchEndpoint(one), revision, { capabilities })

  const viaResultTool = async (client: LegacyClient | ModernClient) => {
    const first = await (await client.call('durable')).result()
    const [, task = ''] = /"task": "([\w-]{24})"/.exec(first.content[0].text) ?? []
    let result = first
    const params = { name: 'task_result', arguments: { task } }
    for (let n = 0; n < 20 && result.content[0].text.includes('task_result'); n += 1) {
      result = (await client.converse('tools/call', params, reply)).answer.result
    }
    return result
  }

  const ways: [string, () => Promise<Record<string, unknown>>][] = [
    ['a plain call of 2025-03-26', async () => converse(await legacy('2025-03-26'), 'plain')],
    ['a plain call of 2025-06-18', async () => converse(await legacy('2025-06-18'), 'plain')],
    ['a plain call of 2025-11-25', async () => converse(await legacy('2025-11-25'), 'plain')],
    [
      'a suspended call of 2025-11-25',
      async () => {
        const client = await legacy('2025-11-25', server(20))
        const begun = await client.request('tools/call', { name: 'plain' })
        await begun.rest()
        const [question] = begun.messages
        await client.respond(question?.id, { result: named })
        const cursor = begun.events.findLast(({ id }) => id !== undefined)?.id
        return (await client.get(cursor)).result()
      },
    ],
    [
      'an experimental task of 2025-11-25',
      async () => {
        const client = await legacy('2025-11-25')
        const taskId = await create(client, 'durable')
        return (await client.converse('tasks/result', { taskId }, reply)).answer.result
      },
    ],
    [
      'an experimental task of 2025-11-25 whose tasks/result is suspended',
      async () => {
        const client = await legacy('2025-11-25', server(20))
        const taskId = await create(client, 'durable')
        const begun = await client.request('tasks/result', { taskId })
        await begun.rest()
        await client.respond(begun.messages[0]?.id, { result: named })
        const cursor = begun.events.findLast(({ id }) => id !== undefined)?.id
        return (await client.get(cursor)).result()
      },
    ],
    ['rounds of 2026', async () => converse(modern(), 'plain')],
    ['rounds of 2026 that wait for a task', async () => converse(modern(), 'waiting')],
    [
      'a task of 2026',
      async () => {
        const one = server()
        const client = new TaskClient(one, {}, { ...TASKS, ...capabilities })
        const taskId = await client.create('durable')
        await expect.poll(async () => (await client.get(taskId)).status).toBe('input_required')
        await client.answer(taskId, { name: named })
        await expect.poll(async () => (await client.get(taskId)).status).toBe('completed')
        return (await client.get(taskId)).result
      },
    ],
    ['task_result in 2025', async () => viaResultTool(await legacy('2025-11-25'))],
    ['task_result in 2026', async () => viaResultTool(modern())],
  ]
  const modern = () => new ModernClient(fetchEndpoint(server()), { capabilities })

  it.each(ways)('has the same result, and each effect once, through %s', async (_, way) => {
    const { content } = await way()
    expect(content).toEqual([{ type: 'text', text: '{"plan":1,"done":2,"name":"Ann"}' }])
    expect(effects).toEqual(['plan', 'apply Ann'])
  })
})

it('an experimental task goes on in another process', async () => {
  const { mcp: first, turn } = manualServer((server) => {
    server.tool('steps', { description: 'Two steps', task: {} }, async (_, ctx) => {
      await ctx.step('one', () => void effects.push('one'))
      return 'done'
    })
  })
  const client = await LegacyClient.open(fetchEndpoint(first), '2025-11-25')
  const taskId = await create(client, 'steps')
  expect(await get(client, taskId)).toMatchObject({ status: 'working' })
  expect(await turn(taskId)).toBe('done')
  expect(await (await client.request('tasks/result', { taskId })).result()).toMatchObject({
    content: [{ text: 'done' }],
  })
})
