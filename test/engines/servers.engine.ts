/** Server processes on real engines: the behaviour suite on any instance, and engines that die during calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { behaviour } from '../suites/behaviour.ts'
import { dyingInstances, LEASE } from '../suites/dying-instances.ts'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import type { StreamEvent } from '../support/cluster-client.ts'
import { Client, eventsOf, pidsOf, progressOf } from '../support/cluster-client.ts'
import type { EngineServer } from '../support/engines.ts'
import { NETWORK_ENGINES } from '../support/engines.ts'

const behaviourServer = new URL('../support/run-behaviour-server.ts', import.meta.url)

for (const { name, start, env } of NETWORK_ENGINES) {
  behaviour(`behaviour on ${name}, at another instance with every request`, async (options) => {
    const server = await start()
    const cluster = await startCluster({
      entry: behaviourServer,
      instances: 2,
      env: {
        ...env(server.port),
        LOG_LEVEL: 'silent',
        ...(options && { BEHAVIOUR_OPTIONS: JSON.stringify(options) }),
      },
    })
    return {
      url: `${cluster.url}/mcp`,
      fetch,
      async close() {
        await cluster.close()
        await server[Symbol.asyncDispose]()
      },
    }
  })
}

describe.each(NETWORK_ENGINES)('several instances on $name', ({ name, start, env }) => {
  let server: EngineServer
  let cluster: Cluster

  beforeAll(async () => {
    server = await start()
    cluster = await startCluster({
      instances: 3,
      env: { ...env(server.port), TEST_OPTIONS: JSON.stringify({ streamLease: LEASE }) },
    })
  }, 60_000)
  afterAll(async () => {
    await cluster?.close()
    await server?.[Symbol.asyncDispose]()
  })

  dyingInstances(name, () => cluster)

  it('serve one session, with a question whose answer reaches another instance', async () => {
    const client = await Client.open(cluster.url, { elicitation: {} })
    expect(new Set(await pidsOf(client, 6)).size).toBe(3)
    const response = await client.post(client.toolCall('ask'))
    const answered = performance.now()
    for await (const { message } of eventsOf(response)) {
      // The priming event has no message.
      if (!message) continue
      if (message.method !== 'elicitation/create') {
        expect(message).toMatchObject({ result: { content: [{ text: 'Hello Ada' }] } })
        break
      }
      const result = { action: 'accept', content: { name: 'Ada' } }
      const posted = await client.post({ jsonrpc: '2.0', id: message.id, result })
      expect(posted.status).toBe(202)
    }
    // The engine wakes the waiter. A poll every two seconds would take longer than this.
    expect(performance.now() - answered).toBeLessThan(4_000)
  })

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'lose no event and no session when the engine gets %s under a call',
    { timeout: 60_000 },
    async (signal) => {
      const client = await Client.open(cluster.url)
      const call = client.toolCall('count', { to: 60, every: 30 }, { progress: true })
      const seen: StreamEvent[] = []
      let struck: Promise<void> | undefined
      for await (const event of eventsOf(await client.post(call))) {
        seen.push(event)
        if (seen.length < 10 || struck) continue
        struck = (async () => {
          if (signal === 'SIGKILL') await server.kill()
          else server.pause()
          await sleep(800)
          if (signal === 'SIGKILL') await server.restart()
          else server.resume()
        })()
      }
      await struck
      const progress = progressOf(seen)
      expect(progress).toEqual(progress.map((_, i) => i + 1))
      expect(progress).toHaveLength(60)
      expect(seen.at(-1)?.message).toMatchObject({ id: call.id, result: expect.anything() })
      // Every instance knows the session.
      expect(new Set(await pidsOf(client, 6)).size).toBe(3)
    },
  )
})
