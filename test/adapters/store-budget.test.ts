/** The number of store operations of each path through the server, counted at the DynamoDB client. */

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { Mcp } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { Reply } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient } from '../support/wire.ts'

const HOUR = 3_600_000

let dynalite: Dynalite
let client: DynamoDBClient
let mcp: Mcp
let operations: string[] = []
let now = Date.now()
/** The delay before each operation in milliseconds. With longer delays, each write holds more events. */
let latency = 0

beforeAll(async () => {
  dynalite = await startDynalite()
  client = dynalite.client()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        operations.push(commandName.replace('Command', ''))
        if (latency > 0) await new Promise((resolve) => setTimeout(resolve, latency))
        return next(args)
      },
    { step: 'initialize' },
  )
  const store = dynamoStore({ table: dynalite.table, client, clock: () => now })
  mcp = createMcp({ name: 'budget', version: '1', store, sessionTtl: 2 * HOUR, clock: () => now })
  mcp.tool('plain', { description: 'Nothing of a session' }, () => 'plain')
  const use = { description: 'Something of a session', session: true }
  mcp.tool('get', use, async (_, ctx) => (await ctx.session.get('a')) ?? 'nothing')
  mcp.tool('set', use, (_, ctx) => ctx.session.set('a', 1).then(() => 'set'))
  mcp.tool('update', use, (_, ctx) => ctx.session.update<number>('b', (n = 0) => n + 1))
  mcp.tool('confirm', { description: 'Asks' }, async (_, ctx) => {
    await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
    return 'confirmed'
  })
  mcp.tool('three', use, async (_, ctx) => {
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((key) => ctx.session.get(key)))
    return JSON.stringify([a, b, c])
  })
  mcp.tool(
    'count',
    { description: 'Progress', input: v.object({ to: v.number() }) },
    async ({ to }, ctx) => {
      for (let done = 1; done <= to; done += 1) {
        ctx.progress(done)
        await new Promise(setImmediate)
      }
      return 'counted'
    },
  )
})
beforeEach(() => {
  latency = 0
})
afterAll(async () => {
  await mcp.close({ grace: 0 })
  await dynalite.close()
})

async function send(
  body: object | undefined,
  {
    method = 'POST',
    headers = {},
    status,
  }: { method?: string; headers?: Record<string, string>; status?: number } = {},
): Promise<{ response: Response; text: string; spent: string[] }> {
  operations = []
  const response = await mcp.fetch(
    new Request('http://localhost/mcp', {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      ...(body && {
        body: JSON.stringify(Array.isArray(body) ? body : { jsonrpc: '2.0', ...body }),
      }),
    }),
  )
  const text = await response.text()
  expect(status ? response.status === status : response.ok, text).toBe(true)
  return { response, text, spent: operations }
}

describe('a call that is suspended', () => {
  it('leaves one write, is asked for with three reads, and goes on with one more write', async () => {
    const store = dynamoStore({ table: dynalite.table, client, clock: () => now })
    const suspending = createMcp({ name: 'budget', version: '1', store, suspendAfter: 1 })
    suspending.tool('confirm', { description: 'Asks' }, async (_, ctx) => {
      await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
      return 'confirmed'
    })
    const capabilities = { elicitation: {} }
    const legacy = await LegacyClient.open(fetchEndpoint(suspending), '2025-11-25', {
      capabilities,
    })
    const lastId = (reply: Reply) => reply.events.findLast(({ id }) => id)?.id
    /** The operations of a request up to its end. */
    const spend = async (request: () => Promise<Reply>) => {
      operations = []
      const reply = await request()
      await reply.rest()
      return { reply, spent: operations }
    }
    const begun = await spend(() => legacy.call('confirm'))
    const question = begun.reply.messages.find(({ method }) => method === 'elicitation/create')
    // The question in the mailbox and on the stream, and what the run leaves. It reads until it ends.
    expect(tally(begun.spent)).toMatchObject({ append: 3 })
    expect(begun.spent.length).toBeLessThan(12)
    const waiting = await spend(() => legacy.get(lastId(begun.reply)))
    expect(tally(waiting.spent)).toEqual({ GetItem: 1, Query: 2 })
    const answer = { result: { action: 'accept', content: { sure: true } } }
    const answered = await spend(() => legacy.respond(question?.id, answer))
    expect(tally(answered.spent)).toEqual({ GetItem: 1, Query: 1, append: 1 })
    const ended = await spend(() => legacy.get(lastId(waiting.reply)))
    expect(ended.reply.messages.at(-1)?.result).toMatchObject({ content: [{ text: 'confirmed' }] })
    // The claim and the result.
    expect(tally(ended.spent)).toEqual({ GetItem: 1, Query: 2, append: 2 })
    await suspending.close({ grace: 0 })
  })

  const tally = (spent: readonly string[]) => {
    const counts: Record<string, number> = {}
    for (const operation of spent) {
      const name = ['PutItem', 'BatchWriteItem', 'TransactWriteItems', 'UpdateItem'].includes(
        operation,
      )
        ? 'append'
        : operation
      counts[name] = (counts[name] ?? 0) + 1
    }
    return counts
  }
})

