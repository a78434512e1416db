/** Tools with `idempotent`: one key, one run of the handler, also on several instances and in both eras. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { McpOptions, Store } from '../../src/index.ts'
import {
  createMcp,
  failure,
  memoryStore,
  StoreConflict,
  StoreUnavailable,
  ValueTooLarge,
} from '../../src/index.ts'
import { openServer } from '../support/open-server.ts'
import { racingStore } from '../support/racing-store.ts'
import { LegacyClient, ModernClient } from '../support/wire.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Opens instances on one store. The tool `order` counts its effects, and takes `ms` milliseconds. */
function instances(count: number, options: Partial<McpOptions> & { ms?: number } = {}) {
  const { ms = 0, store = memoryStore(), ...more } = options
  const effects: string[] = []
  const endpoints = Array.from({ length: count }, () => {
    const { mcp, endpoint } = openServer({ ...more, store })
    const input = v.object({ id: v.string(), amount: v.optional(v.number(), 1) })
    mcp.tool(
      'order',
      {
        description: 'Orders',
        input,
        idempotent: ({ id }) => id || undefined,
        idempotentFor: 60_000,
      },
      async ({ id }) => {
        effects.push(id)
        const number = effects.length
        await pause(ms)
        if (id === 'broken') throw new Error('broken')
        if (id === 'refused') return failure('refused')
        return `order ${number}`
      },
    )
    mcp.tool(
      'confirm',
      { description: 'Asks first', input, idempotent: ({ id }) => id },
      async ({ id }, ctx) => {
        const answer = await ctx.elicit('Sure?', v.object({ sure: v.boolean() }))
        effects.push(`${id} ${answer.action}`)
        return `done ${effects.length}`
      },
    )
    return endpoint
  })
  const capabilities = { elicitation: {} }
  const modern = endpoints.map((endpoint) => new ModernClient(endpoint, { capabilities }))
  const legacy = () =>
    Promise.all(endpoints.map((one) => LegacyClient.open(one, '2025-11-25', { capabilities })))
  return { effects, modern, legacy, store: store as Store }
}

async function order(client: LegacyClient | ModernClient | undefined, args: object) {
  const result = await (await client?.call('order', args))?.result()
  return result?.content[0].text as string
}

