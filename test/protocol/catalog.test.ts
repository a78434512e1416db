/** A catalog per caller: what is hidden from a caller is, in every answer, as if it were not registered. */
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Auth, LogEntry, Mcp, McpOptions } from '../../src/index.ts'
import { AuthError, createMcp, memoryStore } from '../../src/index.ts'
import { heldBytes } from '../support/heap.ts'
import { TaskClient } from '../support/tasks.ts'
import type { Reply, WireClient } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

/** A token is `name`, `name:scope` or `name:scope+scope`; the claim `mask` is the number in the name. */
const auth: Auth = {
  async verify(request) {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
    const [subject = '', scopes = ''] = token.split(':')
    if (!subject) throw new AuthError('No token')
    const mask = Number(/\d+$/.exec(subject)?.[0] ?? 0)
    return { id: subject, subject, scopes: scopes.split('+').filter(Boolean), claims: { mask } }
  },
  challenge: ({ code, scopes }) =>
    new Response(null, {
      status: code === 'insufficient_scope' ? 403 : 401,
      headers: { 'www-authenticate': scopes.join(' ') },
    }),
}

let mcp: Mcp
let log: LogEntry[]
const others: Mcp[] = []

const serverOf = (options: Partial<McpOptions> = {}) =>
  createMcp({ name: 'catalog', version: '1', auth, log: (entry) => log.push(entry), ...options })

beforeEach(() => {
  log = []
  mcp = serverOf()
})
afterEach(async () => {
  for (const one of [mcp, ...others.splice(0)]) await one.close({ grace: 0 })
})

const legacy = (token: string, on = mcp) =>
  LegacyClient.open(fetchEndpoint(on), '2025-11-25', {
    headers: { authorization: `Bearer ${token}` },
  })
const modern = (token: string, on = mcp) =>
  new ModernClient(fetchEndpoint(on), { headers: { authorization: `Bearer ${token}` } })
const both = async (token: string) => [await legacy(token), modern(token)] as const

const namesOf = async (client: WireClient, list = 'tools'): Promise<string[]> => {
  const method = list === 'templates' ? 'resources/templates/list' : `${list}/list`
  const result = await (await client.request(method)).result()
  const items: { name: string }[] = result[list === 'templates' ? 'resourceTemplates' : list]
  return items.map(({ name }) => name)
}

/** The status and the message, without ids and without the names that the client itself has sent. */
const answerOf = async (reply: Reply, name: string) => {
  const { error, result } = await reply.answer()
  return JSON.stringify({ status: reply.status, error, result }).replaceAll(name, '…')
}