describe('a client of 2025', () => {
  let headers: Record<string, string>

  const initialize = async (protocolVersion = '2025-11-25') => {
    const params = {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    }
    const sent = await send({ id: 1, method: 'initialize', params })
    headers = {
      'mcp-session-id': sent.response.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': protocolVersion,
    }
    return sent
  }
  const call = (name: string, args: object = {}, meta: object = {}) =>
    send(
      { id: 2, method: 'tools/call', params: { name, arguments: args, _meta: meta } },
      { headers },
    )
  beforeEach(() => initialize())

  it('initializes with one write', async () => {
    expect((await initialize()).spent).toEqual(['UpdateItem'])
  })

  it('calls with one read, lists and pings too', async () => {
    expect((await call('plain')).spent).toEqual(['GetItem'])
    expect((await send({ id: 3, method: 'tools/list' }, { headers })).spent).toEqual(['GetItem'])
    expect((await send({ id: 4, method: 'ping' }, { headers })).spent).toEqual(['GetItem'])
  })

  it('needs one more write when less than half of the session’s time is left', async () => {
    now += 0.9 * HOUR
    expect((await call('plain')).spent).toEqual(['GetItem'])
    now += 0.2 * HOUR
    expect((await call('plain')).spent).toEqual(['GetItem', 'UpdateItem'])
    expect((await call('plain')).spent).toEqual(['GetItem'])
  })

  it('needs one read for each value it reads, one write for one it sets, both for an update', async () => {
    expect((await call('get')).spent).toEqual(['GetItem', 'GetItem'])
    expect((await call('set')).spent).toEqual(['GetItem', 'UpdateItem'])
    expect((await call('update')).spent).toEqual(['GetItem', 'GetItem', 'UpdateItem'])
    expect((await call('three')).spent).toEqual(Array(4).fill('GetItem'))
  })

  it('needs one update for all cancellations of a batch', async () => {
    await initialize('2025-03-26')
    const batch = Array.from({ length: 100 }, (_, requestId) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    }))
    expect((await send(batch, { headers })).spent).toEqual(['GetItem', 'GetItem', 'UpdateItem'])
  })

  it('needs one read for all answers of a batch to one call that did not ask', async () => {
    await initialize('2025-03-26')
    const id = (i: number, call = 1) => `${`${i}`.padStart(24, 'q')}.0:${call}`
    const answers = (calls: number) =>
      Array.from({ length: 100 }, (_, i) => ({
        jsonrpc: '2.0',
        id: id(i, i % calls),
        result: {},
      }))
    expect((await send(answers(1), { headers })).spent).toEqual(['GetItem', 'Query'])
    expect((await send(answers(16), { headers })).spent).toHaveLength(17)
    const refused = await send(answers(17), { headers, status: 400 })
    expect(refused.spent).toEqual(['GetItem'])
    expect(refused.text).toContain('questions of 16 calls at most')
  })

  it('ends a session with one conditional delete', async () => {
    expect((await send(undefined, { method: 'DELETE', headers })).spent).toEqual(['DeleteItem'])
  })

  it.each([
    [1, 0],
    [20, 0],
    [200, 20],
  ])(
    'needs one write per batch of events, not per event (%i events, %i ms)',
    async (events, ms) => {
      latency = ms
      const { spent, text } = await call('count', { to: events }, { progressToken: 1 })
      const sent = [...text.matchAll(/^id:/gm)].length
      expect(sent).toBeGreaterThan(events)
      const writes = spent.filter((operation) => operation === 'PutItem').length
      expect(writes).toBeGreaterThan(0)
      expect(writes).toBeLessThanOrEqual(events + 1)
      if (ms > 0) expect(writes).toBeLessThan(events / 4)
      // The session is read, and the new log once. The other operations write batches.
      expect(spent.filter((operation) => operation !== 'PutItem').toSorted()).toEqual([
        'GetItem',
        'Query',
      ])
    },
  )
})

describe('a client of 2026', () => {
  const PREFIX = 'io.modelcontextprotocol'
  const request = (method: string, params: object = {}, name?: string) =>
    send(
      {
        id: 1,
        method,
        params: {
          ...params,
          _meta: {
            [`${PREFIX}/protocolVersion`]: '2026-07-28',
            [`${PREFIX}/clientCapabilities`]: { elicitation: {} },
            [`${PREFIX}/clientInfo`]: { name: 'test', version: '1' },
          },
        },
      },
      {
        headers: {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(name && { 'mcp-name': name }),
        },
      },
    )

  it('needs no operation for requests without state', async () => {
    expect((await request('server/discover')).spent).toEqual([])
    expect((await request('tools/list')).spent).toEqual([])
    expect((await request('tools/call', { name: 'plain' }, 'plain')).spent).toEqual([])
  })

  it('needs one conditional write for each round with a requestState', async () => {
    await request('tools/call', { name: 'confirm' }, 'confirm') // The first call also creates the sealing key.
    const first = await request('tools/call', { name: 'confirm' }, 'confirm')
    expect(first.spent).toEqual([])
    const { result } = JSON.parse(first.text)
    const [key = ''] = Object.keys(result.inputRequests)
    const { requestState } = result
    const inputResponses = { [key]: { action: 'accept', content: { sure: true } } }
    const params = { name: 'confirm', requestState, inputResponses }
    const second = await request('tools/call', params, 'confirm')
    expect(second.text).toContain('confirmed')
    expect(second.spent).toEqual(['UpdateItem'])
  })

  it('needs the same operations as one of 2025 for a tool that keeps state', async () => {
    const { spent, text } = await request('tools/call', { name: 'update' }, 'update')
    expect(text).toContain('session')
    // The first write is the new handle, the second one the value.
    expect(spent).toEqual(['UpdateItem', 'GetItem', 'UpdateItem'])
  })
})
