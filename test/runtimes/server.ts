/** A server that does not use Node, for the runtimes of this folder: a module with a default export. */
import * as v from 'valibot'
import { createMcp } from '../../src/index.ts'

const mcp = createMcp({ name: 'runtimes', version: '1.0.0' })

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

mcp.tool(
  'add',
  { description: 'Adds two numbers', input: v.object({ a: v.number(), b: v.number() }) },
  ({ a, b }) => a + b,
)
mcp.tool(
  'count',
  { description: 'Counts, with a progress notification for each number' },
  async (_, ctx) => {
    for (let i = 1; i <= 3; i++) {
      ctx.progress(i, 3)
      await sleep(10)
    }
    return 'counted'
  },
)
mcp.tool('greet_person', { description: 'Asks for a name' }, async (_, ctx) => {
  const answer = await ctx.elicit('What is your name?', v.object({ name: v.string() }))
  return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : answer.action
})
mcp.tool('rest', { description: 'Says nothing for 25 seconds' }, async () => {
  await sleep(25_000)
  return 'rested'
})
mcp.prompt('plain', { description: 'A prompt' }, () => 'Hi.')
mcp.resource('test://text', { name: 'text', mimeType: 'text/plain' }, () => 'words')

export default mcp
