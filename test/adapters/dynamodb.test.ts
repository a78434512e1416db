/** Behaviour of the DynamoDB engine that others do not have: requests, sizes, keys, lost answers, errors about bad tables. */

import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  CreateTableCommand,
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkTable, createTable, dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { Store, StoreKey } from '../../src/index.ts'
import { createMcp, StoreConflict, StoreUnavailable, ValueTooLarge } from '../../src/index.ts'
import type { Dynalite } from '../support/dynalite.ts'
import { startDynalite } from '../support/dynalite.ts'
import type { Faults } from '../support/dynamo-faults.ts'
import { startFaults } from '../support/dynamo-faults.ts'
import { fetchEndpoint, LegacyClient } from '../support/wire.ts'

let dynalite: Dynalite
let faults: Faults
/** A client that connects to the table directly, without the proxy. */
let raw: DynamoDBClient
let client: DynamoDBClient
let store: Store
let now = Date.now()

beforeAll(async () => {
  dynalite = await startDynalite()
  faults = await startFaults(dynalite.endpoint)
  raw = dynalite.client()
  client = dynalite.client({ endpoint: faults.endpoint })
  store = dynamoStore({ table: dynalite.table, client, clock: () => now })
})
afterEach(() => {
  faults.script = []
  faults.operations = {}
  faults.latency = 0
})
afterAll(async () => {
  await faults.close()
  await dynalite.close()
})

const aKey = (name = 'a'): StoreKey => [randomUUID(), name]
const later = (ms = 60_000) => ({ expiresAt: now + ms })

async function requestsOf(run: () => Promise<unknown>): Promise<Record<string, number>> {
  faults.reset()
  await run().catch((error) => {
    if (!(error instanceof StoreConflict)) throw error
  })
  return faults.counts
}

async function itemsOf(partition: string): Promise<Record<string, AttributeValue>[]> {
  const { Items = [] } = await raw.send(
    new QueryCommand({
      TableName: dynalite.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: partition } },
    }),
  )
  return Items
}

