/** Every option of `createMcp()` has an effect that can be observed from outside. Each has a row, with and without it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type {
  LogEntry,
  Mcp,
  McpOptions,
  ObservedRequest,
  Store,
  ToolHandler,
} from '../../src/index.ts'
import { bearer, createMcp, inProcess, memoryStore } from '../../src/index.ts'
import type { TestEndpoint } from '../support/wire.ts'
import { fetchEndpoint, LegacyClient, ModernClient, post, Reply } from '../support/wire.ts'

type Options = Partial<McpOptions>

interface Row {
  /** Starts a server with these options, and returns their effect for a client or the operator. */
  observe(options: Options): Promise<unknown>
  /** Options and their effects. The first case is the default. */
  cases: readonly (readonly [given: Options, seen: unknown])[]
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const ICONS = [{ src: 'https://example.com/icon.png' }]
const OLD_KEY = 'the old key that seals, of 32 characters'
const NEW_KEY = 'the new key that seals, of 32 characters'

const running: Mcp[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((mcp) => mcp.close({ grace: 0 })))
})

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Returns the result of a promise, or "pending" if it does not settle within some milliseconds. */
const within = <T>(milliseconds: number, promise: Promise<T>): Promise<T | 'pending'> =>
  Promise.race([promise, sleep(milliseconds).then(() => 'pending' as const)])

function start(options: Options, tool: ToolHandler<undefined> = () => 'done'): TestEndpoint {
  const mcp = createMcp({ name: 'options', version: '1.0.0', ...options })
  for (const name of ['first', 'second', 'third']) {
    mcp.tool(name, { description: `The ${name} tool` }, tool)
  }
  running.push(mcp)
  return fetchEndpoint(mcp)
}

const connect = (endpoint: TestEndpoint, capabilities = {}) =>
  LegacyClient.open(endpoint, '2025-11-25', { capabilities })

/** A clock that the test sets. */
function createClock() {
  let now = Date.UTC(2026, 8, 1)
  return {
    clock: () => now,
    wait: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

const serverInfo: Row['observe'] = async (options) => {
  const { server } = await connect(start(options))
  const { name, version, ...rest } = server.serverInfo
  return { name, version, ...rest }
}
const info = { name: 'options', version: '1.0.0' }

/** Makes a call in a session after each pause, and returns the status of the last one. */
const afterPauses =
  (...pauses: number[]): Row['observe'] =>
  async (options) => {
    const { clock, wait } = createClock()
    const client = await connect(start({ clock, ...options }))
    let status = 0
    for (const pause of pauses) {
      wait(pause)
      status = (await client.request('ping')).status
    }
    return status
  }

/** Makes a 2026 call that asks a question at one server, sends the answer to another, and returns the result. */
async function answerElsewhere(
  asking: TestEndpoint,
  answering: TestEndpoint,
  pause: () => void = () => {},
): Promise<unknown> {
  const capabilities = { elicitation: { form: {} } }
  const params = { name: 'first', arguments: {} }
  const { inputRequests, requestState } = await (
    await new ModernClient(asking, { capabilities }).request('tools/call', params)
  ).result()
  pause()
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: {} }]),
  )
  const again = { ...params, inputResponses, requestState }
  const { result, error } = await (
    await new ModernClient(answering, { capabilities }).request('tools/call', again)
  ).answer()
  return error?.code ?? result.content[0].text
}

const asks: ToolHandler<undefined> = async (_, ctx) => {
  const { action } = await ctx.elicit('Really?', { type: 'object', properties: {} })
  return action
}

const statusOf = async (options: Options, headers: Record<string, string>, body: unknown = PING) =>
  (await post(start(options), body, headers)).status

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'wire', version: '1' },
  },
}

/** Returns a store that stops to answer when the test says so, as after the death of an instance's host. */
function mortal(store: Store): { store: Store; die(): void } {
  let dead = false
  const proxy = new Proxy(store, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => (dead ? new Promise(() => {}) : value.apply(target, args))
    },
  })
  return {
    store: proxy,
    die: () => {
      dead = true
    },
  }
}

