import { beforeEach, describe, expect, it } from 'vitest'
import type { Mcp } from '../../src/index.ts'
import { createMcp, memoryStore, oauth } from '../../src/index.ts'
import { toolCall } from '../support/auth-app.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'

/** Two tenants, each with its own issuer. Their users have the same name. */
const red = await createTokenIssuer({ url: 'https://login.red.example' })
const blue = await createTokenIssuer({ url: 'https://login.blue.example' })
const resource = 'https://mcp.example.com/mcp'
const hour = 3_600_000

let now = Date.now()
const clock = () => now

/** One of several instances of the server, which share only the store. */
function createInstance(store: ReturnType<typeof memoryStore>): Mcp {
  const mcp = createMcp({
    name: 'test',
    version: '1.0.0',
    allowedHosts: ['*'],
    store,
    clock,
    stateTtl: 60_000,
    log: () => {},
    auth: oauth({
      issuer: [red.url, blue.url],
      resource,
      clock,
      fetch: (input, init) => (String(input).startsWith(red.url) ? red : blue).fetch(input, init),
    }),
  })
  mcp.tool('count', { description: 'Counts calls', session: true }, (_, ctx) =>
    ctx.session.update<number>('count', (count = 0) => count + 1),
  )
  mcp.tool('tell', { description: 'Tells a secret slowly' }, async (_, ctx) => {
    await ctx.log.info('a secret')
    return `for ${ctx.principal?.claims.iss}`
  })
  mcp.tool('ask', { description: 'Asks' }, async (_, ctx) => {
    const answer = await ctx.elicit('Sure?', { type: 'object', properties: {} })
    return `${ctx.principal?.claims.iss}: ${answer.action}`
  })
  return mcp
}

let instances: Mcp[] = []
beforeEach(() => {
  now = Date.now()
  const store = memoryStore({ clock })
  instances = [createInstance(store), createInstance(store)]
})

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Sends a request to the instances, one after the other. */
async function send(token: string | undefined, { method = 'POST', headers = {}, body }: Sent) {
  const [next, ...others] = instances
  if (!next) throw new Error('There is no instance.')
  instances = [...others, next]
  const response = await next.fetch(
    new Request(resource, {
      method,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body }),
    }),
  )
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const legacy = (message: object, session?: string): Sent => ({
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session !== undefined && { 'mcp-session-id': session }),
  },
  body: JSON.stringify({ jsonrpc: '2.0', ...message }),
})

const listen = (session: string, lastEventId: string): Sent => ({
  method: 'GET',
  headers: {
    accept: 'text/event-stream',
    'mcp-session-id': session,
    'last-event-id': lastEventId,
  },
})

const initialize = {
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'test', version: '1.0.0' },
  },
}

async function openSession(token: string): Promise<string> {
  const { headers } = await send(token, legacy(initialize))
  const session = headers.get('mcp-session-id') ?? ''
  expect(session).toMatch(/^[\x21-\x7e]{22,}$/)
  return session
}

const callTool = (name: string, id = 2) => ({ id, method: 'tools/call', params: { name } })

/** Returns the text of a tool's result, or the error, from a JSON answer. */
const outcome = ({ text }: { text: string }) => {
  const { result, error } = JSON.parse(text)
  return error ?? result
}