describe('a request', () => {
  it('is sent once for each operation on a record, also when it loses a race', async () => {
    const key = aKey()
    expect(await requestsOf(() => store.get(key))).toEqual({ GetItem: 1 })
    expect(await requestsOf(() => store.put(key, 1, later()))).toEqual({ UpdateItem: 1 })
    expect(await requestsOf(() => store.put(key, 1, { ...later(), ifVersion: 0 }))).toEqual({
      UpdateItem: 1,
    })
    expect(await requestsOf(() => store.delete(key))).toEqual({ DeleteItem: 1 })
    expect(await requestsOf(() => store.delete(key))).toEqual({ DeleteItem: 1 })
  })

  it('is sent once for an append if the end of the log is known, otherwise twice', async () => {
    const log = aKey()
    const append = (after: number) => requestsOf(() => store.append(log, after, [1, 2], later()))
    expect(await append(0)).toEqual({ Query: 1, PutItem: 1 })
    expect(await append(2)).toEqual({ PutItem: 1 })
    expect(await append(2)).toEqual({ Query: 1 })

    const other = dynamoStore({ table: dynalite.table, client, clock: () => now })
    const entries = await other.read(log, 0)
    expect(entries).toHaveLength(4)
    expect(await requestsOf(() => other.append(log, 4, [5], later()))).toEqual({ PutItem: 1 })
  })

  it('is sent once to read a log, and once for each poll of a log without new entries', async () => {
    const log = aKey()
    expect(await requestsOf(() => store.read(log, 0))).toEqual({ Query: 1 })
    await store.append(log, 0, [1, 2], later())
    await store.append(log, 2, [3], later())
    expect(await requestsOf(() => store.read(log, 0))).toEqual({ Query: 1 })
    expect(await requestsOf(() => store.read(log, 2, 5))).toEqual({ Query: 1 })
    const other = dynamoStore({ table: dynalite.table, client, clock: () => now })
    expect(await requestsOf(() => other.read(log, 3))).toEqual({ Query: 2 })
    expect(await requestsOf(() => other.read(log, 3))).toEqual({ Query: 1 })
  })

  it('is sent once per megabyte of a long log', async () => {
    const log = aKey()
    const large = 'x'.repeat(300 * 1024)
    for (let last = 0; last < 7; ) last = await store.append(log, last, [large], later())
    expect(await requestsOf(() => store.read(log, 0))).toEqual({ Query: 2 })
    const entries = await store.read(log, 0, 999)
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('always reads consistently', async () => {
    const inputs: Record<string, unknown>[] = []
    const spied = dynalite.client()
    spied.middlewareStack.add(
      (next) => (args) => {
        inputs.push(args.input as unknown as Record<string, unknown>)
        return next(args)
      },
      { step: 'initialize' },
    )
    const other = dynamoStore({ table: dynalite.table, client: spied, clock: () => now })
    const [record, log] = [aKey(), aKey()]
    await other.put(record, 1, later())
    await other.get(record)
    await other.append(log, 0, [1, 2], later())
    await other.read(log, 1)
    await other.read(log, 2)
    const reads = inputs.filter((input) => !('ConditionExpression' in input))
    expect(reads.length).toBeGreaterThanOrEqual(5)
    for (const input of reads) expect(input).toMatchObject({ ConsistentRead: true })
  })
})

describe('an item', () => {
  it('of exactly 400 KB is stored, and one more byte is refused without a request', async () => {
    const [record, log] = [aKey(), aKey()]
    const limit = await largest((length) => store.put(record, 'x'.repeat(length), later()))
    // The bytes that names, keys, numbers and quotes take of the 409,600.
    expect(409_600 - limit).toBeLessThan(250)
    expect((await store.get(record))?.value).toHaveLength(limit)

    const half = await largest((length) =>
      dynamoStore({ table: dynalite.table, client, clock: () => now }).append(
        [log[0], String(length)],
        0,
        ['x', 'x'.repeat(length - 1)],
        later(),
      ),
    )
    expect(409_600 - half).toBeLessThan(250)

    async function largest(write: (length: number) => Promise<unknown>): Promise<number> {
      let [fits, fails] = [400_000, 409_600]
      while (fails - fits > 1) {
        const length = Math.floor((fits + fails) / 2)
        faults.reset()
        try {
          await write(length)
          fits = length
        } catch (error) {
          expect(error).toBeInstanceOf(ValueTooLarge)
          expect(faults.counts).toEqual({})
          fails = length
        }
      }
      return fits
    }
  })

  it('is measured in bytes of UTF-8, not in characters', async () => {
    const key = aKey()
    await expect(store.put(key, '長'.repeat(140_000), later())).rejects.toThrow(ValueTooLarge)
    await store.put(key, '長'.repeat(130_000), later())
    await expect(store.append(key, 0, ['🙂'.repeat(110_000)], later())).rejects.toThrow(
      ValueTooLarge,
    )
  })

  it('has keys that DynamoDB accepts, for any names', async () => {
    const id = randomUUID()
    const names = ['', 'x'.repeat(1022), 'x'.repeat(1023), '長'.repeat(3000), '#'.repeat(900)]
    for (const name of names) {
      await store.put([id, name], name.length, later())
      await store.append([id, name], 0, [name.length], later())
      await store.put([`${id}${name}`, 'a'], name.length, later())
    }
    const { Items = [] } = await raw.send(new ScanCommand({ TableName: dynalite.table }))
    for (const { pk, sk } of Items) {
      expect(Buffer.byteLength(pk?.S ?? '')).toBeLessThanOrEqual(2048)
      expect(Buffer.byteLength(sk?.S ?? '')).toBeLessThanOrEqual(1024)
    }
  })

  it('has the time of its deletion in whole seconds, never too early', async () => {
    const [id] = aKey()
    await store.put([id, 'a'], 1, { expiresAt: 1_900_000_000_001 })
    await store.append([id, 'b'], 0, [1], { expiresAt: 1_900_000_000_000 })
    const items = await itemsOf(id)
    const times = Object.fromEntries(items.map(({ sk, ttl }) => [sk?.S?.[0], ttl?.N]))
    expect(times).toEqual({ r: '1900000001', l: '1900000000' })
  })

  it('that DynamoDB deleted from the beginning of a log does not make it a new log', async () => {
    const log = aKey()
    for (let last = 0; last < 6; ) last = await store.append(log, last, ['a', 'b'], later())
    const [first, second, third] = (await itemsOf(log[0])).map(({ sk }) => sk?.S ?? '')
    await remove(log[0], first)
    const other = dynamoStore({ table: dynalite.table, client, clock: () => now })
    await expect(other.append(log, 0, ['new'], later())).rejects.toThrow(StoreConflict)
    expect((await other.read(log, 0)).map(({ seq }) => seq)).toEqual([3, 4, 5, 6])
    expect((await other.read(log, 1, 3)).map(({ seq }) => seq)).toEqual([3, 4, 5])
    expect(await other.append(log, 6, ['c'], later())).toBe(7)

    await remove(log[0], second)
    await remove(log[0], third)
    expect((await store.read(log, 0)).map(({ seq }) => seq)).toEqual([7])
  })

  it('that was written during a query is not missing in the result', async () => {
    // A query reads the log while others append to it, so it may miss one item and see a later one.
    const missing = new Set<string>()
    const torn = dynalite.client()
    torn.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args)
        const output = answer.output as { Items?: Record<string, AttributeValue>[] }
        if (output.Items) {
          output.Items = output.Items.filter(({ sk }) => !missing.delete(sk?.S ?? ''))
        }
        return answer
      },
      { step: 'initialize' },
    )
    const log = aKey()
    for (let last = 0; last < 4; ) last = await store.append(log, last, [last + 1], later())
    const keys = (await itemsOf(log[0])).map(({ sk }) => sk?.S ?? '')
    const reader = dynamoStore({ table: dynalite.table, client: torn, clock: () => now })

    missing.add(keys[2] ?? '')
    expect((await reader.read(log, 0)).map(({ seq }) => seq)).toEqual([1, 2])
    missing.add(keys[2] ?? '')
    expect((await reader.read(log, 2)).map(({ seq }) => seq)).toEqual([3, 4])
  })

  it('of an expired log is not mixed with items of the next log', async () => {
    const log = aKey()
    for (let last = 0; last < 12; ) last = await store.append(log, last, ['old'], later(1000))
    now += 1000
    await store.append(log, 0, ['new', 'new', 'new'], later())
    const other = dynamoStore({ table: dynalite.table, client, clock: () => now })
    expect((await other.read(log, 2)).map(({ seq, value }) => [seq, value])).toEqual([[3, 'new']])
    expect(await other.append(log, 3, ['newer', 'newer'], later())).toBe(5)
    expect((await store.read(log, 0)).map(({ value }) => value)).toEqual([
      'new',
      'new',
      'new',
      'newer',
      'newer',
    ])
  })

  it('of another program in the table is reported, not misread', async () => {
    const [id] = aKey()
    const Item = { pk: { S: id }, sk: { S: 'r#a' }, other: { S: 'data' } }
    await raw.send(new PutItemCommand({ TableName: dynalite.table, Item }))
    await expect(store.get([id, 'a'])).rejects.toThrow(/not this store's/)
  })

  async function remove(pk: string, sk = ''): Promise<void> {
    const Key = { pk: { S: pk }, sk: { S: sk } }
    await raw.send(new DeleteItemCommand({ TableName: dynalite.table, Key }))
  }
})