describe('what is hidden from a caller', () => {
  beforeEach(() => {
    const visible = () => false
    const argument = { region: v.optional(v.string()) }
    const input = v.object(argument)
    mcp.tool('hidden', { description: 'x', input, headers: { region: 'Region' }, visible }, () => 1)
    mcp.tool('scoped', { description: 'x', scopes: ['admin'] }, () => 1)
    mcp.tool('both', { description: 'x', scopes: ['admin'], stepUp: true, visible }, () => 1)
    mcp.tool('open', { description: 'x' }, () => 1)
    const complete = { region: () => ['eu'] }
    mcp.prompt('hidden', { description: 'x', input, complete, visible }, () => 'x')
    mcp.prompt('scoped', { description: 'x', input, complete, scopes: ['admin'] }, () => 'x')
    mcp.resource('note:hidden', { name: 'hidden', visible }, () => 'x')
    mcp.resource('note:scoped', { name: 'scoped', scopes: ['admin'] }, () => 'x')
    mcp.resource('a:{region}', { name: 'hidden', complete, visible }, () => 'x')
    mcp.resource('b:{region}', { name: 'scoped', complete, scopes: ['admin'] }, () => 'x')
  })

  it('is in no list', async () => {
    for (const client of await both('ann')) {
      expect(await namesOf(client)).toEqual(['open'])
      for (const list of ['prompts', 'resources', 'templates']) {
        expect(await namesOf(client, list)).toEqual([])
      }
    }
  })

  it('is there for a caller with the scopes, except what `visible` hides', async () => {
    for (const client of await both('ann:admin')) {
      expect(await namesOf(client)).toEqual(['scoped', 'open'])
      expect((await (await client.call('scoped')).result()).content[0].text).toBe('1')
      for (const list of ['prompts', 'resources', 'templates']) {
        expect(await namesOf(client, list)).toEqual(['scoped'])
      }
      const read = await client.request('resources/read', { uri: 'b:eu' })
      expect((await read.result()).contents[0].text).toBe('x')
    }
  })

  const ref = (type: string, member: string, name: string) => ({
    ref: { type, [member]: name },
    argument: { name: 'region', value: '' },
  })
  const probes: readonly [string, string, readonly string[], (name: string) => object][] = [
    ['tools/call', 'unknown', ['hidden', 'scoped', 'both'], (name) => ({ name })],
    ['tools/call', 'unknown', ['hidden'], (name) => ({ name, arguments: { region: 'eu' } })],
    ['tools/call', 'unknown', ['hidden'], (name) => ({ name, arguments: { wrong: 1 } })],
    ['tools/call', 'unknown', ['hidden', 'scoped'], (name) => ({ name, arguments: [] })],
    ['prompts/get', 'unknown', ['hidden', 'scoped'], (name) => ({ name })],
    [
      'resources/read',
      'note:unknown',
      ['note:hidden', 'note:scoped', 'a:1', 'b:1'],
      (uri) => ({ uri }),
    ],
    [
      'completion/complete',
      'unknown',
      ['hidden', 'scoped'],
      (name) => ref('ref/prompt', 'name', name),
    ],
    [
      'completion/complete',
      'unknown',
      ['a:{region}', 'b:{region}', 'note:hidden'],
      (uri) => ref('ref/resource', 'uri', uri),
    ],
    ['tools/list', 'unknown', ['hidden', 'scoped'], (name) => ({ cursor: btoa(name) })],
    ['prompts/list', 'unknown', ['hidden', 'scoped'], (name) => ({ cursor: btoa(name) })],
    [
      'resources/list',
      'note:unknown',
      ['note:hidden'],
      (uri) => ({ cursor: btoa(encodeURIComponent(uri)) }),
    ],
  ]

  it.each(probes)('is to %s as something unknown', async (method, unknown, hidden, toParams) => {
    for (const client of await both('ann')) {
      const expected = await answerOf(
        await client.request(method, { ...toParams(unknown) }),
        unknown,
      )
      expect(expected).toContain('"error"')
      for (const name of hidden) {
        const reply = await client.request(method, { ...toParams(name) })
        expect(await answerOf(reply, name)).toBe(expected)
      }
    }
  })

  it('is to resources/subscribe and subscriptions/listen as something unknown', async () => {
    const client = await legacy('ann')
    const unknown = await client.request('resources/subscribe', { uri: 'note:unknown' })
    const reply = await client.request('resources/subscribe', { uri: 'note:hidden' })
    expect(await answerOf(reply, 'note:hidden')).toBe(await answerOf(unknown, 'note:unknown'))
    const stream = await modern('ann').listen({ resourceSubscriptions: ['note:hidden', 'b:1'] })
    expect((await stream.next())?.params.notifications).toEqual({})
    const insider = await modern('ann:admin').listen({
      resourceSubscriptions: ['note:hidden', 'b:1'],
    })
    expect((await insider.next())?.params.notifications).toEqual({ resourceSubscriptions: ['b:1'] })
    await stream.leave()
    await insider.leave()
  })

  it('lets another resource answer for its URI, as an unregistered one would', async () => {
    mcp.resource('note:{name}', { name: 'open' }, ({ name }) => `open ${name}`)
    for (const client of await both('ann')) {
      const reply = await client.request('resources/read', { uri: 'note:scoped' })
      expect((await reply.result()).contents[0].text).toBe('open scoped')
    }
  })

  it('does not change what the server announces, as a view may change later', async () => {
    const { capabilities } = await (await modern('ann').request('server/discover')).result()
    expect(Object.keys(capabilities)).toEqual(
      expect.arrayContaining(['tools', 'prompts', 'completions']),
    )
  })
})