describe('the state of one tenant', () => {
  it('is a session that the other cannot find or end', async () => {
    const [ours, theirs] = [await red.token(), await blue.token()]
    const session = await openSession(ours)
    await openSession(theirs)

    const count = legacy(callTool('count'), session)
    const unknown = await send(theirs, legacy(callTool('count'), 'x'.repeat(session.length)))
    const foreign = await send(theirs, count)
    expect(foreign.status).toBe(404)
    expect(foreign.text).toBe(unknown.text)
    const ending = { method: 'DELETE', headers: { 'mcp-session-id': session } }
    expect((await send(theirs, ending)).status).toBe(404)
    expect((await send(theirs, listen(session, 'changes.0'))).status).toBe(404)
    const answer = { id: 'question', result: { action: 'decline' } }
    expect((await send(theirs, legacy(answer, session))).status).toBe(404)
    const method = 'notifications/cancelled'
    const cancellation = { method, params: { requestId: 1 } }
    expect((await send(theirs, legacy(cancellation, session))).status).toBe(404)

    expect((await send(ours, legacy(answer, session))).status).toBe(202)
    expect((await send(ours, count)).status).toBe(200)
    expect((await send(ours, ending)).status).toBe(204)
  })

  it('is the values that a tool keeps between the calls of a session', async () => {
    const tenants = [await red.token(), await blue.token()]
    for (const token of tenants) {
      const session = await openSession(token)
      for (const expected of [1, 2, 3]) {
        const answer = outcome(await send(token, legacy(callTool('count'), session)))
        expect(answer.content[0].text).toBe(String(expected))
      }
    }
  })

  it('is a stream that the other cannot resume in any session', async () => {
    const [ours, theirs] = [await red.token(), await blue.token()]
    const [session, other] = [await openSession(ours), await openSession(theirs)]
    const { text } = await send(ours, legacy(callTool('tell'), session))
    const [first = ''] = /(?<=^id: ).+$/m.exec(text) ?? []
    expect(text).toContain('a secret')

    for (const attempt of [listen(session, first), listen(other, first)]) {
      const { status, text } = await send(theirs, attempt)
      expect(status).toBe(404)
      expect(text).not.toContain('secret')
    }
    // The same caller cannot do it from another session either.
    expect((await send(ours, listen(await openSession(ours), first))).status).toBe(404)
    const resumed = await send(ours, listen(session, first))
    expect(resumed.status).toBe(200)
    expect(resumed.text).toContain(`for ${red.url}`)
  })

  it('is a handle that the other cannot use', async () => {
    const [ours, theirs] = [await red.token(), await blue.token()]
    const first = outcome(await send(ours, toolCall('count')))
    const session = first._meta['streamable-mcp/session']
    const again = toolCall('count', { arguments: { session } })
    expect(outcome(await send(ours, again)).content[0].text).toBe('2')

    const foreign = outcome(await send(theirs, again))
    const unknown = toolCall('count', { arguments: { session: 'x'.repeat(session.length) } })
    expect(foreign.isError).toBe(true)
    expect(foreign).toEqual(outcome(await send(theirs, unknown)))
    expect(outcome(await send(ours, again)).content[0].text).toBe('3')
  })

  it('is a sealed state that only its owner can use, and only until it expires', async () => {
    const [ours, theirs] = [await red.token(), await blue.token()]
    const asked = outcome(await send(ours, toolCall('ask')))
    expect(asked.resultType).toBe('input_required')
    const { inputRequests, requestState } = asked
    const [key = ''] = Object.keys(inputRequests)
    const retry = toolCall('ask', {
      requestState,
      inputResponses: { [key]: { action: 'accept', content: {} } },
    })

    expect(await send(theirs, retry)).toMatchObject({
      status: 400,
      text: expect.stringContaining('-32602'),
    })
    expect(outcome(await send(ours, retry)).content[0].text).toBe(`${red.url}: accept`)

    now += 61_000
    const replayed = await send(ours, retry)
    expect(replayed.status).toBe(400)
    expect(outcome(replayed).code).toBe(-32602)
  })
})

describe('no one', () => {
  const discover = toolCall('count')
  discover.headers['mcp-method'] = 'server/discover'
  delete discover.headers['mcp-name']
  discover.body = discover.body.replace('tools/call', 'server/discover')

  it.each<[string, Sent]>([
    ['initialize', legacy(initialize)],
    ['server/discover', discover],
    ['a notification', legacy({ method: 'notifications/initialized' })],
    ['a tool', toolCall('count')],
    ['what is not even JSON', { ...legacy({}), body: '{' }],
    ['GET', listen('x', 'changes.0')],
    ['DELETE', { method: 'DELETE', headers: { 'mcp-session-id': 'x' } }],
  ])('gets past 401 with %s (A36)', async (_, request) => {
    const { status, headers, text } = await send(undefined, request)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toMatch(/^Bearer (?!error)/)
    // The answer contains only the refusal, and not even the server's name.
    expect(JSON.parse(text)).toEqual({
      jsonrpc: '2.0',
      error: { code: -32600, message: 'This server needs an access token.' },
    })
  })

  it('keeps a session by its id alone once the token has run out (D11)', async () => {
    const token = await red.token()
    const session = await openSession(token)
    now += hour
    const { status, headers } = await send(token, legacy(callTool('count'), session))
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it.each(['OPTIONS', 'GET'])('needs a token for %s of public documents', async (method) => {
    const [instance] = instances
    const response = await instance?.fetch(
      new Request('https://mcp.example.com/.well-known/oauth-protected-resource/mcp', {
        method,
        headers: { origin: 'https://inspector.example' },
      }),
    )
    expect(response?.ok).toBe(true)
    expect(response?.headers.get('access-control-allow-origin')).toBe('*')
  })
})
