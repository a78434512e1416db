/**
 * Runs the tools with `task` on Lambda, where they may take days. `sam deploy --parameter-overrides Tasks=true`
 * deploys it, once server.ts has such a tool:
 *
 *   mcp.tool('publish', { description: 'Publishes after a day', task: { ttl: 172_800_000 } }, async (_, ctx) => {
 *     const draft = await ctx.step('draft', ({ key }) => `draft ${key}`)
 *     await ctx.sleep('cool down', 86_400_000)
 *     return ctx.step('publish', () => `published ${draft}`)
 *   })
 */

import { durable, readEnvironment } from 'streamable-mcp/durable'
import { createServer } from './server.ts'

export const handler = durable(createServer(await readEnvironment()))
