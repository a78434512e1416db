/** The official clients of 2025-11-25 and a call that is suspended while every process is replaced. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import { OFFICIAL } from '../support/official-clients.ts'

let dynalite: Dynalite
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  const TEST_OPTIONS = JSON.stringify({ suspendAfter: 300 })
  cluster = await startCluster({ instances: 2, env: { ...dynalite.env, TEST_OPTIONS } })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await dynalite.close()
})

const CLIENTS = OFFICIAL.filter(([name]) => name === 'v1' || name === 'v2 in legacy mode')

it.each(CLIENTS)(
  '%s: the call ends on other processes than the one that asked, and repeats no step',
  { timeout: 60_000 },
  async (_, _era, open) => {
    const before = cluster.instances.map(({ pid }) => pid)
    const asked: string[] = []
    const client = await open(`${cluster.url}/mcp`, {
      async elicit(message) {
        asked.push(message)
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        if (asked.length === 1) {
          for (const index of [0, 1]) {
            await cluster.signal(index, 'SIGKILL')
            await cluster.restart(index)
          }
        }
        return { action: 'accept', content: { name: `answer ${asked.length}` } }
      },
    })
    const progress: number[] = []
    const result = await client.call('migrate', {}, (done) => progress.push(done))
    const { planned, ended, plans, answers } = JSON.parse(result.content[0]?.text ?? '')
    expect(asked).toEqual(['First?', 'Second?'])
    expect(answers).toEqual(['answer 1', 'answer 2'])
    expect(plans).toBe(1)
    expect(before).toContain(planned)
    expect(before).not.toContain(ended)
    expect(progress).toEqual([1, 2, 3])
    await client.close()
  },
)