describe('a step up', () => {
  beforeEach(() => {
    const stepUp = true
    const scopes = ['write']
    mcp.tool('write', { description: 'x', scopes, stepUp }, () => 1)
    mcp.prompt('write', { description: 'x', scopes, stepUp }, () => 'x')
    mcp.resource('note:write', { name: 'write', scopes, stepUp }, () => 'x')
  })

  it('lists what the scopes forbid, and answers with 403 and the scopes', async () => {
    for (const client of await both('ann')) {
      for (const list of ['tools', 'prompts', 'resources']) {
        expect(await namesOf(client, list)).toEqual(['write'])
      }
      for (const [method, params] of [
        ['tools/call', { name: 'write' }],
        ['prompts/get', { name: 'write' }],
        ['resources/read', { uri: 'note:write' }],
        [
          'completion/complete',
          { ref: { type: 'ref/prompt', name: 'write' }, argument: { name: 'a', value: '' } },
        ],
      ] as const) {
        const reply = await client.request(method, params)
        expect([reply.status, reply.header('www-authenticate')]).toEqual([403, 'write'])
      }
    }
    for (const client of await both('ann:write')) {
      expect((await client.request('resources/read', { uri: 'note:write' })).status).toBe(200)
    }
  })
})

describe('`visible`', () => {
  it('sees the caller in both eras', async () => {
    const seen: unknown[] = []
    mcp.tool('look', { description: 'x', visible: (caller) => seen.push(caller) > 0 }, () => 1)
    for (const client of await both('ann7:a+b')) await (await client.call('look')).result()
    const principal = { subject: 'ann7', scopes: ['a', 'b'], claims: { mask: 7 } }
    const client = { name: 'wire', version: '1' }
    expect(seen).toMatchObject([
      { principal, era: 'legacy', revision: '2025-11-25', client, capabilities: {} },
      { principal, era: 'modern', revision: '2026-07-28', client, capabilities: {} },
    ])
  })

  it('that throws or rejects hides, and is logged', async () => {
    mcp.tool('open', { description: 'x' }, () => 1)
    mcp.tool(
      'throws',
      {
        description: 'x',
        visible: () => {
          throw new Error('down')
        },
      },
      () => 1,
    )
    mcp.tool(
      'rejects',
      {
        description: 'x',
        visible: async () => {
          throw new Error('down')
        },
      },
      () => 1,
    )
    for (const client of await both('ann')) {
      log.length = 0
      expect(await namesOf(client)).toEqual(['open'])
      expect(log.filter(({ message }) => message === 'visible threw')).toHaveLength(2)
      const { error } = await (await client.call('throws')).answer()
      expect(error).toEqual({ code: -32602, message: 'Unknown tool: throws' })
    }
  })

  it('is asked once for a list, and for a call only when the tool has it', async () => {
    let asked = 0
    const visible = async () => ++asked > 0
    for (let i = 0; i < 50; i++) mcp.tool(`t${i}`, { description: 'x', visible }, () => 1)
    mcp.tool('open', { description: 'x' }, () => 1)
    const client = modern('ann')
    expect(await namesOf(client)).toHaveLength(51)
    expect(asked).toBe(1)
    await (await client.call('open')).result()
    expect(asked).toBe(1)
    await (await client.call('t7')).result()
    expect(asked).toBe(2)
  })

  it('of an item that is registered while it is asked hides that item once, and not from the cache', async () => {
    let enter = () => {}
    const entered = new Promise<void>((resolve) => {
      enter = resolve
    })
    let release = (_: boolean) => {}
    const pending = new Promise<boolean>((resolve) => {
      release = resolve
    })
    const visible = () => {
      enter()
      return pending
    }
    const slow = mcp.tool('slow', { description: 'x', visible }, () => 1)
    const list = namesOf(modern('ann'))
    await entered
    slow.remove()
    mcp.tool('late', { description: 'x', visible: () => true }, () => 1)
    release(true)
    expect(await list).toEqual([])
    expect(await namesOf(modern('ann'))).toEqual(['late'])
  })
})

