/** The runner of a process: it goes on with tasks by itself, and takes over those of processes that died. */
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import type { Mcp, Store, ToolHandler } from '../../src/index.ts'
import { createMcp, inProcess, memoryStore, StoreUnavailable } from '../../src/index.ts'
import { racingStore } from '../support/racing-store.ts'
import { journalOf, mortalStore, sharedStore, TaskClient } from '../support/tasks.ts'

const LEASE = 150
const FORM = v.object({ sure: v.boolean() })
const YES = { action: 'accept', content: { sure: true } }

const running: Mcp[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((mcp) => mcp.close({ grace: 0 })))
})

/** A process of a server with one durable tool. */
function start(store: Store, handler: ToolHandler<undefined>, lease = LEASE) {
  const mcp = createMcp({ name: 'tasks', version: '1', store, runner: inProcess({ lease }) })
  mcp.tool('work', { description: 'Works', task: {} }, handler)
  running.push(mcp)
  return { mcp, client: new TaskClient(mcp) }
}

const status = (client: TaskClient, id: string) => async () => (await client.get(id)).status

describe('a process', () => {
  it('goes on with its task after an answer and after a sleep', async () => {
    const { client } = start(sharedStore(), async (_, ctx) => {
      await ctx.sleep('short', 20)
      await ctx.elicit('Sure?', FORM, { key: 'sure' })
      await ctx.sleep('long', 1_100)
      return 'done'
    })
    const id = await client.create('work')
    await expect.poll(status(client, id)).toBe('input_required')
    await client.answer(id, { sure: YES })
    await expect.poll(status(client, id)).toBe('completed')
  })

  it('goes on with a task whose answer reached another process', async () => {
    const store = sharedStore()
    const handler: ToolHandler<undefined> = async (_, ctx) => {
      await ctx.elicit('Sure?', FORM, { key: 'sure' })
      return 'done'
    }
    const [first, second] = [start(store, handler), start(store, handler)]
    const id = await first.client.create('work')
    await expect.poll(status(second.client, id)).toBe('input_required')
    await second.client.answer(id, { sure: YES })
    await expect.poll(status(first.client, id)).toBe('completed')
  })

  it('tries a turn again when the store was away', async () => {
    const store = racingStore()
    const { client } = start(store, async (_, ctx) => `${await ctx.step('a', () => 1)}`)
    const away = () => {
      throw new StoreUnavailable('away')
    }
    store.before('put', 'lease', away)
    for (let i = 0; i < 5; i++) store.before('append', 'journal', away)
    const id = await client.create('work')
    await expect.poll(status(client, id)).toBe('completed')
  })

  it('fails the task when its runner cannot take it, and tells the client', async () => {
    const store = racingStore(sharedStore())
    const { put } = store
    let partition = ''
    store.put = (key, ...rest) => {
      if (key[1] === 'task') [partition] = key
      return put(key, ...rest)
    }
    const { client } = start(Object.assign(store, { processLocal: false }), () => 'done')
    store.before('put', 'heartbeat', () => {
      throw new StoreUnavailable('away')
    })
    let id = ''
    const reply = await client.call('work')
    expect(reply.status).toBe(503)
    expect((await reply.answer()).error?.code).toBe(-32603)
    const record = await store.engine.get([partition, 'task'])
    expect(record?.value).toMatchObject({ status: 'failed' })
    // The next call is not disturbed by it.
    id = await client.create('work')
    await expect.poll(status(client, id)).toBe('completed')
  })
})

