/** Several processes on one table. When a process or the table fails, clients still get no wrong answers. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dyingInstances, LEASE } from '../suites/dying-instances.ts'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import type { StreamEvent } from '../support/cluster-client.ts'
import { Client, collectEvents, eventsOf, progressOf, times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { Faults } from '../support/dynamo-faults.ts'
import { startFaults } from '../support/dynamo-faults.ts'

let dynalite: Dynalite
let faults: Faults
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  faults = await startFaults(dynalite.endpoint)
  cluster = await startCluster({
    instances: 3,
    env: {
      ...dynalite.env,
      AWS_ENDPOINT_URL_DYNAMODB: faults.endpoint,
      TEST_OPTIONS: JSON.stringify({ streamLease: LEASE }),
    },
  })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await faults.close()
  await dynalite.close()
})

const open = (capabilities?: object) => Client.open(cluster.url, capabilities)

dyingInstances('DynamoDB', () => cluster)

describe('an instance that dies', () => {
  it('after storing an event and before sending it does not lose the event for a client that resumes', {
    timeout: 30_000,
  }, async () => {
    const client = await open()
    const call = client.toolCall('count', { to: 1000, every: 20 }, { progress: true })
    const response = await client.post(call)
    const dying = cluster.last
    const seen: StreamEvent[] = []
    let killed: Promise<void> | undefined
    try {
      for await (const event of eventsOf(response)) {
        seen.push(event)
        if (progressOf(seen).length < 10 || killed) continue
        // From here on the table keeps what is written, but its answers are lost.
        faults.reset()
        faults.operations = { PutItem: 'lost-stall' }
        killed = (async () => {
          while (!faults.counts.PutItem) await new Promise((resolve) => setTimeout(resolve, 5))
          await new Promise((resolve) => setTimeout(resolve, 50))
          await cluster.signal(dying, 'SIGKILL')
        })()
      }
      await killed
    } finally {
      faults.operations = {}
    }
    const rest = await collectEvents(await client.listen(seen.findLast(({ id }) => id)?.id))
    const progress = progressOf([...seen, ...rest])
    expect(progress).toEqual(progress.map((_, i) => i + 1))
    expect(progressOf(rest).length).toBeGreaterThan(0)
    expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
    await cluster.restart(dying)
  })
})

describe('a store that is busy', () => {
  it('for a fifth of all requests never makes a session unknown', { timeout: 60_000 }, async () => {
    const client = await open()
    const answers: number[] = []
    faults.rate = 0.2
    try {
      await Promise.all(
        times(40).map(async () => {
          const response = await client.post(client.toolCall('get_counter'))
          answers.push(response.status)
          if (response.status === 503) expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
          await response.text()
        }),
      )
    } finally {
      faults.rate = 0
    }
    expect(answers.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(answers.filter((status) => status === 200).length).toBeGreaterThan(30)
  })

  it('or unavailable for five seconds causes 503 until it is back', {
    timeout: 60_000,
  }, async () => {
    const client = await open()
    expect(await client.call('increment_counter')).toBe('1')
    await dynalite.stop()
    const answers: number[] = []
    const end = Date.now() + 5_000
    try {
      while (Date.now() < end) {
        const response = await client.post(client.toolCall('get_counter'))
        answers.push(response.status)
        expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
        await response.text()
      }
    } finally {
      await dynalite.restart()
    }
    expect(new Set(answers)).toEqual(new Set([503]))
    expect(answers.length).toBeGreaterThanOrEqual(cluster.instances.length)
    expect(await client.call('increment_counter')).toBe('2')
  })
})

describe('the entry point, told to keep its state in DynamoDB,', () => {
  const entry = new URL('../../reference/entry/node.ts', import.meta.url)

  it('makes the table once for all instances, if it is allowed', { timeout: 60_000 }, async () => {
    const env = { ...dynalite.env, MCP_TABLE: 'fresh', MCP_CREATE_TABLE: '1' }
    await using fresh = await startCluster({ entry, env, instances: 2 })
    const client = await Client.open(fresh.url)
    expect(await client.call('increment_counter')).toBe('1')
    expect(await client.call('increment_counter')).toBe('2')
  })

  it('does not start without the table, and says so in one line', { timeout: 60_000 }, async () => {
    const env = { ...dynalite.env, MCP_TABLE: 'absent' }
    const { message } = await startCluster({ entry, env, instances: 1 }).then(
      () => expect.unreachable(),
      (error: Error) => error,
    )
    // On older versions of Node, a warning of the SDK may come first.
    expect(message).toMatch(/\nThere is no DynamoDB table "absent" at this endpoint and region\n$/)
    expect(message).not.toMatch(/\n {4}at /)
  })
})
