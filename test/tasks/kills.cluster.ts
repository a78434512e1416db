/** Durable tools on several processes and one table, while the processes are killed and frozen. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { Cluster } from '../support/cluster.ts'
import { startCluster } from '../support/cluster.ts'
import { times } from '../support/cluster-client.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import { journalOf, TASKS } from '../support/tasks.ts'
import { ModernClient } from '../support/wire.ts'

const LEASE = 2_000
const KILLS = 50
const TASKS_OF_A_KIND = 50
const STEPS = 8

let dynalite: Dynalite
let cluster: Cluster
/** How often each step has had its effect, by its key. */
const effects = new Map<string, number>()
const listener = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const { key } = JSON.parse(body) as { key: string }
  effects.set(key, (effects.get(key) ?? 0) + 1)
  response.end()
})

beforeAll(async () => {
  dynalite = await startDynalite()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  cluster = await startCluster({
    entry: new URL('../support/task-server.ts', import.meta.url),
    instances: 3,
    env: { ...dynalite.env, LEASE: `${LEASE}`, EFFECTS: `http://127.0.0.1:${port}/` },
  })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  listener.close()
  await dynalite.close()
})

/** A client whose requests go to any process, and again when that one dies. */
const client = () =>
  new ModernClient(
    { url: `${cluster.url}/mcp`, fetch, close: async () => {} },
    { capabilities: TASKS },
  )

async function persistently<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (attempt > 200) throw error
    }
    await sleep(100)
  }
}

const create = (name: string, args: object) =>
  persistently(async (): Promise<string> => {
    const { taskId } = await (await client().call(name, args)).result()
    return taskId
  })

const get = (taskId: string) =>
  persistently(async () => {
    const headers = { 'mcp-name': taskId }
    return (await client().request('tasks/get', { taskId }, { headers })).result()
  })

async function ended(taskId: string) {
  const end = Date.now() + 180_000
  for (;;) {
    const task = await get(taskId)
    if (task.status !== 'working' || Date.now() > end) return task
    await sleep(200)
  }
}

const count = (taskId: string, step: number) => effects.get(`${taskId}/${step}`) ?? 0

describe('three processes', () => {
  it(`killed ${KILLS} times lose no effect, repeat no step with once, and end every task`, {
    timeout: 600_000,
  }, async () => {
    const plain: string[] = []
    const once: string[] = []
    const args = { steps: STEPS, ms: 150 }
    for (const i of times(KILLS)) {
      const more = times(Math.ceil(TASKS_OF_A_KIND / KILLS))
      plain.push(...(await Promise.all(more.map(() => create('steps', args)))))
      once.push(...(await Promise.all(more.map(() => create('steps_once', args)))))
      await sleep(300 + Math.random() * 500)
      const victim = i % 3
      await cluster.signal(victim, 'SIGKILL')
      await cluster.restart(victim)
    }
    const plainTasks = await Promise.all(plain.map(ended))
    const onceTasks = await Promise.all(once.map(ended))
    const seen = {
      completed: 0,
      lost: 0,
      repeated: 0,
      onceRepeated: 0,
      onceUnknown: 0,
      onceDone: 0,
    }
    for (const [i, task] of plainTasks.entries()) {
      if (task.result?.content[0].text === 'done') seen.completed += 1
      for (const step of times(STEPS)) {
        if (count(plain[i] ?? '', step) === 0) seen.lost += 1
        if (count(plain[i] ?? '', step) > 1) seen.repeated += 1
      }
    }
    for (const [i, task] of onceTasks.entries()) {
      const { text } = task.result?.content[0] ?? {}
      if (text === 'done') seen.onceDone += 1
      if (/was interrupted/.test(text)) seen.onceUnknown += 1
      for (const step of times(STEPS)) if (count(once[i] ?? '', step) > 1) seen.onceRepeated += 1
    }
    expect(seen).toMatchObject({ completed: plain.length, lost: 0, onceRepeated: 0 })
    const isKnown = (text = '') => text === 'done' || /was interrupted/.test(text)
    const others = onceTasks.filter(({ result }) => !isKnown(result?.content[0].text))
    expect(others).toEqual([])
    // The kills have hit something.
    expect(seen.repeated + seen.onceUnknown).toBeGreaterThan(0)
  })

  it('of which one is frozen past its lease: it writes nothing more when it wakes', {
    timeout: 120_000,
  }, async () => {
    const store = dynamoStore({ table: dynalite.table, client: dynalite.client() })
    for (const _ of times(3)) {
      const id = await create('steps', { steps: 12, ms: 400 })
      const frozen = cluster.last
      const { pid } = cluster.instances[frozen] ?? {}
      await expect.poll(async () => (await journalOf(store, id)).length).toBeGreaterThan(0)
      await cluster.signal(frozen, 'SIGSTOP')
      const claimed = async () => (await journalOf(store, id)).findIndex(({ e }) => e === 'claim')
      await expect.poll(claimed, { timeout: 20_000 }).toBeGreaterThan(0)
      await cluster.signal(frozen, 'SIGCONT')
      expect(await ended(id)).toMatchObject({ status: 'completed' })
      await sleep(1_000)
      const journal = (await journalOf(store, id)) as { e: string; value?: number }[]
      const after = journal.slice(await claimed()).map(({ value }) => value)
      expect(after).toHaveLength(journal.length - (await claimed()))
      expect(after).not.toContain(pid)
      expect(journal.filter(({ e }) => e === 'done')).toHaveLength(12)
    }
  })
})
