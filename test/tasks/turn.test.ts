/** Turns of a task one by one: what is recorded, what is replayed, and who may write. */

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { JsonValue, LogEntry, Mcp, ToolHandler } from '../../src/index.ts'
import {
  failure,
  McpError,
  memoryStore,
  StepInterrupted,
  StoreUnavailable,
  ValueTooLarge,
} from '../../src/index.ts'
import { racingStore } from '../support/racing-store.ts'
import { journalOf, manualServer } from '../support/tasks.ts'

const FORM = v.object({ sure: v.boolean() })
const YES = { action: 'accept', content: { sure: true } }
const HOUR = 3_600_000

type Handler = ToolHandler<undefined>

const tool =
  (handler: Handler, task = {}) =>
  (mcp: Mcp) => {
    mcp.tool('work', { description: 'Works', task }, handler)
  }

/** A server with one tool on a store of its own. */
function server(handler: Handler, task = {}) {
  const store = racingStore()
  const log: LogEntry[] = []
  let now = Date.now()
  const clock = () => now
  // The line of each request is of no interest here.
  const note = (entry: LogEntry) => void (entry.message !== 'request' && log.push(entry))
  const made = manualServer(tool(handler, task), { store, clock, log: note })
  return {
    ...made,
    store,
    log,
    wait: (ms: number) => {
      now += ms
    },
  }
}

const textOf = (task: { result: { content: { text: string }[] } }) => task.result.content[0]?.text

