/** What observers are told of requests and calls, and that none of them can change an answer. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type {
  CallOutcome,
  LogEntry,
  McpOptions,
  ObservedCall,
  ObservedRequest,
  Observer,
} from '../../src/index.ts'
import { bearer, createMcp, failure } from '../../src/index.ts'
import { fetchEndpoint, LegacyClient, ModernClient } from '../support/wire.ts'

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

interface Seen {
  readonly calls: (ObservedCall & CallOutcome)[]
  readonly requests: ObservedRequest[]
  readonly observer: Observer
}

function recorder(): Seen {
  const calls: Seen['calls'] = []
  const requests: ObservedRequest[] = []
  const observer: Observer = {
    async call(call, run) {
      calls.push({ ...call, ...(await run()) })
    },
    request: (request) => requests.push(request),
  }
  return { calls, requests, observer }
}

function serverWith(options: Partial<McpOptions>) {
  const mcp = createMcp({ name: 'observed', version: '1', ...options })
  mcp.tool('now', { description: 'Returns at once' }, () => 1)
  mcp.tool('later', { description: 'Returns a promise' }, async () => 2)
  mcp.tool('sorry', { description: 'Fails' }, () => failure('not today'))
  mcp.tool('bug', { description: 'Throws' }, () => {
    throw new Error('a secret of the server')
  })
  mcp.tool('strict', { description: 'Wants a number', input: v.object({ a: v.number() }) }, () => 3)
  mcp.tool('safe', { description: 'Needs a scope', scopes: ['write'], stepUp: true }, () => 4)
  mcp.prompt('hello', { description: 'Greets' }, () => 'Hello')
  return mcp
}

const erasOf = async (mcp: ReturnType<typeof serverWith>, headers = {}) => {
  const endpoint = fetchEndpoint(mcp)
  return [
    await LegacyClient.open(endpoint, '2025-11-25', { headers }),
    new ModernClient(endpoint, { headers }),
  ] as const
}

describe('a call', () => {
  it.each([
    ['now', {}, undefined],
    ['later', {}, undefined],
    ['sorry', {}, 'tool_error'],
    ['bug', {}, 'tool_error'],
    ['strict', { a: 'x' }, 'tool_error'],
    ['strict', { a: 1 }, undefined],
  ])('of %s with %o is told with its outcome in both eras', async (name, args, error) => {
    const { calls, observer } = recorder()
    const mcp = serverWith({ observer, log: () => {} })
    for (const client of await erasOf(mcp)) {
      calls.length = 0
      await (await client.call(name, args)).result()
      const era = client instanceof LegacyClient ? 'legacy' : 'modern'
      expect(calls).toMatchObject([{ method: 'tools/call', tool: name, era }])
      expect(calls[0]?.error).toBe(error)
    }
  })

  it('of an unknown tool has the code of its error, and not the name that the client made up', async () => {
    const { calls, requests, observer } = recorder()
    for (const client of await erasOf(serverWith({ observer }))) {
      await (await client.call('made_up')).rest()
      expect(calls.at(-1)).toMatchObject({ tool: undefined, error: '-32602' })
      expect(requests.at(-1)).toMatchObject({ method: 'tools/call', tool: undefined })
    }
  })

  it('without a scope has the OAuth error, and is refused', async () => {
    const { calls, requests, observer } = recorder()
    const auth = bearer({ tokens: ['a-token-of-some-length'] })
    const headers = { authorization: 'Bearer a-token-of-some-length' }
    for (const client of await erasOf(serverWith({ observer, auth }), headers)) {
      expect((await client.call('safe')).status).toBe(403)
      expect(calls.at(-1)).toMatchObject({ tool: 'safe', error: 'insufficient_scope' })
      expect(requests.at(-1)?.status).toBe(403)
    }
  })

  it('of a method that the protocol has not is told as _OTHER', async () => {
    const { calls, requests, observer } = recorder()
    const [legacy] = await erasOf(serverWith({ observer }))
    await (await legacy.request('made/up')).rest()
    expect(calls.at(-1)).toMatchObject({ method: '_OTHER', error: '-32601' })
    expect(requests.at(-1)).toMatchObject({ method: '_OTHER' })
  })

  it('of initialize, of a list and of a prompt is told as well', async () => {
    const { calls, observer } = recorder()
    const [legacy] = await erasOf(serverWith({ observer }))
    await (await legacy.request('tools/list')).result()
    await (await legacy.request('prompts/get', { name: 'hello' })).result()
    expect(calls).toMatchObject([
      { method: 'initialize', tool: undefined },
      { method: 'tools/list', session: expect.stringMatching(/^[\da-f]{8}$/) },
      { method: 'prompts/get', prompt: 'hello' },
    ])
    expect(JSON.stringify(calls)).not.toContain(legacy.sessionId)
  })

  it('has the trace context of its _meta, or else that of the HTTP headers', async () => {
    const { calls, observer } = recorder()
    const mcp = serverWith({ observer })
    for (const client of await erasOf(mcp)) {
      await client.call('now', {}, { meta: { traceparent: TRACE } })
      expect(calls.at(-1)).toMatchObject({ trace: { traceparent: TRACE }, traceSource: 'meta' })
    }
    for (const client of await erasOf(mcp, { traceparent: TRACE })) {
      await client.call('now')
      expect(calls.at(-1)).toMatchObject({ trace: { traceparent: TRACE }, traceSource: 'headers' })
    }
  })
})

describe('an observer', () => {
  it.each([
    ['throws', { call: () => Promise.reject(new Error('broken')) }],
    [
      'throws after the call',
      {
        async call(_: ObservedCall, run: () => Promise<CallOutcome>) {
          await run()
          throw new Error('broken')
        },
      },
    ],
    ['forgets to run the call', { call: () => {} }],
    [
      'runs the call twice',
      {
        async call(_: ObservedCall, run: () => Promise<CallOutcome>) {
          await Promise.all([run(), run()])
        },
      },
    ],
    [
      'throws at a request',
      {
        request() {
          throw new Error('broken')
        },
      },
    ],
  ])('that %s changes no answer: the call runs once', async (_, observer: Observer) => {
    const lines: LogEntry[] = []
    let runs = 0
    const mcp = createMcp({ name: 'observed', version: '1', observer, log: (l) => lines.push(l) })
    mcp.tool('count', { description: 'Counts' }, () => ++runs)
    const client = new ModernClient(fetchEndpoint(mcp))
    expect((await (await client.call('count')).result()).content).toEqual([
      { type: 'text', text: '1' },
    ])
    expect(runs).toBe(1)
    const failures = lines.filter(({ message }) => message === 'an observer failed')
    const broken = [observer.call, observer.request].some((member) => /broken/.test(`${member}`))
    expect(failures.length).toBe(broken ? 1 : 0)
  })

  it('of the platform and one of the server are both told', async () => {
    const own = recorder()
    const hosts = recorder()
    const mcp = serverWith({ observer: own.observer })
    await mcp.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'now',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'now',
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      }),
      { platform: { observer: hosts.observer } },
    )
    expect(own.calls).toHaveLength(1)
    expect(own.requests).toHaveLength(1)
    expect(hosts).toMatchObject({ calls: own.calls, requests: own.requests })
  })

  it('gets refused requests too', async () => {
    const { requests, observer } = recorder()
    const auth = bearer({ tokens: ['a-token-of-some-length'] })
    const mcp = serverWith({ observer, auth })
    await mcp.fetch(new Request('http://localhost/mcp', { method: 'POST', body: '{}' }))
    expect(requests).toMatchObject([{ verb: 'POST', status: 401, method: undefined }])
  })
})
