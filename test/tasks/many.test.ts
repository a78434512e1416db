/** Many tasks of one process at the same time, and the same handler for every client. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { createMcp, memoryStore } from '../../src/index.ts'
import { sharedStore, TaskClient } from '../support/tasks.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

describe('one process', () => {
  it('runs a thousand tasks at once, each effect once', async () => {
    const store = sharedStore(memoryStore())
    const mcp = createMcp({ name: 'many', version: '1', store })
    const effects = new Map<string, number>()
    mcp.tool('work', { description: 'Three steps', task: {} }, async (_, ctx) => {
      for (const name of ['a', 'b', 'c']) {
        await ctx.step(name, async ({ key }) => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          effects.set(key, (effects.get(key) ?? 0) + 1)
        })
      }
      return 'done'
    })
    const client = new TaskClient(mcp)
    const ids = await Promise.all(Array.from({ length: 1_000 }, () => client.create('work')))
    // To ask for each of them all the time would take longer than the work.
    await expect.poll(() => effects.size, { timeout: 25_000, interval: 100 }).toBe(3_000)
    for (const id of ids) {
      await expect.poll(async () => (await client.get(id)).status).toBe('completed')
    }
    expect([...effects.values()].every((times) => times === 1)).toBe(true)
    await mcp.close({ grace: 0 })
  })
})

describe('the same handler', () => {
  const sure = () => ({ action: 'accept', content: { sure: true } })
  const params = { name: 'deploy', arguments: { to: 'production' } }
  const capabilities = { elicitation: {} }
  const legacy = (revision: '2025-03-26' | '2025-06-18' | '2025-11-25') => async (mcp: Mcp) => {
    const client = await LegacyClient.open(fetchEndpoint(mcp), revision, { capabilities })
    return (await client.converse('tools/call', params, sure)).answer.result.content
  }

  const ways: Record<string, (mcp: Mcp) => Promise<unknown>> = {
    'a plain call of 2025-06-18': legacy('2025-06-18'),
    'a plain call of 2025-11-25': legacy('2025-11-25'),
    'rounds of 2026-07-28': async (mcp) => {
      const client = new ModernClient(fetchEndpoint(mcp), { capabilities })
      return (await client.converse('tools/call', params, sure)).answer.result.content
    },
    'a task of 2026-07-28': async (mcp) => {
      const client = new TaskClient(mcp)
      const id = await client.create(params.name, params.arguments)
      await expect.poll(async () => (await client.get(id)).status).toBe('input_required')
      const keys = Object.keys((await client.get(id)).inputRequests)
      await client.answer(id, Object.fromEntries(keys.map((key) => [key, sure()])))
      await expect.poll(async () => (await client.get(id)).status).toBe('completed')
      return (await client.get(id)).result.content
    },
    'task_result, by a client that is asked there': async (mcp) => {
      const quick = new ModernClient(fetchEndpoint(mcp))
      const created = new TaskClient(mcp)
      const task = await created.create(params.name, params.arguments)
      const told = await (await quick.call('task_result', { task })).result()
      expect(told.content[0].text).toContain(task)
      const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25', { capabilities })
      const call = { name: 'task_result', arguments: { task } }
      return (await client.converse('tools/call', call, sure)).answer.result.content
    },
  }

  it.each(Object.entries(ways))('comes to the same by %s, each effect once', async (_, run) => {
    const effects: string[] = []
    const mcp = createMcp({ name: 'ways', version: '1' })
    mcp.tool(
      'deploy',
      {
        description: 'Deploys',
        input: v.object({ to: v.string() }),
        task: { waitFor: 5_000 },
      },
      async ({ to }, ctx) => {
        const build = await ctx.step('build', () => effects.push('built'))
        const answer = await ctx.elicit(`Deploy to ${to}?`, v.object({ sure: v.boolean() }))
        if (answer.action !== 'accept' || !answer.content.sure) return 'Not deployed'
        await ctx.sleep('settle', 20)
        await ctx.step('deploy', () => void effects.push('deployed'), { once: true })
        return `Build ${build} is in ${to}`
      },
    )
    expect(await run(mcp)).toEqual([{ type: 'text', text: 'Build 1 is in production' }])
    expect(effects).toEqual(['built', 'deployed'])
    await mcp.close({ grace: 0 })
  })
})
