/** What a durable call costs in operations of the store, path by path. */
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mcp, Store } from '../../src/index.ts'
import { createMcp, inProcess, memoryStore } from '../../src/index.ts'
import { byHand, sharedStore, TaskClient } from '../support/tasks.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const spent: string[] = []

/** The names of all operations, but the signs of life of the process. */
function counted(engine: Store): Store {
  const note =
    <A extends unknown[], R>(name: string, run: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      const [key] = args as unknown as [readonly [string, string]]
      if (key[1] !== 'heartbeat' && key[1] !== 'runners') spent.push(`${name} ${key[1]}`)
      return run(...args)
    }
  const { get, put, append, read } = engine
  const deleting = engine.delete
  // Without `wait`, as on DynamoDB.
  return {
    processLocal: false,
    get: note('get', get),
    put: note('put', put),
    delete: note('delete', deleting),
    append: note('append', append),
    read: note('read', read),
  }
}

const YES = { sure: { action: 'accept', content: { sure: true } } }

function register(mcp: Mcp): void {
  mcp.tool('steps', { description: 'Three steps', task: {} }, async (_, ctx) => {
    await ctx.step('a', () => 1)
    await Promise.all([ctx.step('b', () => 1), ctx.step('c', () => 1)])
    return 'done'
  })
  mcp.tool('once', { description: 'One step, once', task: {} }, (_, ctx) =>
    ctx.step('a', () => 'done', { once: true }),
  )
  mcp.tool('asks', { description: 'Asks', task: {} }, async (_, ctx) => {
    await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
    return ctx.step('a', () => 'done')
  })
  mcp.tool('plain', { description: 'No task' }, () => 'done')
}

const take = () => spent.splice(0)

describe('turns that are run by hand', () => {
  let mcp: Mcp
  let client: TaskClient
  const turn = (id: string) => mcp.tasks.turn({ owner: 'anyone', id }, { runner: 'a' })
  beforeEach(() => {
    mcp = createMcp({ name: 'b', version: '1', store: counted(memoryStore()), runner: byHand })
    register(mcp)
    client = new TaskClient(mcp)
    take()
  })
  afterEach(() => mcp.close({ grace: 0 }))

  it('pay 1 put for the task, then 2 gets and 2 puts, and 1 append for what ends together', async () => {
    const id = await client.create('steps')
    expect(take()).toEqual(['put task'])
    expect(await turn(id)).toBe('done')
    expect(take()).toEqual([
      'get task',
      'get lease',
      'put lease',
      ...['append journal', 'append journal'],
      'put task',
    ])
  })

  it('pay 2 appends for a step with once', async () => {
    const id = await client.create('once')
    await turn(id)
    expect(take().filter((operation) => operation === 'append journal')).toHaveLength(2)
  })

  it('pay 1 append for a question, and 1 get and 1 put for its answer', async () => {
    const id = await client.create('asks')
    take()
    expect(await turn(id)).toBe('asks')
    expect(take()).toEqual(['get task', 'get lease', 'put lease', 'append journal', 'put task'])
    expect((await client.get(id)).status).toBe('input_required')
    expect(take()).toEqual(['get task'])
    await client.answer(id, YES)
    expect(take()).toEqual(['get task', 'put task'])
    expect(await turn(id)).toBe('done')
    expect(take()).toEqual([
      'get task',
      'get lease',
      'put lease',
      'read journal',
      // The answer goes along with the step that follows it.
      'append journal',
      'put task',
    ])
    await client.cancel(id)
    expect(take()).toEqual(['get task'])
  })
})

describe('the runner of a process', () => {
  let mcp: Mcp
  beforeEach(() => {
    const store = counted(sharedStore(memoryStore()))
    mcp = createMcp({ name: 'b', version: '1', store, runner: inProcess() })
    register(mcp)
    take()
  })
  afterEach(() => mcp.close({ grace: 0 }))

  it('reads nothing for the first turn of its own task', async () => {
    const client = new ModernClient(fetchEndpoint(mcp))
    expect((await (await client.call('once')).result()).content[0].text).toBe('done')
    expect(take()).toEqual([
      'put task',
      'put shard/0',
      'put lease',
      ...['append journal', 'append journal'],
      'put task',
    ])
  })

  it('costs a client of 2025 the read of its session besides', async () => {
    const client = await LegacyClient.open(fetchEndpoint(mcp), '2025-11-25')
    take()
    await (await client.call('once')).result()
    const operations = take()
    expect(operations.filter((operation) => !/task|shard|lease|journal/.test(operation))).toEqual([
      'get session',
    ])
    expect(operations).toHaveLength(7)
  })

  it('costs a tool without task nothing', async () => {
    const client = new ModernClient(fetchEndpoint(mcp))
    await (await client.call('plain')).result()
    expect(take()).toEqual([])
  })
})
