/**
 * Tasks on AWS's own emulator of durable executions, with a process for each invocation that may be killed,
 * behind the local gateway. `DURABLE=full` runs as many tasks and kills as the documentation tells of.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OFFICIAL } from '../support/official-clients.ts'
import { TASKS } from '../support/tasks.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'
import { bundle } from './bundle.ts'
import type { DurableHost } from './durable-host.ts'
import { durableHost, TASK_FUNCTION } from './durable-host.ts'
import type { RestEndpoint } from './endpoint.ts'
import { restEndpoint } from './endpoint.ts'

const isFull = process.env.DURABLE === 'full'
const COUNT = isFull ? 20 : 4
const KILLS = isFull ? 50 : 6
const STEPS = isFull ? 8 : 4
const IN_A_ROW = 6

let durable: DurableHost
let endpoint: RestEndpoint
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
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const EFFECTS = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`
  durable = await durableHost(bundle('fixture/task-function.ts'))
  endpoint = await restEndpoint({
    taskRoot: bundle('fixture/task-api.ts'),
    parameters: { AuthMethod: 'none', Tasks: 'true' },
    env: { AWS_ENDPOINT_URL_LAMBDA: durable.url, MCP_TASK_FUNCTION: TASK_FUNCTION, EFFECTS },
  })
  durable.env = { ...endpoint.database.env, EFFECTS }
})
afterAll(async () => {
  await endpoint?.close()
  await durable?.close()
  listener.close()
})

const client = () => new ModernClient(endpoint, { capabilities: TASKS })

async function create(name: string, args: object): Promise<string> {
  return (await (await client().call(name, args)).result()).taskId
}

async function get(taskId: string) {
  const headers = { 'mcp-name': taskId }
  return (await client().request('tasks/get', { taskId }, { headers })).result()
}

/** The task at its end, or as it is after five minutes. */
async function ended(taskId: string) {
  const end = Date.now() + 300_000
  for (;;) {
    const task = await get(taskId)
    if (!['working', 'input_required'].includes(task.status) || Date.now() > end) return task
    await sleep(1_000)
  }
}

const text = (content: { text?: string }[]) => content[0]?.text

describe('an official client', () => {
  it.each(OFFICIAL.map(([name, , open]) => [name, open] as const))(
    '%s gets the result of a task that asks and sleeps',
    { timeout: 60_000 },
    async (_, open) => {
      const began = endpoint.host.served.length
      const asked: string[] = []
      const official = await open(`${endpoint.url}`, {
        async elicit(message) {
          asked.push(message)
          await sleep(2_500)
          return { action: 'accept', content: { sure: true } }
        },
      })
      expect(text((await official.call('approve')).content)).toBe('accepted')
      await official.close()
      expect(asked).toEqual(['Sure?'])
      // The question and its answer went through several instances of the server.
      expect(new Set(endpoint.host.served.slice(began)).size).toBeGreaterThan(1)
    },
  )
})

describe('a client of 2025-06-18', () => {
  it('is asked by task_result, and gets the result', { timeout: 60_000 }, async () => {
    const legacy = await LegacyClient.open(endpoint, '2025-06-18', {
      capabilities: { elicitation: {} },
    })
    const { structuredContent } = await (await legacy.call('approve_late')).result()
    const { task } = structuredContent
    const result = async () => {
      const params = { name: 'task_result', arguments: { task } }
      const { answer } = await legacy.converse('tools/call', params, () => ({
        action: 'accept',
        content: { sure: true },
      }))
      return text(answer.result?.content)
    }
    await expect.poll(result, { timeout: 40_000 }).toBe('accepted')
    expect(durable.executions.has(task)).toBe(true)
  })
})