describe('500 callers with different views', () => {
  const BITS = 9
  const INITIAL = { tools: 't', prompts: 'p', resources: 'r', templates: 's' }
  const bits = (mask: number) =>
    Array.from({ length: BITS }, (_, i) => i).filter((i) => (mask >> i) & 1)

  beforeEach(() => {
    for (let i = 0; i < BITS; i++) {
      const has = (mask: unknown) => ((Number(mask) >> i) & 1) === 1
      const visible = ({ principal }: { principal: { claims: object } | undefined }) => {
        const yes = has(Reflect.get(principal?.claims ?? {}, 'mask'))
        return i % 2 ? Promise.resolve(yes) : yes
      }
      const complete = { a: () => [`secret ${i}`] }
      const input = v.object({ a: v.optional(v.string()) })
      mcp.tool(`t${i}`, { description: `secret ${i}`, visible }, () => `secret ${i}`)
      mcp.prompt(
        `p${i}`,
        { description: `secret ${i}`, input, complete, visible },
        () => `secret ${i}`,
      )
      mcp.resource(
        `r:${i}`,
        { name: `r${i}`, description: `secret ${i}`, visible },
        () => `secret ${i}`,
      )
      mcp.resource(
        `s${i}:{a}`,
        { name: `s${i}`, description: `secret ${i}`, complete, visible },
        () => `secret ${i}`,
      )
    }
  })

  const requestsOf = (i: number): readonly (readonly [string, Record<string, unknown>])[] => {
    const argument = { name: 'a', value: '' }
    return [
      ['tools/call', { name: `t${i}` }],
      ['prompts/get', { name: `p${i}` }],
      ['resources/read', { uri: `r:${i}` }],
      ['resources/read', { uri: `s${i}:x` }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: `p${i}` }, argument }],
      ['completion/complete', { ref: { type: 'ref/resource', uri: `s${i}:{a}` }, argument }],
    ]
  }

  it.each(['legacy', 'modern'])(
    'leak nothing to each other (%s)',
    { timeout: 30_000 },
    async (era) => {
      let leaks = 0
      let asked = 0
      const lists = ['tools', 'prompts', 'resources', 'templates'] as const
      const visit = async (mask: number) => {
        const own = bits(mask)
        const client = era === 'legacy' ? await legacy(`u${mask}`) : modern(`u${mask}`)
        for (const list of lists) {
          asked++
          const found = await namesOf(client, list)
          if (`${found}` !== `${own.map((i) => `${INITIAL[list]}${i}`)}`) leaks++
        }
        // Another kind of request for each of the others.
        for (let i = mask % 3; i < BITS; i += 3) {
          const requests = requestsOf(i)
          const [method, params] = requests[(mask + i) % requests.length] ?? ['', {}]
          asked++
          const { error, result } = await (await client.request(method, params)).answer()
          const told = JSON.stringify(result ?? error)
          if (own.includes(i) !== told.includes(`secret ${i}`)) leaks++
          if (!own.includes(i) && !error) leaks++
        }
      }
      const masks = Array.from({ length: 500 }, (_, i) => i + 1)
      for (let i = 0; i < masks.length; i += 50)
        await Promise.all(masks.slice(i, i + 50).map(visit))
      expect(asked).toBe(500 * 7)
      expect(leaks).toBe(0)
    },
  )

  it('keep a bounded number of lists, and share those of the same view', async () => {
    const padding = 'x'.repeat(100_000)
    mcp.tool('large', { description: padding }, () => 1)
    const before = heldBytes()
    for (let i = 0; i < 500; i++) await namesOf(modern(`u${i}`))
    expect(heldBytes() - before).toBeLessThan(25e6)
    let written = 0
    const { stringify } = JSON
    JSON.stringify = ((value: unknown, ...rest: []) => {
      if (typeof value === 'object' && value && 'tools' in value) written++
      return stringify(value, ...rest)
    }) as typeof JSON.stringify
    try {
      for (let i = 0; i < 20; i++) await namesOf(modern(`same${i}u5`))
    } finally {
      JSON.stringify = stringify
    }
    expect(written).toBeLessThanOrEqual(1)
  })
})

