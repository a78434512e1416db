/** `proxy()`: a remote server of either era, for clients of both, also when it is restarted. */
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import type { ProxyOptions } from '../../adapters/proxy.ts'
import { proxy } from '../../adapters/proxy.ts'
import { connect } from '../../adapters/testing.ts'
import type { Mcp, McpOptions } from '../../src/index.ts'
import { bearer, createMcp, McpError } from '../../src/index.ts'
import type { Answers, Fetch } from '../support/official-clients.ts'
import { OFFICIAL } from '../support/official-clients.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

function createServer(options: Partial<McpOptions> = {}): Mcp {
  const mcp = createMcp({ name: 'front', version: '1.0.0', log: () => {}, ...options })
  open.push({ close: () => mcp.close({ grace: 0 }) })
  return mcp
}

const CITIES = ['Oslo', 'Osaka', 'Rome']

/** A remote server that can be stopped and started with nothing left of what it knew. */
class Remote {
  readonly requests: Request[] = []
  readonly cancelled: string[] = []
  mcp: Mcp | undefined
  refuse: ((request: Request) => Response | undefined) | undefined
  readonly #more: (mcp: Mcp) => void

  constructor(more: (mcp: Mcp) => void = () => {}) {
    this.#more = more
    this.start()
  }

  start(more = this.#more): void {
    this.mcp = createServer({ name: 'remote' })
    this.#register(this.mcp)
    more(this.mcp)
  }

  async stop(): Promise<void> {
    const { mcp } = this
    this.mcp = undefined
    await mcp?.close({ grace: 0 })
  }

  readonly fetch: typeof fetch = async (url, init) => {
    const request = new Request(url, init)
    if (!this.mcp) throw new TypeError('fetch failed: connection refused by 10.0.0.7')
    this.requests.push(request.clone())
    return this.refuse?.(request) ?? this.mcp.fetch(request)
  }

  #register(mcp: Mcp): void {
    mcp.tool(
      'get_weather',
      {
        description: 'Current weather',
        input: v.object({ city: v.string() }),
        output: v.object({ degrees: v.number() }),
        headers: { city: 'City' },
        annotations: { readOnlyHint: true },
      },
      ({ city }) => ({ degrees: city.length }),
    )
    mcp.tool('count', { description: 'Counts' }, (_, ctx) => {
      for (const done of [1, 2, 3]) ctx.progress(done, 3)
      ctx.log.info('counted')
      return 'three'
    })
    mcp.tool(
      'book',
      { description: 'Asks', input: v.object({ city: v.string() }) },
      async ({ city }, ctx) => {
        const answer = await ctx.elicit(`Book ${city}?`, v.object({ sure: v.boolean() }))
        return answer.action === 'accept' ? `booked ${city}: ${answer.content.sure}` : 'nothing'
      },
    )
    mcp.tool('rhyme', { description: 'Asks the model' }, async (_, ctx) => {
      const messages = [{ role: 'user' as const, content: { type: 'text', text: 'A rhyme' } }]
      const { content } = await ctx.sample({ messages, maxTokens: 10 })
      return `${content.text} ${(await ctx.roots()).map(({ uri }) => uri)}`
    })
    mcp.tool('wait', { description: 'Waits' }, async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      this.cancelled.push('wait')
    })
    mcp.tool('crash', { description: 'Fails' }, () => {
      throw new McpError(-32_603, 'the password is 1234')
    })
    mcp.prompt(
      'travel',
      {
        description: 'Plans',
        input: v.object({ city: v.string() }),
        complete: { city: (value) => CITIES.filter((city) => city.startsWith(value)) },
      },
      ({ city }) => `Plan a journey to ${city}`,
    )
    mcp.resource('test://about', { name: 'about' }, () => 'All about it')
    mcp.resource('test://cities/{city}', { name: 'city' }, ({ city }) => `The city ${city}`)
  }
}

/** A client of a server in this process. */
async function clientOf(mcp: Mcp, name = 'v2 pinned to 2026-07-28', answers: Answers = {}) {
  const [, , opens] = OFFICIAL.find(([client]) => client === name) ?? []
  if (!opens) throw new Error(`No client ${name}`)
  const fetch: Fetch = async (url, init) => mcp.fetch(new Request(url, init))
  const client = await opens('http://localhost/mcp', answers, fetch)
  open.push(client)
  return client
}

const ERAS = ['legacy', 'modern'] as const
type Era = (typeof ERAS)[number]