describe('a write whose answer was lost', () => {
  it.each(['lost-error', 'lost-reset'] as const)(
    'is recognized by its writer (%s)',
    async (fault) => {
      const [record, log] = [aKey(), aKey()]
      faults.script = [fault]
      const first = await store.put(record, 1, { ...later(), ifVersion: 0 })
      expect(await store.get(record)).toMatchObject({ value: 1, version: first })
      faults.script = [fault]
      const second = await store.put(record, 2, { ...later(), ifVersion: first })
      expect(await store.get(record)).toMatchObject({ value: 2, version: second })

      faults.script = ['ok', fault]
      expect(await store.append(log, 0, ['a', 'b'], later())).toBe(2)
      faults.script = [fault]
      expect(await store.append(log, 2, ['c'], later())).toBe(3)
      expect((await store.read(log, 0)).map(({ value }) => value)).toEqual(['a', 'b', 'c'])
    },
  )

  it('is a conflict when the answer shows that another writer has won', async () => {
    const [record, log] = [aKey(), aKey()]
    const version = await store.put(record, 1, later())
    const other = dynamoStore({ table: dynalite.table, client: raw, clock: () => now })
    await other.put(record, 2, { ...later(), ifVersion: version })
    await other.append(log, 0, ['theirs'], later())
    faults.script = ['error']
    await expect(store.put(record, 3, { ...later(), ifVersion: version })).rejects.toThrow(
      StoreConflict,
    )
    faults.script = ['ok', 'error']
    await expect(store.append(log, 0, ['ours'], later())).rejects.toThrow(StoreConflict)
  })

  it('is reported as unanswered when it cannot be known whether it was carried out', async () => {
    const record = aKey()
    await store.put(record, 1, later())
    faults.script = ['lost-error']
    await expect(store.delete(record)).rejects.toThrow(StoreUnavailable)
    expect(await store.get(record)).toBeUndefined()

    const version = await store.put(record, 1, later())
    const other = dynamoStore({ table: dynalite.table, client: raw, clock: () => now })
    await other.put(record, 2, { ...later(), ifVersion: version })
    await other.put(record, 3, { ...later(), ifVersion: version + 1 })
    faults.script = ['error']
    await expect(store.put(record, 4, { ...later(), ifVersion: version })).rejects.toThrow(
      StoreUnavailable,
    )
  })

  it('needs no extra read when the first attempt was only throttled', async () => {
    const record = aKey()
    await store.put(record, 1, later())
    faults.script = ['throttle']
    const requests = await requestsOf(() => store.put(record, 2, { ...later(), ifVersion: 0 }))
    expect(requests).toEqual({ UpdateItem: 2 })
    faults.script = ['throttle']
    expect(await store.delete(aKey())).toBe(false)
  })
})

