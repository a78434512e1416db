/** Version 1.22 of the official client, of a revision whose clients never come back: its questions wait live. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { serve } from '../../adapters/node.ts'
import { createMcp } from '../../src/index.ts'

const home = fileURLToPath(new URL('node_modules/sdk-1.22/dist/esm/', import.meta.url))

/** The modules of that version, which have the same types as the version beside. */
const load = async () => ({
  ...((await import(
    join(home, 'client/index.js')
  )) as typeof import('@modelcontextprotocol/sdk/client/index.js')),
  ...((await import(
    join(home, 'client/streamableHttp.js')
  )) as typeof import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
  ...((await import(
    join(home, 'types.js')
  )) as typeof import('@modelcontextprotocol/sdk/types.js')),
})

it('a question of a client of version 1.22 waits on its stream, also where calls are suspended', async () => {
  const { Client, StreamableHTTPClientTransport, ElicitRequestSchema } = await load()
  const mcp = createMcp({ name: 'old', version: '1', suspendAfter: 100, log: () => {} })
  let runs = 0
  mcp.tool('ask', { description: 'Asks twice' }, async (_, ctx) => {
    runs += 1
    const form = v.object({ name: v.string() })
    const names: string[] = []
    for (const question of ['First?', 'Second?']) {
      const answer = await ctx.elicit(question, form)
      names.push(answer.action === 'accept' ? answer.content.name : answer.action)
    }
    return names.join(' ')
  })
  const { port, close } = await serve(mcp, { port: 0, grace: 0, signals: false })
  const resumed: string[] = []
  const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`), {
    fetch: async (url, init) => {
      const cursor = new Headers(init?.headers).get('last-event-id')
      if (cursor !== null) resumed.push(cursor)
      return fetch(url, init)
    },
  })
  const client = new Client({ name: 'old', version: '1.22' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    await sleep(1_500)
    return { action: 'accept' as const, content: { name: `${params.message}!` } }
  })
  await client.connect(transport as Parameters<typeof client.connect>[0])
  const { content } = await client.callTool({ name: 'ask' })
  expect(content).toEqual([{ type: 'text', text: 'First?! Second?!' }])
  expect(runs).toBe(1)
  expect(resumed).toEqual([])
  await client.close()
  await close()
})
