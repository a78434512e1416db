/** Several processes on one table. At the next request, all of them know what one of them has written. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import { Client, eventsOf, pidsOf, times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'

let dynalite: Dynalite
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  cluster = await startCluster({ env: dynalite.env })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await dynalite.close()
})

const open = (capabilities?: object) => Client.open(cluster.url, capabilities)

describe('the front', () => {
  it('changes instance at every request', async () => {
    const pids = await pidsOf(await open(), 6)
    expect(pids.slice(3)).toEqual(pids.slice(0, 3))
    expect(new Set(pids)).toEqual(new Set(cluster.instances.map(({ pid }) => String(pid))))
  })

  it('passes events on as they come', async () => {
    const client = await open()
    const call = client.toolCall('count', { to: 5, every: 60 }, { progress: true })
    const arrivals: number[] = []
    for await (const { message } of eventsOf(await client.post(call))) {
      if (message?.method) arrivals.push(performance.now())
    }
    expect(arrivals).toHaveLength(5)
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(100)
  })

  it('tells the instance that the client has left', async () => {
    const client = await open()
    const leave = new AbortController()
    const { signal } = leave
    const listening = await client.listen(undefined, { signal })
    const instance = cluster.last
    const sockets = () => cluster.openUpstreams(instance)
    expect(sockets()).toBe(1)
    leave.abort()
    await expect.poll(sockets).toBe(0)
    await expect(listening.text()).rejects.toThrow()
  })

  it('sends no request to a stopped instance, and uses it again when it continues', async () => {
    const client = await open()
    await cluster.signal(1, 'SIGSTOP')
    expect(new Set(await pidsOf(client, 4)).size).toBe(2)
    await cluster.signal(1, 'SIGCONT')
    expect(new Set(await pidsOf(client, 4)).size).toBe(3)
  })
})

describe('a session', () => {
  it('is known to every instance, and after DELETE to none', async () => {
    for (const _ of times(4)) {
      const client = await open()
      expect(await client.call('get_counter')).toBe('0')
      expect((await client.delete()).ok).toBe(true)
      for (const { url: base } of cluster.instances) {
        const response = await client.post(client.toolCall('get_counter'), { base })
        expect(response.status).toBe(404)
      }
    }
  })

  it('counts 100 concurrent increments to exactly 100', { timeout: 30_000 }, async () => {
    const client = await open()
    const counts = await Promise.all(times(100).map(() => client.call('increment_counter')))
    expect(counts.map(Number).toSorted((a, b) => a - b)).toEqual(times(100).map((i) => i + 1))
  })
})

describe('a call on one instance', () => {
  it('gets the answer to its question through another', async () => {
    const client = await open({ elicitation: {} })
    const events = eventsOf(await client.post(client.toolCall('ask')))
    const asked = cluster.last
    for await (const { message } of events) {
      if (message?.method !== 'elicitation/create') {
        if (message) expect(message.result?.content?.[0]?.text).toBe('Hello Ada')
        continue
      }
      const result = { action: 'accept', content: { name: 'Ada' } }
      const answer = await client.post({ jsonrpc: '2.0', id: message.id, result })
      expect(answer.status).toBe(202)
      expect(cluster.last).not.toBe(asked)
    }
  })

  it('is cancelled through another', async () => {
    const client = await open()
    const call = client.toolCall('wait', {}, { progress: true })
    const events = eventsOf(await client.post(call))
    for await (const { message } of events) if (message?.method) break
    await client.notify('notifications/cancelled', { requestId: call.id })
    await expect.poll(() => client.call('was_cancelled'), { timeout: 10_000 }).toBe('true')
  })

  it('is reported to listeners at the other instances', async () => {
    const listeners = await Promise.all(
      cluster.instances.map(async ({ url: base }) => {
        const client = await open()
        const leave = new AbortController()
        const response = await client.listen(undefined, { base, signal: leave.signal })
        return { response, leave }
      }),
    )
    await (await open()).call('announce')
    for (const { response, leave } of listeners) {
      for await (const { message } of eventsOf(response)) {
        if (message?.method === 'notifications/tools/list_changed') break
      }
      leave.abort()
    }
  })
})
