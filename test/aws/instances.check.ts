/** Sessions that move between Lambda processes, and processes that are frozen between requests: nothing is lost. */

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LegacyClient } from '../support/wire.ts'
import { bundle } from './bundle.ts'
import type { RestEndpoint } from './endpoint.ts'
import { restEndpoint } from './endpoint.ts'

const token = { meta: { progressToken: 1 } }
const taskRoot = bundle('fixture/server.ts')
let endpoint: RestEndpoint

beforeAll(async () => {
  endpoint = await restEndpoint({ taskRoot })
})
afterAll(() => endpoint?.close())

/** Returns the processes that have answered since then, each once. */
const since = (start: number) => new Set(endpoint.host.served.slice(start))

/** Returns the state of a process in Linux: T means stopped. */
const stateOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .slice(0, 1)

describe('a question', () => {
  it('is sent by one process and answered through another', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25', {
      capabilities: { elicitation: {} },
    })
    const start = endpoint.host.served.length
    const reply = await client.call('greet_person')
    const question = await reply.find(({ method }) => method === 'elicitation/create')
    const answered = await client.respond(question.id, {
      result: { action: 'accept', content: { name: 'Ada' } },
    })
    expect(answered.status).toBe(202)
    expect((await reply.result()).content[0].text).toBe('Hello, Ada!')
    expect(since(start).size).toBe(2)
  })
})

describe('a stream', () => {
  it('is resumed on another process while the first still runs the call', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const start = endpoint.host.served.length
    const reply = await client.call('count', { to: 8, everyMs: 60 }, token)
    await reply.notification('notifications/progress')
    const id = reply.events.findLast((event) => event.id)?.id
    await reply.leave()
    const resumed = await client.get(id)
    await resumed.rest()
    const progress = [...reply.messages, ...resumed.messages].flatMap(
      ({ params }) => params?.progress ?? [],
    )
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(resumed.messages.at(-1)).toMatchObject({
      result: { content: [{ type: 'text', text: 'counted to 8' }] },
    })
    expect(since(start).size).toBe(2)
  })

  it('arrives event by event, as time passes', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const reply = await client.call('count', { to: 5, everyMs: 400 }, token)
    const times: number[] = []
    while (await reply.next()) times.push(performance.now())
    expect(times).toHaveLength(6)
    const gaps = times.slice(1, 5).map((time, index) => time - (times[index] ?? 0))
    // Events are gathered for 250 ms, so each comes some time after the one before. In one piece, all gaps
    // would be zero.
    for (const gap of gaps) expect(gap).toBeGreaterThan(40)
  })
})

describe('a call that outlasts its function', () => {
  it('is aborted some seconds before, and ends with an error', async () => {
    const brief = await restEndpoint({ taskRoot, timeoutSeconds: 4 })
    try {
      const client = await LegacyClient.open(brief, '2025-11-25')
      const { starts } = brief.host
      const reply = await client.call('hold', { until: 'never' }, token)
      const messages = await reply.rest()
      expect(messages.at(-1)).toMatchObject({
        result: { isError: true, content: [{ text: expect.stringMatching(/did not finish/) }] },
      })
      const heard = await client.call('recall', { key: 'never was' })
      expect((await heard.result()).structuredContent).toEqual({ value: 'aborted' })
      expect(brief.host.starts - starts).toBeLessThanOrEqual(2)
      expect(brief.host.log).not.toMatch(/timed out/)
    } finally {
      await brief.close()
    }
  })
})

describe('a frozen process', () => {
  it('is stopped between requests', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    for (let i = 0; i < 6; i++) await client.call('echo', { text: 'x' })
    const states = () => new Set(endpoint.host.pids.map(stateOf))
    await expect.poll(states, { timeout: 5_000 }).toEqual(new Set('T'))
  })

  it('loses nothing: every increment of a session counts, on any process', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    const start = endpoint.host.served.length
    for (let n = 1; n <= 12; n++) {
      const reply = await client.call('increment', { key: 'n' })
      expect((await reply.result()).structuredContent).toEqual({ value: n })
    }
    const many = Array.from({ length: 12 }, () =>
      client.call('increment', { key: 'n' }).then((reply) => reply.result()),
    )
    const values = (await Promise.all(many)).map((result) => result.structuredContent.value)
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => 13 + i))
    expect(since(start).size).toBeGreaterThanOrEqual(3)
  })

  it('learns at once that another process has ended a session', async () => {
    const client = await LegacyClient.open(endpoint, '2025-11-25')
    expect((await client.delete()).status).toBe(204)
    for (let i = 0; i < 3; i++) expect((await client.request('ping')).status).toBe(404)
  })
})