/** A server with a remote one behind it. In `auto` the proxy finds out the era, which is 2026. */
async function proxied(
  remote: Remote,
  era: Era,
  options: ProxyOptions = {},
  own: Partial<McpOptions> = {},
) {
  const mcp = createServer(own)
  const given = { fetch: remote.fetch, era, ...options }
  const upstream = await proxy(mcp, 'http://localhost/mcp', given)
  open.push(upstream)
  return { mcp, upstream }
}

const CASES = ERAS.flatMap((era) => OFFICIAL.map(([client]) => ({ era, client })))

describe.each(CASES)('a remote server of the $era era, for $client', ({ era, client: name }) => {
  it('serves its tools, prompts, resources and completions', async () => {
    const { mcp } = await proxied(new Remote(), era, { prefix: 'r_' })
    const client = await clientOf(mcp, name)
    expect(await client.list('tools')).toEqual(expect.arrayContaining(['r_get_weather', 'r_book']))
    expect(await client.call('r_get_weather', { city: 'Malmö' })).toMatchObject({
      structuredContent: { degrees: 5 },
    })
    expect(await client.call('r_get_weather', { city: 1 })).toMatchObject({ isError: true })
    expect(await client.prompt('r_travel', { city: 'Rome' })).toBe('Plan a journey to Rome')
    expect(await client.complete('r_travel', 'city', 'Os')).toEqual(['Oslo', 'Osaka'])
    expect(await client.read('test://about')).toBe('All about it')
    expect(await client.read('test://cities/Oslo')).toBe('The city Oslo')
  })

  it('passes progress, log messages and questions on', async () => {
    const { mcp } = await proxied(new Remote(), era)
    const client = await clientOf(mcp, name, {
      elicit: () => ({ action: 'accept', content: { sure: true } }),
      sample: () => 'cat, hat',
      roots: () => ['file:///home'],
    })
    const progress: number[] = []
    await client.call('count', {}, (done) => progress.push(done))
    expect(progress).toEqual([1, 2, 3])
    expect(client.heard).toContain('info: counted')
    const booked = await Promise.all(['Oslo', 'Rome'].map((city) => client.call('book', { city })))
    expect(booked.map(({ content }) => content[0]?.text)).toEqual([
      'booked Oslo: true',
      'booked Rome: true',
    ])
    expect((await client.call('rhyme')).content[0]?.text).toBe('cat, hat file:///home')
  })
})

