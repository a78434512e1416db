/** Instances that are frozen, and continue after another instance has ended their call. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import { Client, eventsOf, times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'

const LEASE = 1_200
const FREEZES = 20

let dynalite: Dynalite
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  const options = { streamLease: LEASE }
  const env = { ...dynalite.env, TEST_OPTIONS: JSON.stringify(options) }
  cluster = await startCluster({ instances: 3, env })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await dynalite.close()
})

it('aborts the signal, refuses the answer, and has no effect, in each of 20 freezes', {
  timeout: 300_000,
}, async () => {
  const seen = { ended: 0, refused: 0, aborted: 0, effects: 0 }
  for (const _ of times(FREEZES)) {
    const client = await Client.open(cluster.url, { elicitation: {} })
    const response = await client.post(client.toolCall('deploy'))
    const frozen = cluster.last
    let question: number | string | undefined
    let lastId: string | undefined
    for await (const { id, message } of eventsOf(response)) {
      lastId = id ?? lastId
      if (message?.method !== 'elicitation/create') continue
      question = message.id
      break
    }
    await cluster.signal(frozen, 'SIGSTOP')
    for await (const { message } of eventsOf(await client.listen(lastId))) {
      if (message?.error) seen.ended += 1
    }
    const result = { action: 'accept', content: { yes: true } }
    const answer = await client.post({ jsonrpc: '2.0', id: question, result })
    if (answer.status === 400) seen.refused += 1
    await answer.text()
    await cluster.signal(frozen, 'SIGCONT')
    await expect.poll(() => client.call('deployments'), { timeout: 10_000 }).toContain('aborted')
    seen.aborted += 1
    await new Promise((resolve) => setTimeout(resolve, 200))
    if ((await client.call('deployments')).includes('deployed')) seen.effects += 1
  }
  expect(seen).toEqual({ ended: FREEZES, refused: FREEZES, aborted: FREEZES, effects: 0 })
})
