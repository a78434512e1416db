/** Instances that die, are told to end, or freeze in the middle of a call, on any store that they share. */
import { describe, expect, it } from 'vitest'
import type { Cluster } from '../support/cluster.ts'
import type { StreamEvent } from '../support/cluster-client.ts'
import {
  Client,
  collectEvents,
  eventsOf,
  pidsOf,
  progressOf,
  times,
} from '../support/cluster-client.ts'

/** Milliseconds after which an instance that does not renew its lease counts as dead. */
export const LEASE = 1_500

/**
 * Runs the suite. `cluster` returns three instances of `cluster-server.ts` whose `streamLease` is
 * {@link LEASE}.
 */
export function dyingInstances(name: string, cluster: () => Cluster): void {
  const open = (capabilities?: object) => Client.open(cluster().url, capabilities)

  describe(`an instance that dies, on ${name},`, () => {
    it('in the middle of a stream loses and doubles no event, and the call ends with an error', {
      timeout: 30_000,
    }, async () => {
      const client = await open()
      const call = client.toolCall('count', { to: 1000, every: 20 }, { progress: true })
      const response = await client.post(call)
      const dying = cluster().last
      const seen: StreamEvent[] = []
      for await (const event of eventsOf(response)) {
        seen.push(event)
        if (progressOf(seen).length === 10) await cluster().signal(dying, 'SIGKILL')
      }
      const lastId = seen.findLast(({ id }) => id)?.id
      const started = Date.now()
      const rest = await collectEvents(await client.listen(lastId))
      expect(Date.now() - started).toBeLessThan(LEASE * 4)

      const progress = progressOf([...seen, ...rest])
      expect(progress).toEqual(progress.map((_, i) => i + 1))
      expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
      await cluster().restart(dying)
      expect(new Set(await pidsOf(client, 6)).size).toBe(3)
    })

    it('while it waits for an answer ends the call with an error', {
      timeout: 30_000,
    }, async () => {
      const client = await open({ elicitation: {} })
      const call = client.toolCall('ask')
      const response = await client.post(call)
      const dying = cluster().last
      const seen: StreamEvent[] = []
      let question: number | string | undefined
      for await (const event of eventsOf(response)) {
        seen.push(event)
        if (event.message?.method !== 'elicitation/create') continue
        question = event.message.id
        await cluster().signal(dying, 'SIGKILL')
      }
      const answer = { jsonrpc: '2.0', id: question, result: { action: 'decline' } }
      expect((await client.post(answer)).status).toBe(202)
      const rest = await collectEvents(await client.listen(seen.findLast(({ id }) => id)?.id))
      expect(rest.at(-1)?.message).toMatchObject({ id: call.id, error: { code: -32603 } })
      await cluster().restart(dying)
    })

    it('while it holds a stream of changes does not lose changes for the listener', {
      timeout: 30_000,
    }, async () => {
      const client = await open()
      const response = await client.listen()
      const dying = cluster().last
      let lastId: string | undefined
      for await (const { id } of eventsOf(response)) {
        lastId = id ?? lastId
        if (lastId) break
      }
      await cluster().signal(dying, 'SIGKILL')
      expect(await (await open()).call('announce')).toBeTypeOf('string')
      const leave = new AbortController()
      const resumed = await client.listen(lastId, { signal: leave.signal })
      for await (const { message } of eventsOf(resumed)) {
        if (message?.method === 'notifications/tools/list_changed') break
      }
      leave.abort()
      await cluster().restart(dying)
    })

    it('by SIGTERM first finishes its calls', { timeout: 30_000 }, async () => {
      const client = await open()
      const call = client.toolCall('count', { to: 40, every: 20 }, { progress: true })
      const response = await client.post(call)
      const leaving = cluster().last
      const seen: StreamEvent[] = []
      let gone: Promise<void> | undefined
      for await (const event of eventsOf(response)) {
        seen.push(event)
        if (progressOf(seen).length === 5) gone ??= cluster().signal(leaving, 'SIGTERM')
      }
      expect(progressOf(seen)).toEqual(times(40).map((i) => i + 1))
      expect(seen.at(-1)?.message).toMatchObject({ id: call.id, result: {} })
      await gone
      await cluster().restart(leaving)
    })
  })
}