const ROWS: Record<keyof McpOptions, Row> = {
  tools: {
    observe: async (options) => {
      const { tools } = await (
        await new ModernClient(start(options)).request('tools/list')
      ).result()
      return tools.some(({ name }: { name: string }) => name === 'search_tools')
    },
    cases: [
      [{}, false],
      [{ tools: 'list' }, false],
      [{ tools: 'search' }, true],
    ],
  },
  name: {
    observe: async (options) => (await connect(start(options))).server.serverInfo.name,
    cases: [
      [{}, 'options'],
      [{ name: 'weather' }, 'weather'],
    ],
  },
  version: {
    observe: async (options) => (await connect(start(options))).server.serverInfo.version,
    cases: [
      [{}, '1.0.0'],
      [{ version: '2.0.0' }, '2.0.0'],
    ],
  },
  page: {
    observe: async (options) => {
      const headers = { accept: 'text/html' }
      const response = await start(options).fetch('http://localhost/mcp', { headers })
      return [response.status, await response.text()]
    },
    cases: [
      [{}, [406, expect.stringContaining('Accept must allow text/event-stream')]],
      [{ page: { respond: () => new Response('A page') } }, [200, 'A page']],
    ],
  },
  title: {
    observe: serverInfo,
    cases: [
      [{}, info],
      [{ title: 'Weather' }, { ...info, title: 'Weather' }],
    ],
  },
  description: {
    observe: serverInfo,
    cases: [
      [{}, info],
      [{ description: 'Tells it' }, { ...info, description: 'Tells it' }],
    ],
  },
  websiteUrl: {
    observe: serverInfo,
    cases: [
      [{}, info],
      [{ websiteUrl: 'https://example.com' }, { ...info, websiteUrl: 'https://example.com' }],
    ],
  },
  icons: {
    observe: serverInfo,
    cases: [
      [{}, info],
      [{ icons: ICONS }, { ...info, icons: ICONS }],
    ],
  },
  instructions: {
    observe: async (options) => (await connect(start(options))).server.instructions,
    cases: [
      [{}, undefined],
      [{ instructions: 'Ask twice.' }, 'Ask twice.'],
    ],
  },
  path: {
    async observe(options) {
      const { fetch } = start(options)
      const headers = { 'content-type': 'application/json' }
      const send = (path: string) =>
        fetch(`http://localhost${path}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(initialize),
        })
      return [(await send('/mcp')).status, (await send('/other')).status]
    },
    cases: [
      [{}, [200, 404]],
      [{ path: '/other' }, [404, 200]],
    ],
  },
  store: {
    // If two servers share a store, each knows the sessions of the other.
    async observe(options) {
      const { sessionId } = await connect(start(options))
      return (await post(start(options), PING, { 'mcp-session-id': sessionId })).status
    },
    cases: [
      [{}, 404],
      [{ store: memoryStore() }, 200],
    ],
  },
  auth: {
    observe: (options) => statusOf(options, {}, initialize),
    cases: [
      [{}, 200],
      [{ auth: bearer({ tokens: ['secret'] }) }, 401],
    ],
  },
  listening: {
    async observe(options) {
      const client = await connect(start(options))
      const reply = await client.get()
      await reply.leave()
      return [reply.status, client.server.capabilities.tools]
    },
    cases: [
      [{}, [200, { listChanged: true }]],
      [{ listening: true }, [200, { listChanged: true }]],
      [{ listening: false }, [405, {}]],
    ],
  },
  stateKeys: {
    // The server that asks has the old key. The server that reads the answer has the keys of the case.
    observe: (options) =>
      answerElsewhere(start({ stateKeys: [OLD_KEY] }, asks), start(options, asks)),
    cases: [
      [{}, -32602],
      [{ stateKeys: [NEW_KEY] }, -32602],
      [{ stateKeys: [OLD_KEY] }, 'accept'],
      [{ stateKeys: [NEW_KEY, OLD_KEY] }, 'accept'],
    ],
  },
  sessions: {
    async observe(options) {
      const client = await connect(start(options))
      const named = await client.request('ping', undefined, {
        headers: { 'mcp-session-id': 'of-a-platform' },
      })
      const bare = await client.request('ping', undefined, {
        headers: { 'mcp-session-id': undefined },
      })
      return [client.sessionId !== '', named.status, bare.status]
    },
    cases: [
      [{}, [true, 404, 400]],
      [{ sessions: 'issued' }, [true, 404, 400]],
      [{ sessions: 'adopted' }, [true, 200, 200]],
      [{ sessions: 'none' }, [false, 200, 200]],
    ],
  },
  sessionTtl: {
    observe: afterPauses(2 * HOUR),
    cases: [
      [{}, 200],
      [{ sessionTtl: HOUR }, 404],
      [{ sessionTtl: 3 * HOUR }, 200],
    ],
  },
  sessionMaxAge: {
    observe: afterPauses(HOUR, HOUR, HOUR),
    cases: [
      [{}, 200],
      [{ sessionMaxAge: 2.5 * HOUR }, 404],
      [{ sessionMaxAge: 4 * HOUR }, 200],
    ],
  },
  limits: {
    async observe(options) {
      const client = new ModernClient(start(options, () => 'done'))
      await client.call('first')
      return (await client.call('first')).status
    },
    cases: [
      [{}, 200],
      [{ limits: { perTool: { perDay: 1 } } }, 429],
      [{ limits: { perTool: { perDay: 2 } } }, 200],
    ],
  },
  callTimeout: {
    async observe(options) {
      const endpoint = start(options, () => sleep(200).then(() => 'done'))
      const { result, error } = await (await new ModernClient(endpoint).call('first')).answer()
      return error || result.isError ? 'ended' : result.content[0].text
    },
    cases: [
      [{}, 'done'],
      [{ callTimeout: 30 }, 'ended'],
    ],
  },
  answerTimeout: {
    async observe(options) {
      const client = await connect(start(options, asks), { elicitation: {} })
      const reply = await client.call('first')
      await reply.next()
      const answered = await within(300, reply.answer())
      return answered === 'pending' ? 'pending' : 'ended'
    },
    cases: [
      [{}, 'pending'],
      [{ answerTimeout: 30 }, 'ended'],
    ],
  },
  suspendAfter: {
    async observe(options) {
      const client = await connect(start(options, asks), { elicitation: {} })
      const reply = await client.call('first')
      return within(
        300,
        reply.rest().then(() => 'suspended'),
      )
    },
    cases: [
      [{}, 'pending'],
      [{ suspendAfter: false }, 'pending'],
      [{ suspendAfter: 30 }, 'suspended'],
    ],
  },
  stateTtl: {
    async observe(options) {
      const { clock, wait } = createClock()
      const endpoint = start({ clock, ...options }, asks)
      return answerElsewhere(endpoint, endpoint, () => wait(2 * MINUTE))
    },
    cases: [
      [{}, 'accept'],
      [{ stateTtl: MINUTE }, -32602],
    ],
  },
  keepAlive: {
    async observe(options) {
      const endpoint = start(options, () => sleep(200).then(() => 'done'))
      const reply = await new ModernClient(endpoint).call('first')
      await reply.rest()
      return reply.events.some(({ comment }) => comment !== undefined)
    },
    cases: [
      [{}, false],
      [{ keepAlive: 30 }, true],
    ],
  },
  drainTimeout: {
    // The client begins to read after a while.
    async observe(options) {
      const endpoint = start(options, (_, ctx) => {
        ctx.progress(1)
        return 'done'
      })
      const reply = await new ModernClient(endpoint).call(
        'first',
        {},
        { meta: { progressToken: 1 } },
      )
      await sleep(150)
      const messages = await reply.rest()
      return messages.some(({ result }) => result) ? 'kept' : 'disconnected'
    },
    cases: [
      [{}, 'kept'],
      [{ drainTimeout: 30 }, 'disconnected'],
    ],
  },
  listenTimeout: {
    async observe(options) {
      const reply = await (await connect(start(options))).get()
      const read = await within(300, reply.rest())
      await reply.leave()
      return read === 'pending' ? 'open' : 'ended'
    },
    cases: [
      [{}, 'open'],
      [{ listenTimeout: 30 }, 'ended'],
    ],
  },
  streamGather: {
    // Ten progress events, 20 ms apart. The first write has the first event; the last one has the result.
    async observe(options) {
      const memory = memoryStore()
      let writes = 0
      const { wait: _, ...polled } = memory
      const store: Store = {
        ...polled,
        append: (...args) => {
          writes++
          return memory.append(...args)
        },
      }
      const counts: ToolHandler<undefined> = async (_args, ctx) => {
        for (let done = 0; done < 10; done++) {
          ctx.progress(done)
          await sleep(20)
        }
        return 'counted'
      }
      const client = await connect(start({ store, ...options }, counts))
      const reply = await client.call('first', {}, { meta: { progressToken: 1 } })
      expect(await reply.rest()).toHaveLength(11)
      return writes < 9 ? 'gathers' : 'writes each'
    },
    cases: [
      [{}, 'gathers'],
      [{ streamGather: 0 }, 'writes each'],
    ],
  },

  changeCopies: {
    // The names of the records that a change is written to.
    async observe(options) {
      const { wait: _, ...polled } = memoryStore()
      const written: string[] = []
      const store: Store = {
        ...polled,
        put: (key, ...args) => {
          written.push(key[0])
          return polled.put(key, ...args)
        },
      }
      const mcp = createMcp({ name: 'options', version: '1.0.0', store, ...options })
      running.push(mcp)
      await mcp.notify.toolsChanged()
      return written.toSorted().join()
    },
    cases: [
      [{}, 'server'],
      [{ changeCopies: 2 }, 'server,server/copy 0,server/copy 1'],
    ],
  },

  streamLease: {
    // The instance that runs a call dies, and the client resumes the stream at another one.
    async observe(options) {
      const shared = memoryStore()
      const { store, die } = mortal(shared)
      const talks: ToolHandler<undefined> = async (_, ctx) => {
        ctx.progress(1)
        await new Promise(() => {})
        return ''
      }
      const client = await connect(start({ ...options, store }, talks))
      const reply = await client.call('first', {}, { meta: { progressToken: 1 } })
      await reply.notification('notifications/progress')
      die()
      const id = reply.events.find((event) => event.id)?.id ?? ''
      const other = start({ ...options, store: shared })
      const headers = { ...client.headers, accept: 'text/event-stream', 'last-event-id': id }
      const resumed = new Reply(await other.fetch(other.url, { headers }), new AbortController())
      const answer = await within(3_000, resumed.answer())
      return answer === 'pending' ? 'waits' : answer.error?.code
    },
    cases: [
      [{}, 'waits'],
      [{ streamLease: 100 }, -32603],
    ],
  },
  streamRetention: {
    async observe(options) {
      const { clock, wait } = createClock()
      const talks: ToolHandler<undefined> = (_, ctx) => {
        ctx.progress(1)
        return 'done'
      }
      const client = await connect(start({ clock, callTimeout: SECOND, ...options }, talks))
      const reply = await client.call('first', {}, { meta: { progressToken: 1 } })
      await reply.rest()
      wait(2 * MINUTE)
      const resumed = await client.get(reply.events.find((event) => event.id)?.id)
      const messages = await resumed.rest()
      return messages.some(({ result }) => result) ? 'replayed' : 'gone'
    },
    cases: [
      [{}, 'replayed'],
      [{ streamRetention: MINUTE }, 'gone'],
    ],
  },
  runner: {
    // A runner that never runs its tasks.
    async observe(options) {
      const mcp = createMcp({ name: 'options', version: '1.0.0', ...options })
      running.push(mcp)
      mcp.tool('work', { description: 'Works', task: { waitFor: 100 } }, () => 'done')
      const reply = await new ModernClient(fetchEndpoint(mcp)).call('work')
      return (await reply.result()).structuredContent?.status ?? 'done'
    },
    cases: [
      [{}, 'done'],
      [{ runner: inProcess() }, 'done'],
      [{ runner: () => ({ start: async () => {}, wake: async () => {} }) }, 'working'],
    ],
  },
  resultTool: {
    async observe(options) {
      const mcp = createMcp({ name: 'options', version: '1.0.0', ...options })
      running.push(mcp)
      mcp.tool('work', { description: 'Works', task: {} }, () => 'done')
      const list = await new ModernClient(fetchEndpoint(mcp)).request('tools/list')
      return (await list.result()).tools.map(({ name }: { name: string }) => name)
    },
    cases: [
      [{}, ['task_result', 'work']],
      [{ resultTool: 'work_result' }, ['work_result', 'work']],
    ],
  },
  pageSize: {
    async observe(options) {
      const { tools, nextCursor } = await (
        await new ModernClient(start(options)).request('tools/list')
      ).result()
      return [tools.length, nextCursor !== undefined]
    },
    cases: [
      [{}, [3, false]],
      [{ pageSize: 2 }, [2, true]],
    ],
  },
  cache: {
    async observe(options) {
      const { ttlMs, cacheScope } = await (
        await new ModernClient(start(options)).request('tools/list')
      ).result()
      return { ttlMs, cacheScope }
    },
    cases: [
      [{}, { ttlMs: MINUTE, cacheScope: 'private' }],
      [{ cache: { ttlMs: 5, scope: 'public' } }, { ttlMs: 5, cacheScope: 'public' }],
    ],
  },
  log: {
    // Without a `log`, only failures are written to the console, and no entry for a request.
    async observe(options) {
      const lines: LogEntry[] = []
      const written = vi.spyOn(console, 'error').mockImplementation(() => {})
      const endpoint = start(
        { ...options, ...(options.log && { log: (line) => lines.push(line) }) },
        () => {
          throw new Error('a fault of the tool')
        },
      )
      await (await new ModernClient(endpoint).call('first')).rest()
      const calls = written.mock.calls.map(([line]) => JSON.parse(String(line)).level)
      written.mockRestore()
      return { console: calls, own: lines.map(({ level }) => level) }
    },
    cases: [
      [{}, { console: ['error'], own: [] }],
      [{ log: () => {} }, { console: [], own: ['error', 'info'] }],
    ],
  },
  observer: {
    async observe(options) {
      const statuses: number[] = []
      const observer = { request: ({ status }: ObservedRequest) => statuses.push(status) }
      const endpoint = start({ ...options, ...(options.observer && { observer }) })
      await (await new ModernClient(endpoint).call('first')).rest()
      return statuses
    },
    cases: [
      [{}, []],
      [{ observer: {} }, [200]],
    ],
  },
  clock: {
    async observe({ clock = Date.now }) {
      const lines: LogEntry[] = []
      const endpoint = start({ clock, log: (line) => lines.push(line) })
      await (await new ModernClient(endpoint).call('first')).rest()
      return lines.every(({ durationMs }) => Number(durationMs) >= MINUTE)
    },
    cases: [
      [{}, false],
      [
        {
          clock: (() => {
            let now = 0
            return () => (now += MINUTE)
          })(),
        },
        true,
      ],
    ],
  },
  allowedHosts: {
    observe: (options) => statusOf(options, { host: 'mcp.example.com' }, initialize),
    cases: [
      [{}, 403],
      [{ allowedHosts: ['mcp.example.com'] }, 200],
      [{ allowedHosts: ['*'] }, 200],
      [{ allowedHosts: ['other.example.com'] }, 403],
    ],
  },
  allowedOrigins: {
    observe: (options) => statusOf(options, { origin: 'https://app.example.com' }, initialize),
    cases: [
      [{}, 403],
      [{ allowedOrigins: ['https://app.example.com'] }, 200],
      [{ allowedOrigins: ['*'] }, 200],
      [{ allowedOrigins: ['https://other.example.com'] }, 403],
    ],
  },
  bodyLimit: {
    observe: (options) => statusOf(options, {}, { ...initialize, padding: 'x'.repeat(5_000) }),
    cases: [
      [{}, 200],
      [{ bodyLimit: 5_000 }, 413],
      [{ bodyLimit: 6_000 }, 200],
    ],
  },
  depthLimit: {
    observe: (options) => statusOf(options, {}, { ...initialize, deep: [[[[[[[[[[]]]]]]]]]] }),
    cases: [
      [{}, 200],
      [{ depthLimit: 10 }, 400],
      [{ depthLimit: 11 }, 200],
    ],
  },
}

/** Returns the members of an interface and of the interfaces that it extends, from the sources. */
function membersOf(name: string): string[] {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join('src', file), 'utf8'))
  for (const source of sources) {
    const found = new RegExp(
      `export interface ${name}(?: extends ([^{]+))? \\{\\n(.*?)\\n\\}`,
      's',
    ).exec(source)
    if (!found) continue
    const [, parents = '', body = ''] = found
    const own = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(
      ([, member = '']) => member,
    )
    return [...own, ...parents.split(/,\s*/).filter(Boolean).flatMap(membersOf)]
  }
  throw new Error(`No source declares ${name}`)
}

describe('the table of options', () => {
  it('has a row for every option of the sources, and no other', () => {
    const declared = membersOf('McpOptions')
    expect(declared.length).toBeGreaterThan(25)
    expect(Object.keys(ROWS).sort()).toEqual(declared.sort())
  })

  it.each(Object.entries(ROWS))('documents the effect of %s', (_, { cases }) => {
    expect(Object.keys(cases[0]?.[0] ?? { none: true })).toEqual([])
    expect(new Set(cases.map(([, seen]) => JSON.stringify(seen))).size).toBeGreaterThan(1)
  })
})

describe.each(Object.entries(ROWS))('the option %s', (_, { observe, cases }) => {
  it.each(cases)('given as %j: %j', async (given, seen) => {
    expect(await observe(given)).toEqual(seen)
  })
})

describe('an option that cannot work', () => {
  it.each<[string, Options]>([
    ['stateKeys', { stateKeys: ['too short'] }],
    ['callTimeout', { callTimeout: 2 ** 31 }],
    ['answerTimeout', { answerTimeout: -1 }],
    ['suspendAfter', { suspendAfter: -1 }],
    ['keepAlive', { keepAlive: 2 ** 31 }],
    ['drainTimeout', { drainTimeout: Number.NaN }],
    ['listenTimeout', { listenTimeout: Number.NaN }],
    ['streamLease', { streamLease: Number.POSITIVE_INFINITY }],
  ])('is named in the error: %s', (name, options) => {
    expect(() => createMcp({ name: 'a', version: '1', ...options })).toThrow(name)
  })
})

it('a call may take ten minutes by default, and not longer', async () => {
  vi.useFakeTimers()
  try {
    const endpoint = start({ log: () => {} }, () => new Promise<string>(() => {}))
    let ended = false
    const client = new ModernClient(endpoint, { accept: 'application/json' })
    const reply = client.call('first').then((value) => {
      ended = true
      return value
    })
    await vi.advanceTimersByTimeAsync(10 * MINUTE - SECOND)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(2 * SECOND)
    expect((await (await reply).result()).content[0].text).toContain('within 600 seconds')
  } finally {
    vi.useRealTimers()
  }
})

it('the events of a call are kept for as long as the call may take', async () => {
  const { clock } = createClock()
  const store = memoryStore({ clock })
  const kept: number[] = []
  const { append } = store
  store.append = (log, after, entries, given) => {
    kept.push(given.expiresAt - clock())
    return append(log, after, entries, given)
  }
  const options = { store, clock, callTimeout: HOUR, streamRetention: MINUTE }
  const client = await connect(
    start(options, (_, ctx) => {
      ctx.log.info('speaks')
      return 'done'
    }),
  )
  await (await client.call('first')).rest()
  expect(kept.length).toBeGreaterThan(0)
  expect(Math.min(...kept)).toBe(HOUR)
})
