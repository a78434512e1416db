/** Four processes on one table under load: no event is lost, no item stays, and memory does not grow. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import { Client, times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'

let dynalite: Dynalite
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  cluster = await startCluster({ instances: 4, env: dynalite.env })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await dynalite.close()
})

/** Runs all tasks with a limit on how many run at once. */
async function inParallel<T>(width: number, items: T[], run: (item: T) => Promise<void>) {
  const queue = items.values()
  await Promise.all(
    times(width).map(async () => {
      for (const item of queue) await run(item)
    }),
  )
}

it('counts 400 concurrent increments in one session to exactly 400', async () => {
  const client = await Client.open(cluster.url)
  const counts = await Promise.all(times(400).map(() => client.call('increment_counter')))
  expect(counts.map(Number).toSorted((a, b) => a - b)).toEqual(times(400).map((i) => i + 1))
  expect(await client.call('get_counter')).toBe('400')
  const served = cluster.instances.map((instance) => instance.served)
  expect(Math.min(...served)).toBeGreaterThan(90)
})

it('answers correctly for 1,000 sessions that are opened, used and deleted in random order', {
  timeout: 300_000,
}, async () => {
  const sessions: { client: Client; count: number }[] = []
  let opened = 0
  let deleted = 0
  const step = async () => {
    const dice = Math.random()
    if (opened < 1000 && (dice < 0.35 || sessions.length < 10)) {
      opened += 1
      sessions.push({ client: await Client.open(cluster.url), count: 0 })
      return
    }
    // A session in use is not in this list, so each session has one user at a time.
    const [session] = sessions.splice(Math.floor(Math.random() * sessions.length), 1)
    if (!session) return sleep(5)
    const { client } = session
    if (dice < 0.6) {
      expect(await client.call('get_counter')).toBe(String(session.count))
      expect((await client.delete()).ok).toBe(true)
      expect((await client.post(client.toolCall('get_counter'))).status).toBe(404)
      deleted += 1
      return
    }
    session.count += 1
    expect(await client.call('increment_counter')).toBe(String(session.count))
    sessions.push(session)
  }
  await inParallel(16, times(16), async () => {
    while (deleted < 1000) await step()
  })
  expect([opened, deleted]).toEqual([1000, 1000])

  // The remaining items cannot be reached any more, and DynamoDB will delete them.
  const latest = Date.now() / 1000 + 8 * 24 * 3600
  let start: ScanCommandOutput['LastEvaluatedKey']
  do {
    const { Items = [], LastEvaluatedKey } = await dynalite
      .client()
      .send(new ScanCommand({ TableName: dynalite.table, ExclusiveStartKey: start }))
    for (const { ttl } of Items) expect(Number(ttl?.N)).toBeLessThan(latest)
    start = LastEvaluatedKey
  } while (start)
})

it('needs no memory for 20,000 sessions that are opened and never closed', {
  timeout: 600_000,
}, async () => {
  const [instance] = cluster.instances
  if (!instance) return expect.unreachable()
  const client = await Client.open(instance.url)
  const held = async () => Number(await client.call('held'))
  const open = (count: number) =>
    inParallel(16, times(count), async () => {
      await Client.initialize(instance.url)
    })
  await open(2_000)
  const before = await held()
  await open(18_000)
  // Measured -23 bytes per session, so not even its id is kept.
  expect(((await held()) - before) / 18_000).toBeLessThan(80)
})
