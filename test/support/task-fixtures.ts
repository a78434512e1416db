/** The durable tools that the official conformance suite expects (F.3). */
import * as v from 'valibot'
import type { Mcp } from '../../src/index.ts'
import { failure, McpError } from '../../src/index.ts'

const TASK = { ttl: 60_000, pollEvery: 200 }

export function taskFixtures(mcp: Mcp): void {
  const named = v.object({ name: v.string() })
  mcp.tool(
    'greet',
    { description: 'Greets, at once', input: named },
    ({ name }) => `Hello, ${name}!`,
  )
  mcp.tool(
    'slow_compute',
    {
      description: 'Computes for some seconds',
      input: v.object({ seconds: v.optional(v.number(), 1), label: v.optional(v.string(), '') }),
      task: TASK,
    },
    async ({ seconds, label }, ctx) => {
      await ctx.sleep('computing', seconds * 1_000)
      return `Computed ${label} in ${seconds} seconds`
    },
  )
  mcp.tool('failing_job', { description: 'Fails after a second', task: TASK }, async (_, ctx) => {
    await ctx.sleep('working', 1_000)
    return failure('The job failed')
  })
  mcp.tool(
    'protocol_error_job',
    { description: 'Ends in a JSON-RPC error', task: TASK },
    async (_, ctx) => {
      await ctx.sleep('working', 500)
      throw new McpError(-32603, 'The job broke')
    },
  )
  mcp.tool(
    'confirm_delete',
    {
      description: 'Deletes a file after a confirmation',
      input: v.object({ filename: v.optional(v.string(), 'file') }),
      task: TASK,
    },
    async ({ filename }, ctx) => {
      const form = v.object({ confirm: v.boolean() })
      const answer = await ctx.elicit(`Delete ${filename}?`, form, { key: 'confirm' })
      const sure = answer.action === 'accept' && answer.content.confirm
      return sure ? `Deleted ${filename}` : `Kept ${filename}`
    },
  )
  mcp.tool(
    'multi_input',
    { description: 'Asks two questions at once', task: TASK },
    async (_, ctx) => {
      const answers = await Promise.all([
        ctx.elicit('First?', named, { key: 'first' }),
        ctx.elicit('Second?', named, { key: 'second' }),
      ])
      return answers.map(({ action }) => action).join(' ')
    },
  )
}
