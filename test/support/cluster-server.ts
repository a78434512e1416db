/** An instance for tests of several instances: the reference server on DynamoDB, with slow tools. */

import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { readStore, serve } from '../../adapters/node.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import type { McpOptions } from '../../src/index.ts'
import { heldBytes } from './heap.ts'

const { PORT = '0', TEST_OPTIONS = '{}' } = process.env
/** The options of `createMcp` that can be written as JSON. */
const options: Partial<McpOptions> = JSON.parse(TEST_OPTIONS)

const store = await readStore()
const mcp = createReferenceServer({ ...(store && { store }), ...options })

mcp.tool('which_instance', { description: 'The process that answers' }, () => process.pid)

mcp.tool(
  'count',
  {
    description: 'Reports progress up to a number, one at a time',
    input: v.object({ to: v.number(), every: v.number() }),
  },
  async ({ to, every }, ctx) => {
    for (let done = 1; done <= to; done += 1) {
      ctx.progress(done, to)
      await sleep(every)
    }
    return `counted by ${process.pid}`
  },
)

mcp.tool('ask', { description: 'Asks for a name' }, async (_, ctx) => {
  const answer = await ctx.elicit('Who are you?', v.object({ name: v.string() }))
  return answer.action === 'accept' ? `Hello ${answer.content.name}` : answer.action
})

mcp.tool(
  'migrate',
  { description: 'Plans once, asks twice, and names the processes of both ends', session: true },
  async (_, ctx) => {
    const planned = await ctx.step('plan', async () => {
      await ctx.session.update('plans', (n: number = 0) => n + 1)
      return process.pid
    })
    ctx.progress(1)
    const answers: string[] = []
    for (const message of ['First?', 'Second?']) {
      const answer = await ctx.elicit(message, v.object({ name: v.string() }))
      answers.push(answer.action === 'accept' ? answer.content.name : answer.action)
      ctx.progress(1 + answers.length)
    }
    const plans = await ctx.session.get('plans')
    return JSON.stringify({ planned, ended: process.pid, plans, answers })
  },
)

mcp.tool(
  'wait',
  { description: 'Waits to be cancelled, and remembers that it was', session: true },
  async (_, ctx) => {
    ctx.progress(0)
    await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
    await ctx.session.set('cancelled', true)
    return 'cancelled'
  },
)

mcp.tool(
  'was_cancelled',
  { description: 'Whether a wait of this conversation was cancelled', session: true },
  async (_, ctx) => (await ctx.session.get<boolean>('cancelled')) ?? false,
)

mcp.tool(
  'deploy',
  { description: 'Deploys when it is told to, and notes what became of it', session: true },
  async (_, ctx) => {
    ctx.signal.addEventListener('abort', () => void ctx.session.set('aborted', true))
    const answer = await ctx.elicit('Deploy?', v.object({ yes: v.boolean() }))
    await ctx.session.set('deployed', true)
    return answer.action
  },
)

mcp.tool(
  'deployments',
  { description: 'What became of a deployment', session: true },
  async (_, ctx) => {
    const notes = ['aborted', 'deployed'].map(async (note) =>
      (await ctx.session.get<boolean>(note)) ? note : '',
    )
    return (await Promise.all(notes)).join(' ').trim() || 'nothing'
  },
)

mcp.tool('held', { description: 'Bytes that this process holds' }, () => heldBytes())

mcp.tool('announce', { description: 'Tells everybody that the tools changed' }, async (_, ctx) => {
  await ctx.notify.toolsChanged()
  return 'announced'
})

const { port } = await serve(mcp, { port: Number(PORT), grace: 5_000 })
process.stdout.write(`http://127.0.0.1:${port}\n`)