describe('a cursor', () => {
  it('cannot name the view of another caller in the cache', async () => {
    mcp.tool('open', { description: 'x' }, () => 1)
    mcp.tool('secret', { description: 'x', scopes: ['admin'] }, () => 1)
    expect(await namesOf(modern('ann:admin'))).toEqual(['open', 'secret'])
    for (const cursor of ['', ' ', '0.1', '2.1', '1', 'tools 2026-07-28']) {
      const reply = await modern('ann').request('tools/list', { cursor })
      expect((await reply.answer()).error).toMatchObject({ code: -32602 })
    }
  })

  it('leads through the pages of a view, and from page to page of no other', async () => {
    await mcp.close({ grace: 0 })
    mcp = serverOf({ pageSize: 2 })
    for (let i = 0; i < 9; i++) {
      mcp.tool(`t${i}`, { description: 'x', ...(i % 3 === 1 && { scopes: ['admin'] }) }, () => 1)
    }
    for (const [token, most] of [
      ['ann', 6],
      ['ann:admin', 9],
    ] as const) {
      for (const client of await both(token)) {
        const found: string[] = []
        for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
          const result = await (
            await client.request('tools/list', cursor ? { cursor } : {})
          ).result()
          expect(result.tools.length).toBeLessThanOrEqual(2)
          found.push(...result.tools.map(({ name }: { name: string }) => name))
          cursor = result.nextCursor
        }
        expect(found).toHaveLength(most)
        expect(new Set(found).size).toBe(most)
      }
    }
  })
})

describe('the caching of 2026', () => {
  it('is private for each list that differs by caller, and as configured for the others', async () => {
    await mcp.close({ grace: 0 })
    mcp = serverOf({ cache: { ttlMs: 5_000, scope: 'public' }, pageSize: 1 })
    mcp.tool('a', { description: 'x' }, () => 1)
    mcp.tool('b', { description: 'x', visible: () => true }, () => 1)
    mcp.prompt('a', { description: 'x' }, () => 'x')
    mcp.prompt('b', { description: 'x', scopes: ['up'], stepUp: true }, () => 'x')
    const client = modern('ann')
    const first = await (await client.request('tools/list')).result()
    const second = await (await client.request('tools/list', { cursor: first.nextCursor })).result()
    for (const page of [first, second]) {
      expect(page).toMatchObject({ ttlMs: 5_000, cacheScope: 'private' })
    }
    expect(await (await client.request('prompts/list')).result()).toMatchObject({
      ttlMs: 5_000,
      cacheScope: 'public',
    })
  })
})

describe('a task of a tool that is hidden by now', () => {
  let seen = true
  beforeEach(() => {
    seen = true
    const visible = () => seen
    mcp.tool('work', { description: 'x', visible, task: { waitFor: 20 } }, async (_, ctx) => {
      await ctx.elicit('Sure?', v.object({ sure: v.boolean() }), { key: 'sure' })
      return 'secret'
    })
  })

  it('is unknown, also to the tool for results', async () => {
    const owner = new TaskClient(mcp, { authorization: 'Bearer ann' })
    const id = await owner.create('work', {})
    await expect.poll(async () => (await owner.get(id)).status).toBe('input_required')
    const told = await (await (await legacy('ann')).call('task_result', { task: id })).result()
    expect(told.content[0].text).toContain('The work goes on.')
    seen = false
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'] as const) {
      const [theirs, none] = [id, 'x'.repeat(24)].map(async (taskId) =>
        (await owner.about(method, taskId, { inputResponses: {} })).answer(),
      )
      const { error } = (await theirs) ?? {}
      expect(error).toEqual({ code: -32602, message: 'Unknown task' })
      expect(error).toEqual((await none)?.error)
    }
    for (const args of [{ task: id }, { task: id, cancel: true }]) {
      const result = await (await (await legacy('ann')).call('task_result', args)).result()
      expect(result).toEqual({ content: [{ type: 'text', text: 'Unknown task' }], isError: true })
    }
    seen = true
    expect((await owner.get(id)).status).toBe('input_required')
  })
})

