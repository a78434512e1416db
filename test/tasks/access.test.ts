/** Who may do what with a task: its owner, with the rights of now, and no one else. */
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Auth, LogEntry, Mcp, Principal } from '../../src/index.ts'
import { AuthError, createMcp } from '../../src/index.ts'
import { EXTENSION, TaskClient } from '../support/tasks.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

/** A token is `name` or `name:scope`. */
const auth: Auth = {
  async verify(request) {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    const [subject = '', scope] = token.split(':')
    if (!subject) throw new AuthError('No token')
    return { id: subject, subject, scopes: scope ? [scope] : [], claims: { token: 'claim' } }
  },
  challenge: ({ code }) =>
    new Response(null, { status: code === 'insufficient_scope' ? 403 : 401 }),
}

let mcp: Mcp
let log: LogEntry[] = []
let seen: (Principal | undefined)[] = []

beforeEach(() => {
  log = []
  seen = []
  mcp = createMcp({ name: 'tasks', version: '1', auth, log: (entry) => log.push(entry) })
  mcp.tool(
    'pay',
    {
      description: 'Pays',
      input: v.object({ secret: v.string() }),
      scopes: ['pay'],
      stepUp: true,
      task: { waitFor: 20 },
    },
    async ({ secret }, ctx) => {
      seen.push(ctx.principal)
      expect([...ctx.request.headers]).toEqual([])
      await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
      seen.push(ctx.principal)
      return `result of ${secret}`
    },
  )
})
afterEach(() => mcp.close({ grace: 0 }))

const as = (token: string) => new TaskClient(mcp, { authorization: `Bearer ${token}` })
const YES = { sure: { action: 'accept', content: { sure: true } } }

describe('a task', () => {
  const methods = ['tasks/get', 'tasks/update', 'tasks/cancel'] as const

  it.each(methods)('of another owner is unknown to %s (C42)', async (method) => {
    const owner = as('ann:pay')
    const id = await owner.create('pay', { secret: 's' })
    await expect.poll(async () => (await owner.get(id)).status).toBe('input_required')
    const other = await as('bob:pay').about(method, id, { inputResponses: YES })
    const unknown = await as('bob:pay').about(method, 'x'.repeat(24), { inputResponses: YES })
    const [{ error: theirs }, { error: none }] = [await other.answer(), await unknown.answer()]
    expect(theirs).toEqual(none)
    expect(theirs).toEqual({ code: -32602, message: 'Unknown task' })
    expect((await owner.get(id)).status).toBe('input_required')
  })

  it.each(methods)('needs the scopes of its tool for %s as of now', async (method) => {
    const id = await as('ann:pay').create('pay', { secret: 's' })
    const reply = await as('ann').about(method, id, { inputResponses: YES })
    expect(reply.status).toBe(403)
    expect((await as('ann:pay').get(id)).status).not.toBe('cancelled')
  })

  it('of another owner, or without the scope, is not given out by task_result either', async () => {
    const open = (token: string) =>
      LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', {
        headers: { authorization: `Bearer ${token}` },
      })
    const id = await as('ann:pay').create('pay', { secret: 's' })
    const bob = await (await open('bob:pay')).call('task_result', { task: id })
    expect((await bob.result()).content).toEqual([{ type: 'text', text: 'Unknown task' }])
    const cancel = await (await open('bob:pay')).call('task_result', { task: id, cancel: true })
    expect((await cancel.result()).isError).toBe(true)
    expect((await (await open('ann')).call('task_result', { task: id })).status).toBe(403)
    expect((await as('ann:pay').get(id)).status).not.toBe('cancelled')
  })

  it('runs with the rights of its creation, also after an answer with another token', async () => {
    const id = await as('ann:pay').create('pay', { secret: 's' })
    const other = new TaskClient(mcp, { authorization: 'Bearer ann:pay' })
    await expect.poll(async () => (await other.get(id)).status).toBe('input_required')
    await other.answer(id, YES)
    await expect.poll(async () => (await other.get(id)).status).toBe('completed')
    expect(seen.map((principal) => principal?.subject)).toEqual(['ann', 'ann', 'ann'])
    expect(seen[2]).toEqual(seen[0])
  })

  it('is not reached through an id that continues the name of another owner', async () => {
    const owner = as('ann/team:pay')
    const id = await owner.create('pay', { secret: 's' })
    await expect.poll(async () => (await owner.get(id)).status).toBe('input_required')
    const reply = await as('ann:pay').about('tasks/get', `team/${id}`)
    expect((await reply.answer()).error).toEqual({ code: -32602, message: 'Unknown task' })
  })

  it('leaves nothing of its arguments or its result in the log', async () => {
    const client = as('ann:pay')
    const id = await client.create('pay', { secret: 'tiger' })
    await expect.poll(async () => (await client.get(id)).status).toBe('input_required')
    await client.answer(id, YES)
    await expect.poll(async () => (await client.get(id)).status).toBe('completed')
    expect(log.length).toBeGreaterThan(3)
    expect(JSON.stringify(log)).not.toContain('tiger')
    expect((await client.get(id)).result.content[0].text).toBe('result of tiger')
  })
})

describe('a client of 2026 that does not declare the extension', () => {
  const client = () =>
    new ModernClient(fetchEndpoint(mcp), { headers: { authorization: 'Bearer ann:pay' } })

  it('is told so before the id is looked up', async () => {
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const headers = { 'mcp-name': 'unknown' }
      const reply = await client().request(method, { taskId: 'unknown' }, { headers })
      expect(reply.status).toBe(400)
      expect((await reply.answer()).error).toMatchObject({
        code: -32021,
        data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
      })
    }
  })

  it('sees the extension announced, and no capability of the experimental tasks', async () => {
    const { capabilities } = await (await client().request('server/discover')).result()
    expect(capabilities.extensions).toEqual({ [EXTENSION]: {} })
    expect(capabilities).not.toHaveProperty('tasks')
  })

  it('has no method for results or lists', async () => {
    for (const method of ['tasks/result', 'tasks/list']) {
      const reply = await as('ann:pay').request(method, {})
      expect([reply.status, (await reply.answer()).error?.code]).toEqual([404, -32601])
    }
  })
})

it('a server without durable tools has no methods of tasks, and announces none', async () => {
  const plain = createMcp({ name: 'plain', version: '1' })
  plain.tool('now', { description: 'Now' }, () => 1)
  const client = new TaskClient(plain)
  const reply = await client.about('tasks/get', 'x'.repeat(24))
  expect([reply.status, (await reply.answer()).error?.code]).toEqual([404, -32601])
  const { capabilities } = await (await client.request('server/discover')).result()
  expect(capabilities.extensions).toEqual({})
  const { tools } = await (await client.request('tools/list')).result()
  expect(tools).toHaveLength(1)
})
