/** `increment_counter` and `get_counter`: state of one conversation that no concurrent call loses. */
import type { Mcp } from '../../src/index.ts'

export function counters(mcp: Mcp): void {
  mcp.tool(
    'increment_counter',
    {
      title: 'Increment counter',
      description: 'Add one to the counter of this conversation and return it',
      session: true,
    },
    (_, ctx) => ctx.session.update<number>('counter', (count = 0) => count + 1),
  )

  mcp.tool(
    'get_counter',
    {
      title: 'Get counter',
      description: 'The counter of this conversation',
      session: true,
      annotations: { readOnlyHint: true },
    },
    async (_, ctx) => (await ctx.session.get<number>('counter')) ?? 0,
  )
}