describe('an engine that does not answer', () => {
  const impatient = (timeout: number, endpoint = faults.endpoint) =>
    dynamoStore({ table: dynalite.table, client: dynalite.client({ endpoint }), timeout })

  it.each([0, -1, 2 ** 31, Number.NaN])('cannot have a timeout of %s ms', (timeout) => {
    expect(() => impatient(timeout)).toThrow(/timeout must be from 1 to 2147483647/)
  })

  it.each([
    ['throttle', /slow down/],
    ['limit', /slow down/],
    ['error', /status 500/],
    ['reset', /cannot be reached/],
    ['stall', /within 300 ms/],
  ] as const)('(%s) is unavailable to every method', async (fault, message) => {
    const hurried = impatient(fault === 'stall' ? 300 : 10_000)
    const once = dynamoStore({
      table: dynalite.table,
      client: dynalite.client({ endpoint: faults.endpoint, maxAttempts: 1 }),
    })
    const through = fault === 'stall' ? hurried : once
    const key = aKey()
    for (const operation of ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query']) {
      faults.operations[operation] = fault
    }
    const calls = [
      through.get(key),
      through.put(key, 1, later()),
      through.delete(key),
      through.append(key, 0, [1], later()),
      through.read(key, 0),
    ]
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
      if (call.status === 'rejected') expect(call.reason.message).toMatch(message)
    }
  })

  it('fails after the timeout, attempts and pauses included', async () => {
    const started = Date.now()
    faults.operations = { GetItem: 'throttle' }
    await expect(impatient(150).get(aKey())).rejects.toThrow(StoreUnavailable)
    expect(Date.now() - started).toBeLessThan(1500)
  })

  it('is unavailable while it is down, and works as before afterwards', async () => {
    const key = aKey()
    const direct = impatient(2000, dynalite.endpoint)
    await direct.put(key, 'kept', later())
    await dynalite.stop()
    try {
      await expect(direct.get(key)).rejects.toThrow(StoreUnavailable)
    } finally {
      await dynalite.restart()
    }
    expect(await direct.get(key)).toMatchObject({ value: 'kept' })
  })
})

describe('a table that cannot be used', () => {
  const check = (table: string, endpoint = faults.endpoint) =>
    checkTable({ table, client: dynalite.client({ endpoint, maxAttempts: 1 }) })

  it('is distinguished from a usable one, which is not changed', async () => {
    const before = await raw.send(new ScanCommand({ TableName: dynalite.table }))
    await check(dynalite.table)
    const after = await raw.send(new ScanCommand({ TableName: dynalite.table }))
    expect(after.Count).toBe(before.Count)
  })

  it('is named when it does not exist, at start and at every method', async () => {
    const missing = /^There is no DynamoDB table "absent" at this endpoint and region$/
    await expect(check('absent')).rejects.toThrow(missing)
    const absent = dynamoStore({ table: 'absent', client })
    await expect(absent.get(aKey())).rejects.toThrow(missing)
    await expect(absent.put(aKey(), 1, later())).rejects.toThrow(missing)
    await expect(absent.delete(aKey())).rejects.toThrow(missing)
    await expect(absent.append(aKey(), 0, [1], later())).rejects.toThrow(missing)
    await expect(absent.read(aKey(), 0)).rejects.toThrow(missing)
  })

  it.each([
    ['another-partition-key', { id: 'S', sk: 'S' }],
    ['no-sort-key', { pk: 'S' }],
    ['numbers', { pk: 'S', sk: 'N' }],
    ['swapped', { sk: 'S', pk: 'S' }],
  ] as const)('is named when it has other keys (%s)', async (table, keys) => {
    await raw.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: Object.keys(keys).map((AttributeName, i) => ({
          AttributeName,
          KeyType: i ? 'RANGE' : 'HASH',
        })),
        AttributeDefinitions: Object.entries(keys).map(([AttributeName, AttributeType]) => ({
          AttributeName,
          AttributeType,
        })),
      }),
    )
    await expect(check(table)).rejects.toThrow(
      `The DynamoDB table "${table}" has another key schema than pk (string, partition key) and sk (string, sort key)`,
    )
  })

  it('is named with the rights that are missing', async () => {
    faults.operations = { Query: 'deny', PutItem: 'deny' }
    await expect(check(dynalite.table)).rejects.toThrow(
      `The AWS credentials lack dynamodb:PutItem, dynamodb:Query on the DynamoDB table "${dynalite.table}"`,
    )
    await expect(store.read(aKey(), 0)).rejects.toThrow(/^The AWS credentials may not use/)
  })

  it('is reported without the signed request', async () => {
    faults.operations = { GetItem: 'deny' }
    const error = await store.get(aKey()).catch((reason) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/signature|credential=/i)
  })

  it('is unavailable, not unusable, when DynamoDB does not answer', async () => {
    faults.operations = { GetItem: 'reset' }
    await expect(check(dynalite.table)).rejects.toThrow(StoreUnavailable)
    await expect(check(dynalite.table, 'http://127.0.0.1:1')).rejects.toThrow(StoreUnavailable)
  })

  it('is distinguished from missing credentials and a missing region', async () => {
    const endpoint = dynalite.endpoint
    const credentials = () =>
      Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }))
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
    const unreachable = new DynamoDBClient({ endpoint, region: 'local', credentials })
    await expect(checkTable({ table: 'x', client: unreachable })).rejects.toThrow(
      /^There are no AWS credentials for DynamoDB$/,
    )
    const region = () => Promise.reject(new Error('Region is missing'))
    const nowhere = new DynamoDBClient({
      endpoint,
      region,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    })
    await expect(checkTable({ table: 'x', client: nowhere })).rejects.toThrow(
      /^There is no AWS region for DynamoDB: set AWS_REGION$/,
    )
  })
})