describe.each(ERAS)('a remote server of the %s era', (era) => {
  it('may be killed and started again', async () => {
    const remote = new Remote()
    const { mcp } = await proxied(remote, era)
    const client = await clientOf(mcp)
    await client.listen()
    await remote.stop()
    const down = await client.call('count')
    expect(down).toMatchObject({ isError: true })
    expect(JSON.stringify(down)).toContain('The remote server cannot be reached')
    expect(JSON.stringify(down)).not.toContain('10.0.0.7')
    remote.start((again) => again.tool('new_one', { description: 'New' }, () => 'new'))
    expect((await client.call('count')).content[0]?.text).toBe('three')
    await expect.poll(() => client.heard).toContain('notifications/tools/list_changed')
    expect((await client.call('new_one')).content[0]?.text).toBe('new')
  })

  it('is followed when its lists change', async () => {
    const remote = new Remote()
    const { mcp } = await proxied(remote, era)
    const client = await clientOf(mcp)
    await client.listen()
    // The proxy listens soon after its start.
    await expect.poll(() => remote.requests.some(isListening)).toBe(true)
    remote.mcp?.tool('new_one', { description: 'New' }, () => 'new')
    await expect
      .poll(async () => {
        await remote.mcp?.notify.toolsChanged()
        return client.heard
      })
      .toContain('notifications/tools/list_changed')
    expect(await client.list('tools')).toContain('new_one')
  })

  it('is told when a client cancels a call', async () => {
    const remote = new Remote()
    const { mcp } = await proxied(remote, era)
    const client = await connect(mcp)
    open.push(client)
    const stop = new AbortController()
    const call = client.callTool({ name: 'wait' }, { signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    await expect(call).rejects.toThrow()
    await expect.poll(() => remote.cancelled).toEqual(['wait'])
  })

  it('gets the headers of the author, and no credential of a caller', async () => {
    const token = 'a-token-of-thirty-two-characters-or-more'
    const auth = bearer({
      tokens: ['ann', 'bob'].map((subject) => ({ token: `${token}-${subject}`, subject })),
    })
    const remote = new Remote()
    const headers = { authorization: 'Bearer service' }
    const { mcp } = await proxied(remote, era, { headers }, { auth })
    for (const subject of ['ann', 'bob']) {
      const client = await connect(mcp, {
        headers: {
          authorization: `Bearer ${token}-${subject}`,
          cookie: 'secret=1',
          'x-api-key': 'secret',
        },
      })
      open.push(client)
      await client.callTool({ name: 'count' })
    }
    for (const request of remote.requests) {
      expect(request.headers.get('authorization')).toBe('Bearer service')
      expect([...request.headers].flat().join(' ')).not.toContain('secret')
      expect(request.redirect).toBe('error')
    }
    const sessions = new Set(remote.requests.map(({ headers }) => headers.get('mcp-session-id')))
    // One for the lists and one for each caller, beside the requests without a session.
    expect(sessions.size).toBe(era === 'legacy' ? 4 : 1)
  })

  it('gets headers for each caller where the author says so', async () => {
    const remote = new Remote()
    const { mcp } = await proxied(remote, era, {
      headers: (ctx) => (ctx ? { 'x-tenant': String(ctx.request.client.name) } : {}),
    })
    const client = await connect(mcp, { clientInfo: { name: 'acme', version: '1' } })
    open.push(client)
    await client.callTool({ name: 'count' })
    const tenants = remote.requests.map(({ headers }) => headers.get('x-tenant'))
    expect(new Set(tenants)).toEqual(new Set([null, 'acme']))
  })

  it('tells no client what its internal errors and refusals say', async () => {
    const remote = new Remote()
    const logged: unknown[] = []
    const { mcp } = await proxied(remote, era, {}, { log: (entry) => logged.push(entry) })
    const client = await clientOf(mcp)
    expect(JSON.stringify(await client.call('crash'))).not.toContain('1234')
    expect(JSON.stringify(logged)).toContain('1234')
    remote.refuse = () => new Response('the database is at 10.0.0.7', { status: 500 })
    const refused = await client.call('count')
    expect(refused).toMatchObject({ isError: true })
    expect(JSON.stringify(refused)).not.toMatch(/10\.0|500/)
  })

  it('fails a call after a time of silence, and not while a person is asked', async () => {
    const remote = new Remote()
    const { mcp } = await proxied(remote, era, { timeout: 200 })
    const client = await clientOf(mcp, 'v1', {
      elicit: async () => {
        await new Promise((resolve) => setTimeout(resolve, 400))
        return { action: 'accept', content: { sure: true } }
      },
    })
    expect(JSON.stringify(await client.call('wait'))).toContain('silent for 0.2 seconds')
    expect((await client.call('book', { city: 'Oslo' })).content[0]?.text).toBe('booked Oslo: true')
  })

  it('is gone when its proxy is closed', async () => {
    const { mcp, upstream } = await proxied(new Remote(), era)
    await upstream.close()
    expect(mcp.registered.tools.size).toBe(0)
  })
})

describe('a proxy', () => {
  it('finds out the era of the remote server', async () => {
    const remote = new Remote()
    const mcp = createServer()
    open.push(await proxy(mcp, 'http://localhost/mcp', { fetch: remote.fetch }))
    expect(remote.requests[0]?.headers.get('mcp-method')).toBe('server/discover')
    expect(remote.requests.every(({ headers }) => !headers.has('mcp-session-id'))).toBe(true)
    const older = new Remote()
    older.refuse = ({ headers }) =>
      headers.has('mcp-method') ? new Response('No session', { status: 400 }) : undefined
    open.push(await proxy(createServer(), 'http://localhost/mcp', { fetch: older.fetch }))
    expect(older.requests.some(({ headers }) => headers.has('mcp-session-id'))).toBe(true)
  })

  it('does not start with a server that cannot be reached, and registers nothing', async () => {
    const remote = new Remote()
    await remote.stop()
    const mcp = createServer()
    const started = proxy(mcp, 'http://localhost/mcp', { fetch: remote.fetch })
    await expect(started).rejects.toThrow('cannot be reached')
    expect(mcp.registered.tools.size).toBe(0)
  })

  it('takes credentials in headers alone, and URLs of HTTP alone', async () => {
    const mcp = createServer()
    await expect(proxy(mcp, 'http://user:pass@localhost/mcp')).rejects.toThrow('options.headers')
    await expect(proxy(mcp, 'file:///etc/passwd')).rejects.toThrow('neither https: nor http:')
  })
})

/** Whether a request opens a stream of changes. */
function isListening({ method, headers }: Request): boolean {
  return method === 'GET' || headers.get('mcp-method') === 'subscriptions/listen'
}