describe('a call with an idempotency key', () => {
  it('gets the result of an earlier one on another instance and in the other era', async () => {
    const { effects, modern, legacy } = instances(2)
    const [one, two] = await legacy()
    expect(await order(one, { id: 'a' })).toBe('order 1')
    expect(await order(two, { id: 'a' })).toBe('order 1')
    expect(await order(modern[1], { id: 'a' })).toBe('order 1')
    expect(await order(modern[0], { id: 'b' })).toBe('order 2')
    expect(effects).toEqual(['a', 'b'])
  })

  it('costs two writes, a repeated one a write and a read, and one without a key nothing', async () => {
    const store = memoryStore()
    const operations: string[] = []
    const counted = new Proxy(store, {
      get(target, name: keyof Store) {
        const member: unknown = target[name]
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          operations.push(name)
          return Reflect.apply(member, target, args)
        }
      },
    })
    const { modern } = instances(1, { store: counted })
    const cost = async (id: string) => {
      operations.length = 0
      await order(modern[0], { id })
      return [...operations]
    }
    expect(await cost('a')).toEqual(['put', 'put'])
    expect(await cost('a')).toEqual(['put', 'get'])
    expect(await cost('')).toEqual([])
    // A failure is not kept: the key is released for the next call.
    expect(await cost('refused')).toEqual(['put', 'get', 'delete'])
  })

  it('waits for one that runs, however many there are', async () => {
    const { effects, modern } = instances(3, { ms: 100 })
    const calls = Array.from({ length: 12 }, (_, i) => order(modern[i % 3], { id: 'a' }))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['order 1']))
    expect(effects).toEqual(['a'])
  })

  it('runs each time where it has no key', async () => {
    const { effects, modern } = instances(1)
    await order(modern[0], { id: '' })
    await order(modern[0], { id: '' })
    expect(effects).toHaveLength(2)
  })

  it('is refused with other arguments', async () => {
    const { effects, modern } = instances(1)
    await order(modern[0], { id: 'a' })
    expect(await order(modern[0], { id: 'a', amount: 2 })).toContain('other arguments')
    expect(effects).toEqual(['a'])
  })

  it.each(['broken', 'refused'])('runs again after one that was %s', async (id) => {
    const { effects, modern } = instances(2)
    await order(modern[0], { id })
    await order(modern[1], { id })
    expect(effects).toEqual([id, id])
  })

  it('runs again when the time of its key is over', async () => {
    let now = Date.now()
    const { effects, modern } = instances(1, {
      clock: () => now,
      store: memoryStore({ clock: () => now }),
    })
    await order(modern[0], { id: 'a' })
    now += 59_000
    await order(modern[0], { id: 'a' })
    now += 2_000
    await order(modern[0], { id: 'a' })
    expect(effects).toEqual(['a', 'a'])
  })

  it('takes over from an instance that shows no life, and not from a slow one', async () => {
    const { effects, modern, store } = instances(2, { ms: 400, streamLease: 150 })
    const slow = order(modern[0], { id: 'slow' })
    await pause(20)
    expect(await order(modern[1], { id: 'slow' })).toBe('order 1')
    await slow
    expect(effects).toEqual(['slow'])
    // The record of a run whose process has died: it is never written again.
    let key: readonly [string, string] | undefined
    const noting: Store = {
      ...store,
      put: (at, value, options) => {
        key ??= at
        return store.put(at, value, options)
      },
    }
    const dying = instances(1, { store: noting })
    await order(dying.modern[0], { id: 'dead' })
    const kept = await store.get(key ?? ['', ''])
    const { print } = (kept?.value ?? {}) as { print?: string }
    await store.put(key ?? ['', ''], { print, run: 'dead' }, { expiresAt: Date.now() + 60_000 })
    expect(await order(modern[1], { id: 'dead' })).toBe('order 2')
    expect(effects).toEqual(['slow', 'dead'])
  })

  it.each([
    ['was written although its reply was lost', new StoreConflict()],
    ['could not be written at first', new StoreUnavailable()],
  ])('keeps a result that %s', async (_, error) => {
    const store = racingStore()
    const { effects, modern } = instances(1, { store })
    store.before('put', 'order/', () => {
      // The claim passes; the next write is the result.
      store.before('put', 'order/', async () => {
        throw error
      })
    })
    expect(await order(modern[0], { id: 'a' })).toBe('order 1')
    if (error instanceof StoreUnavailable) {
      expect(await order(modern[0], { id: 'a' })).toBe('order 1')
      expect(effects).toEqual(['a'])
    }
  })

  it('tells of a result that was too large to be kept, and does not run again', async () => {
    const store = racingStore()
    const { effects, modern } = instances(1, { store })
    store.before('put', 'order/', () => {
      store.before('put', 'order/', () => {
        throw new ValueTooLarge()
      })
    })
    expect(await order(modern[0], { id: 'a' })).toBe('order 1')
    expect(await order(modern[0], { id: 'a' })).toContain('too large to be kept')
    expect(effects).toEqual(['a'])
  })

  it('that asks has one effect, however often its last round is sent', async () => {
    const { effects, modern } = instances(2)
    const params = { name: 'confirm', arguments: { id: 'a' } }
    const first = await (await modern[0]?.request('tools/call', params))?.result()
    const [key = ''] = Object.keys(first.inputRequests)
    const inputResponses = { [key]: { action: 'accept', content: { sure: true } } }
    const final = { ...params, inputResponses, requestState: first.requestState }
    const replies = await Promise.all(modern.map((client) => client.request('tools/call', final)))
    await Promise.all(replies.map((reply) => reply.answer()))
    // A client that has lost the reply begins anew, and gets it without a question.
    const again = await (await modern[1]?.request('tools/call', params))?.result()
    expect(again.content[0].text).toBe('done 1')
    expect(effects).toEqual(['a accept'])
  })
})

it('a tool cannot have both task and idempotent', () => {
  const mcp = createMcp({ name: 'a', version: '1' })
  const options = { description: 'Both', task: {}, idempotent: () => 'a' }
  expect(() => mcp.tool('both', options, () => '')).toThrow('task excludes idempotent')
})

it('idempotentFor must be a time', () => {
  const mcp = createMcp({ name: 'a', version: '1' })
  expect(() => mcp.tool('a', { description: 'A', idempotentFor: -1 }, () => '')).toThrow(
    'idempotentFor',
  )
})