describe('a process that dies', () => {
  it('in a step loses its task to another one, which runs the step again', async () => {
    const engine = memoryStore()
    const dying = mortalStore(engine)
    const effects: string[] = []
    const handlerOf =
      (name: string): ToolHandler<undefined> =>
      async (_, ctx) => {
        await ctx.step('first', () => void effects.push(`first by ${name}`))
        await ctx.step('second', async () => {
          effects.push(`second by ${name}`)
          if (name === 'a') dying.die()
        })
        return name
      }
    const other = start(sharedStore(engine), handlerOf('b'))
    await other.mcp.tasks.resume()
    const first = start(dying.store, handlerOf('a'))
    const id = await first.client.create('work')
    await expect.poll(status(other.client, id)).toBe('completed')
    expect(effects).toEqual(['first by a', 'second by a', 'second by b'])
    expect((await journalOf(engine, id)).map(({ e }) => e)).toEqual(['done', 'claim', 'done'])
  })

  it('counts as dead after its lease, long before its last sign of life has expired', async () => {
    const engine = memoryStore()
    const dying = mortalStore(engine)
    const lease = 1_000
    const handlerOf =
      (dies: boolean): ToolHandler<undefined> =>
      async (_, ctx) => {
        await ctx.step('a', () => (dies ? new Promise(() => {}) : undefined))
        return 'done'
      }
    const first = start(dying.store, handlerOf(true), lease)
    const other = start(sharedStore(engine), handlerOf(false), lease)
    const id = await first.client.create('work')
    await other.mcp.tasks.resume()
    dying.die()
    const died = performance.now()
    await expect.poll(status(other.client, id)).toBe('completed')
    expect(performance.now() - died).toBeLessThan(3.5 * lease)
  })

  it('while its task sleeps loses it to another one, also one that starts later', async () => {
    const engine = memoryStore()
    const dying = mortalStore(engine)
    const handler: ToolHandler<undefined> = async (_, ctx) => {
      await ctx.sleep('nap', 1_100)
      return 'awake'
    }
    const first = start(dying.store, handler)
    const id = await first.client.create('work')
    const other = start(sharedStore(engine), handler)
    await expect
      .poll(async () => (await engine.get([`task/anyone/${id}`, 'task']))?.value)
      .toMatchObject({ turns: 1 })
    dying.die()
    await other.mcp.tasks.resume()
    await expect.poll(status(other.client, id)).toBe('completed')
  })

  it('right after it answered that there is a task', async () => {
    const engine = memoryStore()
    const dying = mortalStore(engine)
    let runs = 0
    const first = start(dying.store, async () => {
      runs += 1
      if (runs === 1) {
        dying.die()
        await new Promise(() => {})
      }
      return 'done'
    })
    const id = await first.client.create('work')
    const other = start(sharedStore(engine), () => 'done')
    await other.mcp.tasks.resume()
    await expect.poll(status(other.client, id)).toBe('completed')
  })

  it('at any operation of its store leaves no task that was promised behind', async () => {
    for (let dieAt = 1; dieAt <= 24; dieAt++) {
      const engine = memoryStore()
      const dying = mortalStore(engine, dieAt)
      const handler: ToolHandler<undefined> = async (_, ctx) => {
        await ctx.step('a', () => 1)
        const { action } = await ctx.elicit('Sure?', FORM, { key: 'sure' })
        await ctx.step('b', () => 1, { once: true })
        return action
      }
      const first = start(dying.store, handler)
      const other = start(sharedStore(engine), handler)
      const within = <T>(work: Promise<T>) =>
        Promise.race([work, new Promise<undefined>((resolve) => setTimeout(resolve, 100))])
      const id = await within(first.client.create('work'))
      if (!id) continue
      await other.mcp.tasks.resume()
      await expect.poll(status(other.client, id)).toMatch(/input_required|completed/)
      await within(first.client.answer(id, { sure: YES }))
      await other.client.answer(id, { sure: YES })
      await expect.poll(status(other.client, id), { timeout: 5_000 }).toBe('completed')
    }
  })

  it('is not waited for by the others when it says that it ends', async () => {
    const engine = memoryStore()
    let release = () => {}
    const handlerOf =
      (name: string): ToolHandler<undefined> =>
      async (_, ctx) => {
        await ctx.step('first', () =>
          name === 'a' ? new Promise<void>((resolve) => (release = resolve)) : undefined,
        )
        await ctx.step('second', () => name)
        return name
      }
    const first = start(sharedStore(engine), handlerOf('a'))
    const other = start(sharedStore(engine), handlerOf('b'))
    await other.mcp.tasks.resume()
    const id = await first.client.create('work')
    await expect.poll(() => release.toString()).not.toBe('() => {}')
    const closed = first.mcp.close({ grace: 5_000 })
    release()
    await closed
    // The running step was kept, and the next one is run by the other process.
    await expect.poll(status(other.client, id)).toBe('completed')
    expect((await other.client.get(id)).result.content[0].text).toBe('b')
    expect((await journalOf(engine, id)).map(({ e }) => e)).toEqual(['done', 'done'])
  })

  it('while it cancels a task: the task is cancelled, or goes on and can be cancelled by another', async () => {
    for (let dieAt = 1; dieAt <= 4; dieAt++) {
      const engine = memoryStore()
      const handler: ToolHandler<undefined> = async (_, ctx) => {
        await ctx.elicit('Sure?', FORM, { key: 'sure' })
      }
      const other = start(sharedStore(engine), handler)
      const id = await other.client.create('work')
      await expect.poll(status(other.client, id)).toBe('input_required')
      const dying = start(mortalStore(engine, dieAt).store, handler)
      const late = new Promise((resolve) => setTimeout(resolve, 100))
      await Promise.race([dying.client.cancel(id), late])
      expect(await status(other.client, id)()).toMatch(/^(cancelled|input_required)$/)
      await other.client.cancel(id)
      expect(await status(other.client, id)()).toBe('cancelled')
    }
  })
})

describe('a process without tasks', () => {
  it('looks for those of others less and less often, and shows life at once with its first task', async () => {
    const engine = memoryStore()
    const keys: string[] = []
    const store: Store = {
      ...sharedStore(engine),
      get(key) {
        keys.push(key[1])
        return engine.get(key)
      },
      put(key, ...rest) {
        keys.push(`put ${key[1]}`)
        return engine.put(key, ...rest)
      },
    }
    const { mcp, client } = start(store, async (_, ctx) => {
      await ctx.elicit('Sure?', FORM, { key: 'sure' })
    })
    await mcp.tasks.resume()
    await new Promise((resolve) => setTimeout(resolve, 12 * LEASE))
    // Every third of a lease it would be 36 looks.
    const looks = keys.splice(0)
    expect(new Set(looks)).toEqual(new Set(['runners']))
    expect(looks.length).toBeLessThan(16)
    const id = await client.create('work')
    await expect.poll(status(client, id)).toBe('input_required')
    await new Promise((resolve) => setTimeout(resolve, 2 * LEASE))
    const signs = () => keys.filter((key) => key === 'put heartbeat').length
    expect(signs()).toBeGreaterThan(2)
    await client.cancel(id)
    // It leaves, and another process finds nothing to take over.
    const heartbeat = async () => {
      const runners = await engine.get(['tasks/registry', 'runners'])
      const [runner] = (runners?.value ?? []) as string[]
      return engine.get([`tasks/registry/${runner}`, 'heartbeat'])
    }
    await expect.poll(heartbeat).toBeUndefined()
  })
})
