/** Questions of 2026, which are answered in further rounds (A.5). */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { openServer } from '../support/open-server.ts'
import { ModernClient } from '../support/wire.ts'

describe('multi-round-trip requests (A.5)', () => {
  it('carry answers of 500,000 characters', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      const one = await ctx.sample({ messages: [], maxTokens: 1 })
      await ctx.roots()
      return `${one.content.text.length}`
    })
    const client = new ModernClient(endpoint, { capabilities: { sampling: {}, roots: {} } })
    const { answer } = await client.converse('tools/call', { name: 'ask' }, ({ method }) =>
      method === 'roots/list'
        ? { roots: [] }
        : { role: 'assistant', model: 'm', content: { type: 'text', text: 'x'.repeat(500_000) } },
    )
    expect(answer.result?.content[0].text).toBe('500000')
  })

  it('do not confuse the answer to an earlier question with the answer to another one', async () => {
    const { mcp, endpoint } = openServer()
    let files = 5
    mcp.tool('delete', { description: 'Deletes' }, async (_, ctx) => {
      const sure = await ctx.elicit(`Delete ${files} files?`, v.object({ yes: v.boolean() }))
      await ctx.roots()
      return sure.action === 'accept' && sure.content.yes ? `deleted ${files}` : 'kept'
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {}, roots: {} } })
    const asked: string[] = []
    const { answer } = await client.converse('tools/call', { name: 'delete' }, (question) => {
      if (question.method === 'roots/list') {
        files = 7
        return { roots: [] }
      }
      asked.push(question.params.message)
      return { action: 'accept', content: { yes: question.params.message === 'Delete 5 files?' } }
    })
    expect(asked).toEqual(['Delete 5 files?', 'Delete 7 files?'])
    expect(answer.result.content[0].text).toBe('kept')
  })

  it('end with an error when the state is larger than a body may be', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
      await ctx.sample({ messages: [], maxTokens: 1 })
      await ctx.roots()
      return 'done'
    })
    const client = new ModernClient(endpoint, { capabilities: { sampling: {}, roots: {} } })
    const { answer, questions } = await client.converse('tools/call', { name: 'ask' }, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'x'.repeat(3_000_000) },
    }))
    expect(questions.map(({ method }) => method)).toEqual(['sampling/createMessage'])
    expect(answer.error?.message).toMatch(/too much/)
  })

  it('fail when two different questions have one key', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('ask', { description: 'Asks two things under one key' }, async (_, ctx) => {
      await Promise.all([
        ctx.elicit('Name?', v.object({ name: v.string() }), { key: 'same' }),
        ctx.elicit('Town?', v.object({ town: v.string() }), { key: 'same' }),
      ])
      return 'asked'
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {} } })
    const { answer } = await client.converse('tools/call', { name: 'ask' }, () => ({
      action: 'decline',
    }))
    expect(answer.result).toMatchObject({ isError: true })
  })

  it('wait for the steps that have begun, so that each runs once', async () => {
    const { mcp, endpoint } = openServer()
    let runs = 0
    mcp.tool('order', { description: 'Reserves while it asks' }, async (_, ctx) => {
      const reserving = ctx.step('reserve', async () => {
        await new Promise((resolve) => setTimeout(resolve, 50))
        runs += 1
        return runs
      })
      await ctx.elicit('Sure?', v.object({}))
      return `order ${await reserving}`
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {} } })
    const { answer } = await client.converse('tools/call', { name: 'order' }, () => ({
      action: 'accept',
      content: {},
    }))
    expect(answer.result.content[0].text).toBe('order 1')
    expect(runs).toBe(1)
  })

  it('stay in the session that their first round has opened', async () => {
    const { mcp, endpoint } = openServer()
    mcp.tool('order', { description: 'Orders', session: true }, async (_, ctx) => {
      const runs = await ctx.session.update<number>('runs', (n = 0) => n + 1)
      await ctx.elicit('Sure?', v.object({}))
      return `run ${runs}`
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {} } })
    const { answer } = await client.converse('tools/call', { name: 'order' }, () => ({
      action: 'accept',
      content: {},
    }))
    expect(answer.result.content[0].text).toBe('run 2')
  })

  it('ignore inherited properties of the answers', async () => {
    const { mcp, endpoint } = openServer()
    const parsed: unknown[] = []
    mcp.tool('ask', { description: 'Asks under an inherited name' }, async (_, ctx) => {
      const answer = await ctx.elicit('Name?', v.object({}), { key: 'toString' })
      parsed.push(answer)
      return 'answered'
    })
    const client = new ModernClient(endpoint, { capabilities: { elicitation: {} } })
    const params = { name: 'ask', inputResponses: {} }
    const { resultType } = await (await client.request('tools/call', params)).result()
    expect(resultType).toBe('input_required')
    expect(parsed).toEqual([])
  })
})
