/** Several processes on one table. When a process or the table fails, clients still get no wrong answers. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import type { StreamEvent } from '../support/cluster-client.ts'
import { Client, eventsOf, pidsOf, times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { Faults } from '../support/dynamo-faults.ts'
import { startFaults } from '../support/dynamo-faults.ts'

/** Milliseconds after which an instance that does not renew its lease counts as dead. */
const LEASE = 1_500

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

async function collect(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const event of eventsOf(response)) events.push(event)
  return events
}

const progressOf = (events: StreamEvent[]) =>
  events.flatMap(({ message }) =>
    message?.method === 'notifications/progress' ? [message.params?.progress] : [],
  )

describe('an instance that dies', () => {
  it('in the middle of a stream loses and doubles no event, and the call ends with an error', {
    timeout: 30_000,
  }, async () => {
    const client = await open()
    const call = client.toolCall('count', { to: 1000, every: 20 }, { progress: true })
    const response = await client.post(call)
    const dying = cluster.last
    const seen: StreamEvent[] = []
    for await (const event of eventsOf(response)) {
      seen.push(event)
      if (progressOf(seen).length === 10) await cluster.signal(dying, 'SIGKILL')
    }
    const lastId = seen.findLast(({ id }) => id)?.id
    const started = Date.now()
    const rest = await collect(await client.listen(lastId))
    expect(Date.now() - started).toBeLessThan(LEASE * 4)

    const progress = progressOf([...seen, ...rest])
    expect(progress).toEqual(progress.map((_, i) => i + 1))
    expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
    await cluster.restart(dying)
    expect(new Set(await pidsOf(client, 6)).size).toBe(3)
  })

  it('while it waits for an answer ends the call with an error', { timeout: 30_000 }, async () => {
    const client = await open({ elicitation: {} })
    const call = client.toolCall('ask')
    const response = await client.post(call)
    const dying = cluster.last
    const seen: StreamEvent[] = []
    let question: number | string | undefined
    for await (const event of eventsOf(response)) {
      seen.push(event)
      if (event.message?.method !== 'elicitation/create') continue
      question = event.message.id
      await cluster.signal(dying, 'SIGKILL')
    }
    const answer = { jsonrpc: '2.0', id: question, result: { action: 'decline' } }
    expect((await client.post(answer)).status).toBe(202)
    const rest = await collect(await client.listen(seen.findLast(({ id }) => id)?.id))
    expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
    await cluster.restart(dying)
  })

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
    const rest = await collect(await client.listen(seen.findLast(({ id }) => id)?.id))
    const progress = progressOf([...seen, ...rest])
    expect(progress).toEqual(progress.map((_, i) => i + 1))
    expect(progressOf(rest).length).toBeGreaterThan(0)
    expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
    await cluster.restart(dying)
  })

  it('while it holds a stream of changes does not lose changes for the listener', {
    timeout: 30_000,
  }, async () => {
    const client = await open()
    const response = await client.listen()
    const dying = cluster.last
    let lastId: string | undefined
    for await (const { id } of eventsOf(response)) {
      lastId = id ?? lastId
      if (lastId) break
    }
    await cluster.signal(dying, 'SIGKILL')
    expect(await (await open()).call('announce')).toBeTypeOf('string')
    const leave = new AbortController()
    const resumed = await client.listen(lastId, { signal: leave.signal })
    for await (const { message } of eventsOf(resumed)) {
      if (message?.method === 'notifications/tools/list_changed') break
    }
    leave.abort()
    await cluster.restart(dying)
  })

  it('by SIGTERM first finishes its calls', { timeout: 30_000 }, async () => {
    const client = await open()
    const call = client.toolCall('count', { to: 40, every: 20 }, { progress: true })
    const response = await client.post(call)
    const leaving = cluster.last
    const seen: StreamEvent[] = []
    let gone: Promise<void> | undefined
    for await (const event of eventsOf(response)) {
      seen.push(event)
      if (progressOf(seen).length === 5) gone ??= cluster.signal(leaving, 'SIGTERM')
    }
    expect(progressOf(seen)).toEqual(times(40).map((i) => i + 1))
    expect(seen.at(-1)?.message).toMatchObject({ id: call.id, result: {} })
    await gone
    await cluster.restart(leaving)
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
