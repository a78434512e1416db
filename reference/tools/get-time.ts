/** `get_time`: the time, and how long ago this conversation asked last. */
import type { Mcp } from '../../src/index.ts'

export function getTime(mcp: Mcp, clock: () => number = Date.now): void {
  mcp.tool(
    'get_time',
    {
      title: 'Current time',
      description: 'Get the current UTC time, and the time since this conversation last asked',
      session: true,
    },
    async (_, ctx) => {
      const now = clock()
      const before = await ctx.session.get<number>('last_time_asked')
      await ctx.session.set('last_time_asked', now)
      const lines = [`Current UTC time: ${toText(now)}`]
      if (before !== undefined) {
        lines.push(`Last time asked: ${toText(before)}`)
        lines.push(`Seconds since last time: ${Math.floor((now - before) / 1000)}`)
      }
      return lines.join('\n')
    },
  )
}

/** `2026-07-28 12:00:00` */
function toText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