describe('createTable', () => {
  it('makes the table once, also when many instances do it at the same time', async () => {
    const table = `made-${randomUUID()}`
    faults.reset()
    await Promise.all([1, 2, 3].map(() => createTable({ table, client })))
    expect(faults.counts).toMatchObject({ CreateTable: 3, UpdateTimeToLive: 3 })
    const made = dynamoStore({ table, client })
    await made.put(aKey(), 1, later())
  })

  it('accepts an engine without time to live, but no other failure', async () => {
    const table = `made-${randomUUID()}`
    faults.operations = { UpdateTimeToLive: 'deny' }
    await expect(createTable({ table, client })).rejects.toThrow(/^The AWS credentials may not/)
    faults.operations = { CreateTable: 'deny' }
    await expect(createTable({ table, client })).rejects.toThrow(/^The AWS credentials may not/)
  })
})

describe('a client of its own', () => {
  it('is made from region, endpoint and the credentials of the environment', async () => {
    const { endpoint, table, env } = dynalite
    const saved = { ...process.env }
    Object.assign(process.env, env)
    try {
      const own = dynamoStore({ table, endpoint, region: 'eu-west-1' })
      const key = aKey()
      await own.put(key, 1, { expiresAt: Date.now() + 1000 })
      expect(await own.get(key)).toMatchObject({ value: 1 })
      const fromEnvironment = dynamoStore({ table })
      expect(await fromEnvironment.get(key)).toMatchObject({ value: 1 })
    } finally {
      for (const name of Object.keys(env)) delete process.env[name]
      Object.assign(process.env, saved)
    }
  })
})

describe('instances whose clocks differ by a minute', () => {
  it.each([-60_000, 60_000])(
    'resume a call that sends nothing on the other (%s ms)',
    async (skew) => {
      const instance = (clock: () => number) => {
        const mcp = createMcp({
          name: 'skewed',
          version: '1',
          store: dynamoStore({ table: dynalite.table, client: dynalite.client(), clock }),
          clock,
          streamLease: 300,
          log: () => {},
        })
        mcp.tool('work', { description: 'Works in silence' }, async (_, ctx) => {
          ctx.log.info('begun')
          await new Promise((resolve) => setTimeout(resolve, 1_500))
          return 'done'
        })
        return mcp
      }
      const [one, other] = [instance(Date.now), instance(() => Date.now() + skew)]
      const client = await LegacyClient.open(fetchEndpoint(one), '2025-11-25')
      const call = await client.call('work')
      await call.notification('notifications/message')
      const { id } = call.events.at(-1) ?? {}
      await call.leave()
      const url = new URL('http://localhost/mcp')
      const resumed = await other.fetch(
        new Request(url, {
          headers: { accept: 'text/event-stream', 'last-event-id': `${id}`, ...client.headers },
        }),
      )
      expect(await resumed.text()).toContain('"text":"done"')
      await Promise.all([one.close({ grace: 0 }), other.close({ grace: 0 })])
    },
  )
})
