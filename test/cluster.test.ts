/** Several processes on one table: what one of them knows, all know, and any of them may die. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from './cluster.ts'
import { type Dynalite, startDynalite } from './dynalite.ts'

let dynalite: Dynalite
let cluster: Cluster

beforeAll(async () => {
  dynalite = await startDynalite()
  cluster = await startCluster({ instances: 3, env: dynalite.env })
}, 60_000)
afterAll(async () => {
  await cluster?.close()
  await dynalite.close()
})

let ids = 0

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: { structuredContent?: unknown; content?: { text?: string }[] } & Record<string, unknown>
  error?: { code: number; message: string }
}

async function send(
  body: unknown,
  {
    session,
    base = cluster.url,
    signal,
  }: { session?: string; base?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${base}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })
}

async function open(capabilities: object = {}): Promise<string> {
  const response = await send({
    jsonrpc: '2.0',
    id: ++ids,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'test', version: '1' },
    },
  })
  expect(response.status).toBe(200)
  await response.text()
  const session = response.headers.get('mcp-session-id') ?? ''
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' }, { session })
  return session
}

function toolCall(name: string, args: object = {}, meta?: object) {
  const params = { name, arguments: args, ...(meta && { _meta: meta }) }
  return { jsonrpc: '2.0', id: ++ids, method: 'tools/call', params }
}

async function text(response: Response): Promise<string> {
  const [last] = (await messages(response)).slice(-1)
  return last?.result?.content?.[0]?.text ?? JSON.stringify(last?.error)
}

/** All messages of a response, whichever form it has. */
async function messages(response: Response): Promise<Message[]> {
  const body = await response.text()
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return [JSON.parse(body)]
  return [...body.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? ''))
}

describe('the front', () => {
  it('changes instance at every request', async () => {
    const session = await open()
    const pids: string[] = []
    for (let i = 0; i < 6; i += 1) {
      pids.push(await text(await send(toolCall('which_instance'), { session })))
    }
    expect(new Set(pids.slice(0, 3)).size).toBe(3)
    expect(pids.slice(3)).toEqual(pids.slice(0, 3))
    expect(new Set(pids)).toEqual(new Set(cluster.instances.map(({ pid }) => String(pid))))
  })

  it('passes events on while they come', async () => {
    const session = await open()
    const response = await send(toolCall('count', { to: 5, every: 40 }, { progressToken: 1 }), {
      session,
    })
    const arrivals: number[] = []
    for await (const chunk of response.body ?? []) {
      if (Buffer.from(chunk).includes('progress')) arrivals.push(performance.now())
    }
    expect(arrivals.length).toBeGreaterThan(2)
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(80)
  })

  it('gives no request to an instance that is stopped, and goes on when it is back', async () => {
    const session = await open()
    await cluster.signal(1, 'SIGSTOP')
    const pids = new Set<string>()
    for (let i = 0; i < 4; i += 1) {
      pids.add(await text(await send(toolCall('which_instance'), { session })))
    }
    expect(pids.size).toBe(2)
    await cluster.signal(1, 'SIGCONT')
    for (let i = 0; i < 4; i += 1) {
      pids.add(await text(await send(toolCall('which_instance'), { session })))
    }
    expect(pids.size).toBe(3)
  })
})

describe('a session', () => {
  it('is known to every instance, and gone from every instance at once after DELETE', async () => {
    for (let round = 0; round < 4; round += 1) {
      const session = await open()
      expect((await send(toolCall('get_counter'), { session })).status).toBe(200)
      const deleted = await fetch(`${cluster.url}/mcp`, {
        method: 'DELETE',
        headers: { 'mcp-session-id': session },
      })
      expect(deleted.ok).toBe(true)
      for (const { url: base } of cluster.instances) {
        expect((await send(toolCall('get_counter'), { session, base })).status).toBe(404)
      }
    }
  })

  it('counts 100 concurrent increments to exactly 100', async () => {
    const session = await open()
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () =>
        text(await send(toolCall('increment_counter'), { session })),
      ),
    )
    expect(new Set(answers).size).toBe(100)
    expect(await text(await send(toolCall('get_counter'), { session }))).toBe('100')
  })
})