describe('notes of changes', () => {
  const listening = async (token: string, on = mcp) => {
    const stream = await modern(token, on).listen({
      toolsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: ['note:1'],
    })
    await stream.next()
    return stream
  }
  const legacyListening = async (token: string, on = mcp) => {
    const client = await legacy(token, on)
    return { client, stream: await client.get() }
  }
  const kindOf = (message: { method?: string } | undefined) => message?.method

  it('of one caller reach its clients alone, on every instance and in both eras', async () => {
    const store = memoryStore()
    const [a, b] = [serverOf({ store }), serverOf({ store })]
    others.push(a, b)
    for (const one of [a, b]) {
      one.tool('pro', { description: 'x', visible: () => true }, () => 1)
      one.resource('note:1', { name: 'n' }, () => 'x')
    }
    const streams = [await listening('ann', b), (await legacyListening('ann', b)).stream]
    const foreign = [await listening('bob', b), (await legacyListening('bob', b)).stream]
    await a.notify.toolsChanged({ subject: 'ann' })
    await a.notify.resourcesChanged()
    for (const stream of streams) {
      expect(kindOf(await stream.next())).toBe('notifications/tools/list_changed')
      expect(kindOf(await stream.next())).toBe('notifications/resources/list_changed')
    }
    for (const stream of foreign) {
      expect(kindOf(await stream.next())).toBe('notifications/resources/list_changed')
    }
    for (const stream of [...streams, ...foreign]) await stream.leave()
  })

  it('tell no caller of a registration that is hidden from it', async () => {
    mcp.tool('open', { description: 'x' }, () => 1)
    mcp.resource('note:1', { name: 'n' }, () => 'x')
    const insiders = [await listening('ann:admin'), (await legacyListening('ann:admin')).stream]
    const outsiders = [await listening('bob'), (await legacyListening('bob')).stream]
    const secret = mcp.tool('secret', { description: 'x', scopes: ['admin'] }, () => 1)
    await mcp.notify.toolsChanged()
    for (const stream of insiders) {
      expect(kindOf(await stream.next())).toBe('notifications/tools/list_changed')
    }
    secret.remove()
    await mcp.notify.toolsChanged()
    mcp.resource('note:2', { name: 'n' }, () => 'x')
    await mcp.notify.resourcesChanged()
    for (const stream of insiders) {
      expect(kindOf(await stream.next())).toBe('notifications/tools/list_changed')
      expect(kindOf(await stream.next())).toBe('notifications/resources/list_changed')
    }
    for (const stream of outsiders) {
      expect(kindOf(await stream.next())).toBe('notifications/resources/list_changed')
    }
    // A change whose reason is not a registration of this process is told to everybody.
    await mcp.notify.resourcesChanged()
    for (const stream of outsiders) {
      expect(kindOf(await stream.next())).toBe('notifications/resources/list_changed')
      await stream.leave()
    }
    for (const stream of insiders) await stream.leave()
  })

  it('of a resource that was hidden since do not reach the caller that follows it', async () => {
    let open = true
    mcp.resource('note:1', { name: 'n', visible: () => open }, () => 'x')
    mcp.tool('any', { description: 'x' }, () => 1)
    const stream = await listening('ann')
    const { client, stream: old } = await legacyListening('ann')
    await (await client.request('resources/subscribe', { uri: 'note:1' })).result()
    await mcp.notify.resourceUpdated('note:1')
    for (const one of [stream, old]) {
      expect(kindOf(await one.next())).toBe('notifications/resources/updated')
    }
    open = false
    await mcp.notify.resourceUpdated('note:1')
    await mcp.notify.toolsChanged()
    for (const one of [stream, old]) {
      expect(kindOf(await one.next())).toBe('notifications/tools/list_changed')
      await one.leave()
    }
  })
})
