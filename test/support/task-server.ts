/** One process with durable tools, for tests that kill it. Each effect of a step is told to the test. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { readStore, serve } from '../../adapters/node.ts'
import { createMcp, inProcess } from '../../src/index.ts'

const { PORT = '0', LEASE = '15000', EFFECTS = '' } = process.env

const store = await readStore()
const mcp = createMcp({
  name: 'tasks',
  version: '1',
  ...(store && { store }),
  runner: inProcess({ lease: Number(LEASE) }),
})

const input = v.object({ steps: v.number(), ms: v.number() })

for (const once of [false, true]) {
  mcp.tool(
    once ? 'steps_once' : 'steps',
    { description: 'Runs steps one after another, each with an effect', input, task: {} },
    async ({ steps, ms }, ctx) => {
      for (let i = 0; i < steps; i++) {
        await ctx.step(
          `${i}`,
          async ({ key }) => {
            await sleep(Math.random() * ms)
            await fetch(EFFECTS, {
              method: 'POST',
              body: JSON.stringify({ key, pid: process.pid }),
            })
            await sleep(Math.random() * ms)
            return process.pid
          },
          { once },
        )
      }
      return 'done'
    },
  )
}

const { port } = await serve(mcp, { port: Number(PORT), grace: 5_000 })
process.stdout.write(`http://127.0.0.1:${port}\n`)