describe('what runs tasks', () => {
  it('starts an execution once for each name', async () => {
    const id = await create('steps', { steps: 1, ms: 1 })
    const path = `/2015-03-31/functions/${encodeURIComponent(TASK_FUNCTION)}/invocations`
    const headers = { 'x-amz-invocation-type': 'Event', 'x-amz-durable-execution-name': id }
    const again = { method: 'POST', headers, body: '{}' }
    expect((await fetch(`${durable.url}${path}`, again)).status).toBe(202)
    expect((await ended(id)).status).toBe('completed')
    expect([durable.starts.get(id), effects.get(`${id}/0`)]).toEqual([2, 1])
  })

  it(`is killed ${KILLS} times and fails ${IN_A_ROW} times in a row: all tasks end, and no effect is lost`, {
    timeout: 900_000,
  }, async () => {
    const args = { steps: STEPS, ms: 200 }
    const plain: string[] = []
    const once: string[] = []
    for (let i = 0; i < COUNT; i++) {
      ;(i % 2 ? once : plain).push(await create(i % 2 ? 'steps_once' : 'steps', args))
    }
    // The engine gives this one up, and a request for it starts the next execution.
    const given = await create('steps', args)
    durable.doomed.set(given, IN_A_ROW)
    let killed = 0
    const killing = (async () => {
      while (killed < KILLS && plain.length + once.length > 0) {
        await sleep(200 + Math.random() * 400)
        const { pids } = durable
        const pid = pids[Math.floor(Math.random() * pids.length)]
        if (pid === undefined) {
          ;(killed % 2 ? once : plain).push(await create(killed % 2 ? 'steps_once' : 'steps', args))
          continue
        }
        process.kill(pid, 'SIGKILL')
        killed += 1
      }
    })()
    await killing
    const all = [...plain, ...once, given]
    const tasks = await Promise.all(all.map(ended))
    const count = (id: string, step: number) => effects.get(`${id}/${step}`) ?? 0
    const seen = { completed: 0, failed: 0, lost: 0, repeated: 0, onceRepeated: 0, stuck: 0 }
    for (const [at, { status, result }] of tasks.entries()) {
      const id = all[at] ?? ''
      const isOnce = once.includes(id)
      const isDone = status === 'completed' && text(result.content) === 'done'
      if (isDone) seen.completed += 1
      else if (status === 'working') seen.stuck += 1
      else seen.failed += 1
      for (let step = 0; step < STEPS; step++) {
        const times = count(id, step)
        if (isDone && times === 0) seen.lost += 1
        if (times > 1) seen[isOnce ? 'onceRepeated' : 'repeated'] += 1
      }
    }
    const rescued = all.filter((id) => durable.executions.has(`${id}-1`))
    const summary = { tasks: all.length, killed, rescued: rescued.length, ...seen }
    process.stdout.write(`${JSON.stringify(summary)}\n`)
    expect(seen).toMatchObject({ lost: 0, onceRepeated: 0, stuck: 0 })
    expect(rescued).toContain(given)
    expect((await get(given)).status).toBe('completed')
    expect(killed).toBe(KILLS)
  })
})

describe('a person who thinks', () => {
  /** Shorter than the minute after which official clients give up. */
  const THINKS = isFull ? 45_000 : 6_000
  const sum = (all: readonly number[]) => Math.round(all.reduce((total, ms) => total + ms, 0))
  const tell = (of: string, billed: readonly number[]) =>
    process.stdout.write(`${of}: ${THINKS} ms of thinking, ${sum(billed)} ms of ${billed.length}\n`)

  it('takes the whole time of a held call, and less of a suspended call', {
    timeout: 200_000,
  }, async () => {
    const accept = { action: 'accept', content: { sure: true } } as const
    const { billed } = endpoint.host
    const legacy = await LegacyClient.open(endpoint, '2025-06-18', {
      capabilities: { elicitation: {} },
    })
    await sleep(500)
    let began = billed.length
    const reply = await legacy.call('ask')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    await sleep(THINKS)
    await legacy.respond(question.id, { result: accept })
    expect(text((await reply.result()).content)).toBe('accepted')
    await sleep(500)
    const held = billed.slice(began)
    tell('held', held)
    const [, , open] = OFFICIAL[0] ?? []
    const official = await open?.(`${endpoint.url}`, {
      elicit: async () => {
        await sleep(THINKS)
        return accept
      },
    })
    await sleep(500)
    began = billed.length
    expect(text((await official?.call('ask'))?.content ?? [])).toBe('accepted')
    await sleep(500)
    const suspended = billed.slice(began)
    await official?.close()
    tell('suspended', suspended)
    expect(sum(held)).toBeGreaterThan(THINKS)
    expect(sum(suspended)).toBeLessThan(THINKS)
  })

  it('takes nothing in a task, by the record of the emulator', { timeout: 200_000 }, async () => {
    const before = endpoint.host.billed.length
    const taskId = await create('approve', {})
    await expect
      .poll(async () => (await get(taskId)).status, { timeout: 30_000 })
      .toBe('input_required')
    await sleep(THINKS)
    const sure = { action: 'accept', content: { sure: true } }
    const headers = { 'mcp-name': taskId }
    const answers = { taskId, inputResponses: { sure } }
    await (await client().request('tasks/update', answers, { headers })).result()
    expect((await ended(taskId)).status).toBe('completed')
    await expect
      .poll(async () => (await durable.history(taskId)).at(-1)?.EventType, { timeout: 10_000 })
      .toBe('ExecutionSucceeded')
    const events = await durable.history(taskId)
    // An invocation begins with the start of the execution, or with the end of what it waited for.
    const at = (types: RegExp) =>
      events.flatMap(({ EventType, EventTimestamp }) =>
        types.test(EventType) ? [EventTimestamp * 1_000] : [],
      )
    const starts = at(/^(ExecutionStarted|CallbackSucceeded|WaitSucceeded)$/)
    const ends = at(/^(InvocationCompleted|ExecutionSucceeded)$/).slice(0, starts.length)
    tell(
      'task',
      ends.map((end, i) => end - (starts[i] ?? 0)),
    )
    tell('requests for it', endpoint.host.billed.slice(before))
    expect(ends).toHaveLength(3)
    const operations = events.filter(({ EventType }) =>
      /^(Step|Wait|Callback)Started$/.test(EventType),
    )
    expect(operations.map(({ Name }) => Name)).toEqual([
      ...['turn 1', 'answer 1', 'token 1', 'turn 2', 'pause 2', 'turn 3'],
    ])
    // Between the question and the answer nothing ran.
    expect((starts[1] ?? 0) - (ends[0] ?? 0)).toBeGreaterThan(THINKS - 500)
  })
})
