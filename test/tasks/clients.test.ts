/** What each kind of client sees of a durable tool. */
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
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

describe('a client of 2026 that declares tasks (C43)', () => {
  it('gets a task, its question, and its result', async () => {
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