describe('a step', () => {
  it('runs once, and later runs get its result', async () => {
    let runs = 0
    const { client, turn, store } = server(async (_, ctx) => {
      const value = await ctx.step('count', () => ({ runs: ++runs }))
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return value
    })
    const id = await client.create('work')
    expect(await turn(id)).toBe('asks')
    await client.answer(id, { go: YES })
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('{"runs":1}')
    expect((await journalOf(store, id)).map(({ e }) => e)).toEqual(['done', 'ask', 'answer'])
  })

  it('gives the first run what it gives a replay: values through JSON, exceptions by name', async () => {
    const seen: unknown[] = []
    const { client, turn } = server(async (_, ctx) => {
      const error = await ctx
        .step('fails', () => {
          throw new RangeError('too far')
        })
        .catch(
          (reason: Error) => `${reason.name}: ${reason.message} ${reason instanceof RangeError}`,
        )
      const date = await ctx.step('date', () => new Date(0))
      const nothing = await ctx.step('nothing', () => {})
      seen.push([error, date, nothing])
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { go: YES })
    await turn(id)
    expect(seen[0]).toEqual(['RangeError: too far false', '1970-01-01T00:00:00.000Z', undefined])
    expect(seen[1]).toEqual(seen[0])
  })

  it('whose result has no JSON fails, and so does its replay', async () => {
    const seen: string[] = []
    const { client, turn } = server(async (_, ctx) => {
      await ctx
        .step('function', () => () => 1)
        .catch((error: Error) => seen.push(`${error.name}: ${error.message}`))
      await ctx.elicit('Go on?', FORM, { key: 'go' })
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { go: YES })
    await turn(id)
    expect(seen).toEqual(Array(2).fill('TypeError: The value has no JSON'))
  })

  it('keeps the class of a failure, of a protocol error and of an interruption', async () => {
    const { client, turn } = server(async (_, ctx) => {
      const caught = await Promise.all(
        [failure('no'), new McpError(-32001, 'never', { a: 1 })].map((error, i) =>
          ctx
            .step(`${i}`, () => {
              throw error
            })
            .catch((reason: McpError) => [reason.name, reason.message, reason.code, reason.data]),
        ),
      )
      return JSON.stringify(caught)
    })
    const id = await client.create('work')
    await turn(id)
    expect(textOf(await client.get(id))).toBe(
      '[["Failure","no",null,null],["McpError","never",-32001,{"a":1}]]',
    )
  })

  it('has the same key in each run, and others in other tasks', async () => {
    const keys: string[] = []
    let broken = true
    const { client, turn, store } = server(async (_, ctx) => {
      await ctx.step('charge', ({ key, signal }) => {
        expect(signal.aborted).toBe(false)
        keys.push(key)
      })
      return 'charged'
    })
    const first = await client.create('work')
    store.before('append', 'journal', () => {
      broken = false
      throw new ValueTooLarge('never kept')
    })
    await turn(first)
    expect(broken).toBe(false)
    const second = await client.create('work')
    await turn(second)
    expect(keys).toEqual([`${first}/charge`, `${second}/charge`])
  })

  it('runs again when its process died before the result was kept', async () => {
    let runs = 0
    const { client, turn, store } = server(async (_, ctx) => {
      return ctx.step('count', () => ++runs)
    })
    const id = await client.create('work')
    for (let i = 0; i < 6; i++) {
      store.before('append', 'journal', () => {
        throw new StoreUnavailable('away')
      })
    }
    await expect(turn(id)).rejects.toThrow(StoreUnavailable)
    expect(await turn(id)).toBe('done')
    expect(runs).toBe(2)
    expect(textOf(await client.get(id))).toBe('2')
  })

  it('with once throws StepInterrupted then, and never runs again', async () => {
    let runs = 0
    const { client, turn, store } = server(async (_, ctx) => {
      try {
        return await ctx.step('charge', () => ++runs, { once: true })
      } catch (error) {
        return error instanceof StepInterrupted ? `unknown: ${error.step}` : 'other'
      }
    })
    const id = await client.create('work')
    let appends = 0
    const die = () => {
      appends += 1
      if (appends > 1) throw new StoreUnavailable('away')
    }
    for (let i = 0; i < 7; i++) store.before('append', 'journal', die)
    await expect(turn(id)).rejects.toThrow(StoreUnavailable)
    expect(runs).toBe(1)
    expect(await turn(id)).toBe('done')
    expect(runs).toBe(1)
    expect(textOf(await client.get(id))).toBe('unknown: charge')
  })

  it('shares one append with the steps that end in the same tick', async () => {
    const { client, turn, store } = server(async (_, ctx) => {
      await Promise.all(['a', 'b', 'c'].map((name) => ctx.step(name, () => name)))
      return 'done'
    })
    const id = await client.create('work')
    let appends = 0
    const count = () => {
      appends += 1
      store.before('append', 'journal', count)
    }
    store.before('append', 'journal', count)
    await turn(id)
    expect(appends).toBe(1)
  })

  it('whose result is larger than the store can hold fails, and the handler may go on', async () => {
    const { client, turn, store } = server(async (_, ctx) => {
      return ctx.step('large', () => 'x').catch((error: Error) => error.message)
    })
    const id = await client.create('work')
    store.before('append', 'journal', () => {
      throw new ValueTooLarge('x')
    })
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toContain('"large" is larger than the store can hold')
  })
})

describe('a replay', () => {
  it('lets the same branch win a race, also when the other one has ended since', async () => {
    const winners: string[] = []
    const { client, turn, wait } = server(async (_, ctx) => {
      const winner = await Promise.race([
        ctx.sleep('limit', 2 * HOUR).then(() => 'limit'),
        ctx.step('fast', () => 'fast'),
      ])
      winners.push(winner)
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return winner
    })
    const id = await client.create('work')
    expect(await turn(id)).toMatchObject({ sleepsUntil: expect.any(Number) })
    wait(3 * HOUR)
    await client.answer(id, { go: YES })
    expect(await turn(id)).toBe('done')
    expect(winners).toEqual(['fast', 'fast'])
  })

  it('lets an outcome wait for one before it that is still being written', async () => {
    const winners: string[] = []
    const { client, turn, store } = server(async (_, ctx) => {
      const branches = [
        ctx.sleep('short', 20).then(() => 'sleep'),
        ctx.step('first', () => 1).then(() => 'step'),
      ]
      winners.push(await Promise.race(branches))
      await Promise.all(branches)
      await ctx.elicit('Go on?', FORM, { key: 'go' })
    })
    const id = await client.create('work')
    store.before('append', 'journal', () => new Promise((resolve) => setTimeout(resolve, 80)))
    await turn(id)
    await client.answer(id, { go: YES })
    await turn(id)
    expect(winners).toEqual(['step', 'step'])
  })

  it('gives a branch as much time before the next outcome as it had', async () => {
    const winners: string[] = []
    const { client, turn } = server(async (_, ctx) => {
      const early = async () => {
        await ctx.step('early', () => 1)
        for (let i = 0; i < 20; i++) await Promise.resolve()
        return 'early'
      }
      const late = async () => {
        await ctx.step('late', () => new Promise((resolve) => setTimeout(resolve, 30)))
        return 'late'
      }
      const branches = [late(), early()]
      winners.push(await Promise.race(branches))
      await Promise.all(branches)
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { go: YES })
    await turn(id)
    expect(winners).toEqual(['early', 'early'])
  })

  it('hands outcomes out in the order in which they came', async () => {
    const orders: string[][] = []
    const { client, turn } = server(async (_, ctx) => {
      const order: string[] = []
      await Promise.all(
        [30, 1, 15].map(async (ms) => {
          await ctx.step(`${ms}`, () => new Promise((resolve) => setTimeout(resolve, ms)))
          order.push(`${ms}`)
        }),
      )
      orders.push(order)
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { go: YES })
    await turn(id)
    expect(orders).toEqual([
      ['1', '15', '30'],
      ['1', '15', '30'],
    ])
  })

  it('that does not reach what was recorded is told to the author', async () => {
    let run = 0
    const { client, turn, log } = server(async (_, ctx) => {
      run += 1
      await ctx.step(`number ${run}`, () => run)
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    expect(log).toEqual([])
    await client.answer(id, { go: YES })
    await turn(id)
    expect(log).toEqual([
      {
        level: 'warn',
        task: id,
        message: expect.stringContaining(
          'did not reach step number 1, which an earlier run has recorded, but met step number 2',
        ),
      },
    ])
  })

  it('of a stable handler tells nothing', async () => {
    const { client, turn, log } = server(async (_, ctx) => {
      await ctx.step('a', () => 1)
      await ctx.sleep('b', 10)
      await ctx.elicit('Go on?', FORM)
      await ctx.step('c', () => 1)
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    const [key = ''] = Object.keys((await client.get(id)).inputRequests)
    expect(key).toMatch(/^elicitation\/create-\w+$/)
    await client.answer(id, { [key]: YES })
    expect(await turn(id)).toBe('done')
    expect(log).toEqual([])
  })

  it('under another version of the tool ends the task, saying so', async () => {
    const store = memoryStore()
    const handler: Handler = async (_, ctx) => {
      await ctx.elicit('Go on?', FORM, { key: 'go' })
      return 'done'
    }
    const before = manualServer(tool(handler, { version: '1' }), { store })
    const id = await before.client.create('work')
    await before.turn(id)
    const after = manualServer(tool(handler, { version: '2' }), { store })
    await after.client.answer(id, { go: YES })
    expect(await after.turn(id)).toBe('done')
    expect(await after.client.get(id)).toMatchObject({
      status: 'failed',
      statusMessage: 'The task began under version "1" of work, which is now "2"',
      error: { code: -32603 },
    })
  })
})

describe('a question', () => {
  it('is stored once and served as it was, although the next run asks otherwise', async () => {
    let run = 0
    const { client, turn, log } = server(async (_, ctx) => {
      run += 1
      await ctx.elicit(`Question of run ${run}`, FORM, { key: 'same' })
      await ctx.elicit('Other', FORM, { key: 'other' })
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    const first = await client.get(id)
    expect(first.inputRequests.same.params.message).toBe('Question of run 1')
    expect(first.inputRequests).not.toHaveProperty('other')
    await client.answer(id, { same: YES })
    await turn(id)
    expect(Object.keys((await client.get(id)).inputRequests)).toEqual(['other'])
    expect(log[0]?.message).toContain('asks another question "same" than an earlier run')
  })

  it('that stays open is not replaced by what a later run asks under its key', async () => {
    let run = 0
    const { client, turn } = server(async (_, ctx) => {
      run += 1
      const ask = (key: string) => ctx.elicit(`${key} of run ${run}`, FORM, { key })
      await Promise.all([ask('a'), ask('b')])
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { a: YES })
    expect(await turn(id)).toBe('asks')
    expect((await client.get(id)).inputRequests.b.params.message).toBe('b of run 1')
  })

  it('asked together with others parks once, with all of them', async () => {
    const { client, turn, store } = server(async (_, ctx) => {
      const [a, b] = await Promise.all([
        ctx.elicit('A?', FORM, { key: 'a' }),
        ctx.elicit('B?', FORM, { key: 'b' }),
        ctx.step('beside', () => 1),
      ])
      return `${a.action} ${b.action}`
    })
    const id = await client.create('work')
    let puts = 0
    const count = () => {
      puts += 1
      store.before('put', 'task', count)
    }
    store.before('put', 'task', count)
    expect(await turn(id)).toBe('asks')
    expect(puts).toBe(1)
    expect(Object.keys((await client.get(id)).inputRequests).sort()).toEqual(['a', 'b'])
    await client.answer(id, { a: YES, unknown: YES })
    // Reads after an update are strong: the key is gone.
    expect(Object.keys((await client.get(id)).inputRequests)).toEqual(['b'])
    expect(await turn(id)).toBe('asks')
    await client.answer(id, { a: { action: 'decline' }, b: { action: 'cancel' } })
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('accept cancel')
  })

  it('is not shown before the steps beside it have ended', async () => {
    let runs = 0
    const { client, turn } = server(async (_, ctx) => {
      const [answer] = await Promise.all([
        ctx.elicit('Sure?', FORM, { key: 'sure' }),
        ctx.step('slow', async () => {
          runs += 1
          await new Promise((resolve) => setTimeout(resolve, 50))
        }),
      ])
      return answer.action
    })
    const id = await client.create('work')
    expect(await turn(id)).toBe('asks')
    await client.answer(id, { sure: YES })
    expect(await turn(id)).toBe('done')
    expect(runs).toBe(1)
  })

  it('is asked again under another key when its answer does not fit', async () => {
    const { client, turn } = server(async (_, ctx) => {
      const answer = await ctx.elicit('Sure?', FORM, { key: 'sure' })
      return answer.action === 'accept' ? String(answer.content.sure) : answer.action
    })
    const id = await client.create('work')
    await turn(id)
    await client.answer(id, { sure: { action: 'accept', content: { sure: 'perhaps' } } })
    expect(await turn(id)).toBe('asks')
    expect(Object.keys((await client.get(id)).inputRequests)).toEqual(['sure (2)'])
    await client.answer(id, { 'sure (2)': YES })
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('true')
  })

  it('that is asked twice without a key is a mistake of the author', async () => {
    const { client, turn, log } = server(async (_, ctx) => {
      await ctx.elicit('Again?', FORM)
      await ctx.elicit('Again?', FORM)
      return 'done'
    })
    const id = await client.create('work')
    await turn(id)
    const [key = ''] = Object.keys((await client.get(id)).inputRequests)
    await client.answer(id, { [key]: YES })
    expect(await turn(id)).toBe('done')
    expect((await client.get(id)).result.isError).toBe(true)
    expect(log.at(-1)?.error).toContain('give each question its own key')
  })

  it('whose answer comes while the turn parks is not lost', async () => {
    const { client, turn, store } = server(async (_, ctx) => {
      const [a] = await Promise.all([
        ctx.elicit('A?', FORM, { key: 'a' }),
        ctx.elicit('B?', FORM, { key: 'b' }),
      ])
      return a.action
    })
    const id = await client.create('work')
    await turn(id)
    // The second turn has only the answer to B, and A is answered while it parks.
    await client.answer(id, { b: YES })
    store.before('put', 'task', () => client.answer(id, { a: YES }))
    expect(await turn(id)).toBe('again')
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('accept')
  })

  it('left open by a race does not keep the handler from its own work', async () => {
    const { client, turn, wait } = server(async (_, ctx) => {
      const first = await Promise.race([
        ctx.elicit('Sure?', FORM, { key: 'sure' }).then(() => 'answer'),
        ctx.sleep('limit', HOUR).then(() => 'time is over'),
      ])
      await new Promise((resolve) => setTimeout(resolve, 100))
      return first
    })
    const id = await client.create('work')
    expect(await turn(id)).toHaveProperty('sleepsUntil')
    expect(await client.get(id)).toMatchObject({ status: 'input_required' })
    wait(2 * HOUR)
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('time is over')
  })
})

describe('a sleep', () => {
  it('parks, and ends at the time that was recorded', async () => {
    const { client, turn, wait } = server(async (_, ctx) => {
      await ctx.sleep('night', 8 * HOUR)
      return 'morning'
    })
    const id = await client.create('work')
    const parked = await turn(id)
    expect(await turn(id)).toEqual(parked)
    wait(7 * HOUR)
    expect(await turn(id)).toEqual(parked)
    expect(await client.get(id)).toMatchObject({ status: 'working' })
    wait(HOUR)
    expect(await turn(id)).toBe('done')
    expect(textOf(await client.get(id))).toBe('morning')
  })
})

describe('two runners', () => {
  const slow = (steps: number) => {
    const effects: string[] = []
    const gates: (() => void)[] = []
    const handler: Handler = async (_, ctx) => {
      for (let i = 0; i < steps; i++) {
        await ctx.step(`${i}`, async () => {
          effects.push(`${i}`)
          await new Promise<void>((resolve) => gates.push(resolve))
        })
      }
      return 'done'
    }
    return { effects, gates, handler }
  }

  it('of one task: the one that was taken over writes nothing more', async () => {
    const { effects, gates, handler } = slow(2)
    const store = memoryStore()
    const first = manualServer(tool(handler), { store })
    const second = manualServer(tool(handler), { store })
    const id = await first.client.create('work')
    const stalled = first.turn(id, { runner: 'first', isAlive: () => true })
    await expect.poll(() => gates.length).toBe(1)
    expect(await second.turn(id, { runner: 'second', isAlive: () => true })).toBe('busy')
    const takeover = second.turn(id, { runner: 'second', isAlive: () => false })
    await expect.poll(() => gates.length).toBe(2)
    // The first one wakes: its append conflicts.
    gates[0]?.()
    expect(await stalled).toBe('lost')
    expect(await journalOf(store, id)).toEqual([{ e: 'claim', runner: 'second' }])
    gates[1]?.()
    await expect.poll(() => gates.length).toBe(3)
    gates[2]?.()
    expect(await takeover).toBe('done')
    expect(effects).toEqual(['0', '0', '1'])
    expect((await journalOf(store, id)).map(({ e }) => e)).toEqual(['claim', 'done', 'done'])
  })

  it('that claim at the same time: one of them runs', async () => {
    const { effects, handler, gates } = slow(1)
    const store = racingStore()
    const first = manualServer(tool(handler), { store })
    const second = manualServer(tool(handler), { store: store.engine })
    const id = await first.client.create('work')
    let other: Promise<unknown> | undefined
    store.before('put', 'lease', () => {
      other = second.turn(id, { runner: 'second', isAlive: () => true })
      return expect.poll(() => gates.length).toBe(1)
    })
    expect(await first.turn(id, { runner: 'first', isAlive: () => true })).toBe('busy')
    gates[0]?.()
    expect(await other).toBe('done')
    expect(effects).toEqual(['0'])
  })

  it('go on with one of them when an earlier one appended just before its fence', async () => {
    const { client, turn, store } = server(async (_, ctx) => {
      await ctx.step('a', () => 1)
      return 'done'
    })
    const id = await client.create('work')
    const stray: JsonValue = { e: 'done', name: 'stray' }
    store.before('append', 'journal', async () => {
      const key = [`task/anyone/${id}`, 'journal'] as const
      await store.engine.append(key, 0, [stray], { expiresAt: Date.now() + HOUR })
    })
    expect(await turn(id)).toBe('again')
    expect(await turn(id)).toBe('done')
  })
})

describe('a task', () => {
  it('that kills each process that runs it is given up', async () => {
    const store = racingStore()
    // Each takeover is by another server: the earlier one hangs in its step for ever.
    const hang = () =>
      manualServer(
        tool(async (_, ctx) => {
          await ctx.step('dies', () => new Promise(() => {}))
          return 'never'
        }),
        { store },
      )
    const first = hang()
    const task = await first.client.create('work')
    void first.turn(task)
    for (let i = 1; i <= 5; i++) {
      await expect.poll(async () => store.get([`task/anyone/${task}`, 'lease'])).toBeDefined()
      const next = hang()
      void next.turn(task, { runner: `${i}` })
      await expect.poll(async () => (await journalOf(store, task)).length).toBe(i)
    }
    const last = hang()
    expect(await last.turn(task, { runner: 'last' })).toBe('done')
    expect(await last.client.get(task)).toMatchObject({
      status: 'failed',
      statusMessage: 'The task ended 6 runners one after another without any progress',
    })
  })

  it('fails with the protocol error that its handler throws', async () => {
    const { client, turn } = server(() => {
      throw new McpError(-32050, 'No more', { left: 0 })
    })
    const id = await client.create('work')
    expect(await turn(id)).toBe('done')
    expect(await client.get(id)).toMatchObject({
      status: 'failed',
      statusMessage: 'No more',
      error: { code: -32050, message: 'No more', data: { left: 0 } },
    })
  })

  it('is completed by a failure and by an exception, whose text stays in the log', async () => {
    const { client, turn, log } = server(() => {
      throw new Error('password is 1234')
    })
    const id = await client.create('work')
    expect(await turn(id)).toBe('done')
    const task = await client.get(id)
    expect(task).toMatchObject({ status: 'completed', result: { isError: true } })
    expect(JSON.stringify(task)).not.toContain('1234')
    expect(JSON.stringify(log)).toContain('1234')
  })

  it('whose result is larger than the store can hold fails with that reason', async () => {
    const { client, turn, store } = server(() => 'x')
    const id = await client.create('work')
    store.before('put', 'task', () => {
      throw new ValueTooLarge('x')
    })
    expect(await turn(id)).toBe('done')
    expect(await client.get(id)).toMatchObject({
      status: 'failed',
      error: { message: 'The result is larger than the store can hold' },
    })
  })

  it('that is cancelled stays cancelled, although its handler returns', async () => {
    const aborted: unknown[] = []
    let release = () => {}
    const { client, turn } = server(async (_, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.push((ctx.signal.reason as Error).name))
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return 'done'
    })
    const id = await client.create('work')
    const running = turn(id)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await client.cancel(id)
    // The store wakes the run, which ends at once.
    expect(await running).toBe('done')
    release()
    expect(aborted).toEqual(['Cancelled'])
    expect(await client.get(id)).toMatchObject({ status: 'cancelled' })
    await client.cancel(id)
    expect(await client.get(id)).not.toHaveProperty('result')
  })

  it('that ends while it is cancelled is one of both', async () => {
    const { client, turn, store } = server(() => 'done')
    const id = await client.create('work')
    store.before('put', 'task', () => client.cancel(id))
    expect(await turn(id)).toBe('done')
    expect(await client.get(id)).toMatchObject({ status: 'cancelled' })
  })

  it('is cancelled when it has ended: then nothing changes', async () => {
    const { client, turn } = server(() => 'done')
    const id = await client.create('work')
    await turn(id)
    await client.cancel(id)
    await client.answer(id, { any: YES })
    expect(await client.get(id)).toMatchObject({ status: 'completed' })
  })

  it('that does not end within its ttl fails, running, asking or asleep', async () => {
    const { client, turn, wait } = server(
      async (_, ctx) => {
        await ctx.elicit('Sure?', FORM)
        return 'done'
      },
      { ttl: HOUR },
    )
    const asking = await client.create('work')
    await turn(asking)
    const other = await client.create('work')
    await turn(other)
    wait(HOUR)
    // Its runner finds out, or the client that asks for it.
    expect(await turn(other)).toBe('done')
    expect(await client.get(other)).toMatchObject({ status: 'failed' })
    expect(await client.get(asking)).toMatchObject({
      status: 'failed',
      statusMessage: 'The task did not end within 3600 seconds',
    })
    const running = server(() => new Promise(() => {}), { ttl: 30 })
    const id = await running.client.create('work')
    expect(await running.turn(id)).toBe('done')
    expect(await running.client.get(id)).toMatchObject({ status: 'failed', ttlMs: 30 })
  })

  it('keeps its result for a day after its ttl, and then is unknown', async () => {
    const clock = { now: Date.now() }
    const options = { clock: () => clock.now, store: memoryStore({ clock: () => clock.now }) }
    const { client, turn } = manualServer(
      tool(() => 'done', { ttl: HOUR }),
      options,
    )
    const id = await client.create('work')
    await turn(id)
    clock.now += 24 * HOUR
    expect(await client.get(id)).toMatchObject({ status: 'completed' })
    clock.now += 2 * HOUR
    const reply = await client.about('tasks/get', id)
    expect((await reply.answer()).error?.code).toBe(-32602)
    expect(await turn(id)).toBe('gone')
  })

  it('yields between two steps when its host has little time left', async () => {
    const { client, turn, wait } = server(async (_, ctx) => {
      await ctx.step('a', () => wait(HOUR))
      await ctx.step('b', () => 1)
      return 'done'
    })
    const id = await client.create('work')
    expect(await turn(id, { yieldAt: Date.now() + HOUR / 2 })).toBe('again')
    expect(await turn(id)).toBe('done')
  })
})
