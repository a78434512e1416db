/** The doctor finds each fault that a test adds to a healthy server, and none in a healthy one. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check, Verdict } from '../../cli/src/doctor/check.ts'
import type { Examined } from '../../cli/src/doctor/doctor.ts'
import { CHECKS, examine } from '../../cli/src/doctor/doctor.ts'
import { Target } from '../../cli/src/doctor/target.ts'
import { createReferenceServer } from '../../reference/tools/index.ts'
import type { Mcp } from '../../src/index.ts'
import { bearer, createMcp, oauth } from '../../src/index.ts'
import { runCli } from '../support/cli-run.ts'
import { startCliServer } from '../support/cli-server.ts'
import { temporaryHome } from '../support/cli-terminal.ts'
import type { TokenIssuer } from '../support/token-issuer.ts'
import { createTokenIssuer } from '../support/token-issuer.ts'

// There is no server at this address, because the app is called in this process.
const url = 'http://127.0.0.1:9/mcp'

type Handler = (request: Request) => Promise<Response>
/** A fault: a function between the client and the healthy server. */
type Fault = (request: Request, healthy: Handler) => Promise<Response>

let issuer: TokenIssuer
let token: string
let guarded: Mcp
let open: Mcp

beforeAll(async () => {
  issuer = await createTokenIssuer({
    metadata: {
      authorization_endpoint: 'https://login.example.com/authorize',
      token_endpoint: 'https://login.example.com/token',
      registration_endpoint: 'https://login.example.com/register',
      code_challenge_methods_supported: ['S256'],
    },
  })
  const auth = oauth({
    issuer: issuer.url,
    resource: url,
    fetch: (to, init) => issuer.fetch(to, init),
  })
  guarded = createMcp({ name: 'guarded', version: '1', log: () => {}, auth })
  open = createMcp({ name: 'open', version: '1', log: () => {} })
  for (const mcp of [guarded, open]) {
    const input = { type: 'object', properties: { name: { type: 'string' } } } as const
    mcp.tool('greet', { description: 'Greets', input }, ({ name }) => `Hello, ${name}!`)
    mcp.tool('multi-greet', { description: 'Greets slowly', input }, async (_, ctx) => {
      for (const step of [1, 2, 3, 4]) {
        ctx.log.info(`step ${step}`)
        await new Promise((resolve) => setTimeout(resolve, 170))
      }
      return 'done'
    })
  }
  token = await issuer.token({ aud: url })
})
afterAll(() => Promise.all([guarded.close({ grace: 0 }), open.close({ grace: 0 })]))

interface Visit {
  readonly mcp?: Mcp
  readonly token?: string | undefined
  readonly fault?: Fault
  readonly now?: number
  readonly idleTime?: number
  readonly address?: string
}

function targetOf(visit: Visit) {
  const mcp = visit.mcp ?? open
  const healthy: Handler = async (request) =>
    new URL(request.url).hostname === 'login.example.com'
      ? issuer.fetch(request)
      : mcp.fetch(request)
  return {
    url: visit.address ?? url,
    token: visit.token,
    signal: new AbortController().signal,
    now: () => visit.now ?? Date.now(),
    idleTime: visit.idleTime ?? 300,
    fetch: (to: string | URL, init?: RequestInit) => {
      const request = new Request(to, init)
      return visit.fault === undefined ? healthy(request) : visit.fault(request, healthy)
    },
  }
}

async function run(id: string, visit: Visit): Promise<Verdict> {
  const check = CHECKS.find((one) => one.id === id) as Check
  const target = new Target(targetOf(visit))
  try {
    return await check.run(target)
  } finally {
    await target.close()
  }
}

async function examineAll(visit: Visit): Promise<Examined[]> {
  const all: Examined[] = []
  for await (const one of examine({ ...targetOf(visit), slow: true })) all.push(one)
  return all
}

describe('on a healthy server', () => {
  const fine = (all: Examined[]) =>
    all.flatMap(({ check, verdict }) => ('fine' in verdict ? [check.id] : []))
  const findings = (all: Examined[]) =>
    all.flatMap(({ verdict }) => ('findings' in verdict ? verdict.findings : []))

  it('finds nothing, with a token', async () => {
    const all = await examineAll({ mcp: guarded, token })
    expect(findings(all)).toEqual([])
    // Called in this process, the server has no Date to compare.
    expect(fine(all)).toEqual(CHECKS.map(({ id }) => id).filter((id) => id !== 'clock'))
  })

  it('finds nothing, without one', async () => {
    expect(findings(await examineAll({ mcp: guarded }))).toEqual([])
  })

  it('finds nothing in a server without logins', async () => {
    const all = await examineAll({ mcp: open })
    expect(findings(all)).toEqual([])
    expect(fine(all)).toContain('resumption')
  })

  it('finds nothing on the reference server', { timeout: 60_000 }, async () => {
    const mcp = createReferenceServer({ log: () => {} })
    expect(findings(await examineAll({ mcp }))).toEqual([])
    await mcp.close({ grace: 0 })
  })
})

/** Changes one response before the client gets it. */
const edit =
  (
    when: (request: Request, response: Response) => boolean | Promise<boolean>,
    change: (response: Response) => Response | Promise<Response>,
  ): Fault =>
  async (request, healthy) => {
    const copy = request.clone()
    const response = await healthy(request)
    return (await when(copy, response)) ? change(response) : response
  }

const withHeaders =
  (headers: Record<string, string | null>) =>
  (response: Response): Response => {
    const copy = new Response(response.body, response)
    for (const [name, value] of Object.entries(headers)) {
      if (value === null) copy.headers.delete(name)
      else copy.headers.set(name, value)
    }
    return copy
  }

const withJson =
  (change: (json: Record<string, unknown>) => unknown) =>
  async (response: Response): Promise<Response> => {
    const { status, headers } = response
    const text = JSON.stringify(change((await response.json()) as Record<string, unknown>))
    const copy = new Headers(headers)
    copy.delete('content-length')
    return new Response(text, { status, headers: copy })
  }

const to = (part: string) => (request: Request) => new URL(request.url).pathname.startsWith(part)
const methodOf = async (request: Request): Promise<unknown> =>
  request.method === 'POST'
    ? ((await request.clone().json()) as { method?: unknown }).method
    : undefined
const asking = (method: string) => async (request: Request) => (await methodOf(request)) === method
const refused = (_: Request, response: Response) => response.status === 401
const wellKnown = to('/.well-known/oauth-protected-resource')
const answerWith =
  (status: number, body: string | null = null, headers: Record<string, string> = {}) =>
  () =>
    new Response(body, { status, headers })
const always = () => true

/** Removes something with which the server distinguishes callers. */
const without =
  (name: string): Fault =>
  (request, healthy) => {
    const headers = new Headers(request.headers)
    headers.delete(name)
    return healthy(new Request(request, { headers }))
  }

/** Accepts all callers with any token. */
const careless: Fault = (request, healthy) => {
  if (!request.headers.has('authorization')) return healthy(request)
  return healthy(
    new Request(request, {
      headers: { ...Object.fromEntries(request.headers), authorization: `Bearer ${token}` },
    }),
  )
}

describe('finds a seeded fault:', () => {
  const seeded: [what: string, id: string, visit: () => Visit | Promise<Visit>, sees: RegExp][] = [
    [
      'a page instead of an endpoint',
      'reachable',
      () => ({ fault: edit(always, answerWith(200, '<p>', { 'content-type': 'text/html' })) }),
      /not an answer of an MCP/,
    ],
    [
      'a wrong path',
      'reachable',
      () => ({ fault: edit(always, answerWith(404, 'no')) }),
      /HTTP 404/,
    ],
    [
      'a redirect',
      'reachable',
      () => ({
        fault: edit(always, answerWith(307, null, { location: 'https://other.example/mcp' })),
      }),
      /redirects to https:\/\/other.example/,
    ],
    [
      'a connection that fails',
      'reachable',
      () => ({
        fault: () =>
          Promise.reject(Object.assign(new Error(), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })),
      }),
      /certificate is self-signed/,
    ],
    [
      'plain HTTP over the network',
      'tls',
      () => ({ address: 'http://mcp.example.com/mcp' }),
      /not encrypted/,
    ],
    [
      'a clock that is ahead',
      'clock',
      () => ({
        fault: edit(always, withHeaders({ date: new Date(Date.now() + 600_000).toUTCString() })),
      }),
      /600 s ahead|599 s ahead/,
    ],
    [
      'a discover that fails',
      'revisions',
      () => ({ fault: edit(asking('server/discover'), answerWith(500)) }),
      /`server\/discover` fails/,
    ],
    [
      'a modern revision from initialize',
      'revisions',
      () => ({
        fault: edit(
          asking('initialize'),
          withJson((json) => ({
            ...json,
            result: { ...(json.result as object), protocolVersion: '2026-07-28' },
          })),
        ),
      }),
      /negotiates 2026-07-28/,
    ],
    [
      'no counter-offer',
      'revisions',
      () => ({
        fault: edit(
          async (request) =>
            (await asking('initialize')(request)) &&
            (await request.clone().text()).includes('1900'),
          answerWith(400, '{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}'),
        ),
      }),
      /unknown revision is refused/,
    ],
    [
      'no protocol at all',
      'revisions',
      () => ({
        fault: edit(always, answerWith(200, '{"ok":true}', { 'content-type': 'application/json' })),
      }),
      /No revision/,
    ],
    [
      'an open initialize (A36)',
      'open-initialize',
      () => ({
        mcp: guarded,
        fault: async (request, healthy) =>
          (await asking('initialize')(request)) ? open.fetch(request) : healthy(request),
      }),
      /`initialize` is answered without/,
    ],
    [
      'a 401 without a challenge',
      'challenge',
      () => ({ mcp: guarded, fault: edit(refused, withHeaders({ 'www-authenticate': null })) }),
      /no WWW-Authenticate/,
    ],
    [
      'a challenge that API Gateway renamed',
      'challenge',
      () => ({
        mcp: guarded,
        fault: edit(
          refused,
          withHeaders({ 'www-authenticate': null, 'x-amzn-remapped-www-authenticate': 'Bearer' }),
        ),
      }),
      /x-amzn-Remapped/,
    ],
    [
      'the earlier server’s parameter (A47)',
      'challenge',
      () => ({
        mcp: guarded,
        fault: edit(
          refused,
          withHeaders({ 'www-authenticate': 'Bearer resource_metadata_uri="https://x.example"' }),
        ),
      }),
      /says `resource_metadata_uri`/,
    ],
    [
      'a challenge without metadata',
      'challenge',
      () => ({
        mcp: guarded,
        fault: edit(refused, withHeaders({ 'www-authenticate': 'Bearer realm="x"' })),
      }),
      /does not say where the metadata is/,
    ],
    [
      'invalid_token for no token',
      'challenge',
      () => ({
        mcp: guarded,
        fault: edit(
          refused,
          withHeaders({
            'www-authenticate': `Bearer error="invalid_token", resource_metadata="${url}"`,
          }),
        ),
      }),
      /told `invalid_token`/,
    ],
    [
      'no metadata',
      'resource-metadata',
      () => ({ mcp: guarded, fault: edit(wellKnown, answerWith(404)) }),
      /no protected-resource metadata/,
    ],
    [
      'guarded metadata (A100)',
      'resource-metadata',
      () => ({ mcp: guarded, fault: edit(wellKnown, answerWith(403)) }),
      /no protected-resource metadata/,
    ],
    [
      'a challenge that leads nowhere',
      'resource-metadata',
      () => ({
        mcp: guarded,
        fault: edit(
          refused,
          withHeaders({
            'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1:9/nowhere"',
          }),
        ),
      }),
      /nowhere, which answers HTTP 404/,
    ],
    [
      'issuers as objects (A37)',
      'resource-metadata',
      () => ({
        mcp: guarded,
        fault: edit(
          wellKnown,
          withJson((json) => ({
            ...json,
            authorization_servers: [{ issuer: 'https://x.example' }],
          })),
        ),
      }),
      /not a list of URLs/,
    ],
    [
      'a resource that is not a URL (A37)',
      'resource',
      () => ({
        mcp: guarded,
        fault: edit(
          wellKnown,
          withJson((json) => ({ ...json, resource: 'mcp-server-api' })),
        ),
      }),
      /`resource` is "mcp-server-api"/,
    ],
    [
      'a resource of another name',
      'resource',
      () => ({
        mcp: guarded,
        fault: edit(
          wellKnown,
          withJson((json) => ({ ...json, resource: 'http://localhost:9/mcp' })),
        ),
      }),
      /metadata is for http:\/\/localhost:9\/mcp/,
    ],
    [
      'an issuer without metadata',
      'issuer',
      () => ({
        mcp: guarded,
        fault: edit(to('/.well-known/oauth-authorization-server'), answerWith(404)),
      }),
      /has no metadata/,
    ],
    [
      'an issuer of another name (D22)',
      'issuer',
      () => ({
        mcp: guarded,
        fault: edit(
          to('/.well-known/oauth-authorization-server'),
          withJson((json) => ({ ...json, issuer: 'https://evil.example' })),
        ),
      }),
      /its issuer is https:\/\/evil.example/,
    ],
    [
      'an issuer in clear',
      'issuer',
      () => ({
        mcp: guarded,
        fault: edit(
          to('/.well-known/oauth-authorization-server'),
          withJson((json) => ({ ...json, token_endpoint: 'http://login.example.com/token' })),
        ),
      }),
      /token_endpoint is not https/,
    ],
    [
      'no PKCE',
      'registration',
      () => ({
        mcp: guarded,
        fault: edit(
          to('/.well-known/oauth-authorization-server'),
          withJson(({ code_challenge_methods_supported: _, ...json }) => json),
        ),
      }),
      /does not announce PKCE/,
    ],
    [
      'no registration',
      'registration',
      () => ({
        mcp: guarded,
        fault: edit(
          to('/.well-known/oauth-authorization-server'),
          withJson(({ registration_endpoint: _, ...json }) => json),
        ),
      }),
      /registers no clients/,
    ],
    [
      'an expired token',
      'token',
      async () => ({ mcp: guarded, token: await issuer.token({ aud: url, exp: 1_000 }) }),
      /refuses the token/,
    ],
    [
      'a token for another server',
      'token',
      async () => ({ mcp: guarded, token: await issuer.token({ aud: 'https://else.example' }) }),
      /refuses the token/,
    ],
    [
      'a server that takes expired tokens',
      'token',
      async () => ({
        mcp: guarded,
        token: await issuer.token({ aud: url, exp: 1_000 }),
        fault: careless,
      }),
      /accepts a token that is expired/,
    ],
    [
      'a server that takes foreign tokens',
      'token',
      async () => ({
        mcp: guarded,
        token: await issuer.token({ aud: 'https://else.example' }),
        fault: careless,
      }),
      /made for another resource/,
    ],
    [
      '400 for an unknown session (A30)',
      'sessions',
      () => ({ fault: edit((_, response) => response.status === 404, answerWith(400)) }),
      /unknown session is answered with HTTP 400/,
    ],
    [
      'no look at sessions (C35)',
      'sessions',
      () => ({
        fault: edit(
          (request, response) => response.status === 400 && !request.headers.has('mcp-session-id'),
          answerWith(200, '{}'),
        ),
      }),
      /without its session is answered with HTTP 200/,
    ],
    [
      'sessions that do not end',
      'sessions',
      () => ({
        fault: async (request, healthy) =>
          request.method === 'DELETE' ? new Response(null, { status: 204 }) : healthy(request),
      }),
      /ended session is answered with HTTP 200/,
    ],
    [
      'streams that are held back (A24)',
      'streaming',
      () => ({
        fault: edit(
          asking('tools/call'),
          async (response) => new Response(await response.text(), response),
        ),
      }),
      /came together after/,
    ],
    [
      'streams without events',
      'streaming',
      () => ({
        fault: edit(
          asking('tools/call'),
          answerWith(200, '{"jsonrpc":"2.0","id":1,"result":{}}', {
            'content-type': 'application/json',
          }),
        ),
      }),
      /says nothing meanwhile/,
    ],
    [
      'events that are not kept',
      'resumption',
      () => ({ fault: edit((request) => request.method === 'GET', answerWith(404)) }),
      /is not resumed \(HTTP 404\)/,
    ],
    [
      'a stream cut while idle',
      'idle',
      () => ({
        fault: edit(
          (request) => request.method === 'GET',
          answerWith(200, ':\n\n', { 'content-type': 'text/event-stream' }),
        ),
      }),
      /quiet stream was closed/,
    ],
    [
      'a stream without keep-alive',
      'idle',
      () => ({
        fault: edit(
          (request) => request.method === 'GET',
          () =>
            new Response(new ReadableStream(), {
              headers: { 'content-type': 'text/event-stream' },
            }),
        ),
      }),
      /carried nothing/,
    ],
    [
      'no look at Origin',
      'origin',
      () => ({ fault: without('origin') }),
      /attacker.example is answered/,
    ],
    [
      'a preflight behind authorization (A17)',
      'cors',
      () => ({ fault: edit((request) => request.method === 'OPTIONS', answerWith(401)) }),
      /OPTIONS asks for a token/,
    ],
    [
      'headers that pages may not send',
      'cors',
      () => ({
        fault: edit(
          (request) => request.method === 'OPTIONS',
          withHeaders({ 'access-control-allow-headers': 'content-type' }),
        ),
      }),
      /may not send authorization/,
    ],
    [
      'headers that pages cannot read (A99)',
      'cors',
      () => ({
        mcp: guarded,
        token,
        fault: edit(always, withHeaders({ 'access-control-expose-headers': null })),
      }),
      /cannot read .*www-authenticate/,
    ],
  ]

  it.each(seeded)('%s (%s)', async (_, id, visit, sees) => {
    const verdict = await run(id, await visit())
    const findings = 'findings' in verdict ? verdict.findings : []
    expect(findings.map(({ what }) => what).join('\n')).toMatch(sees)
    for (const { what, cause, fix } of findings) {
      for (const text of [what, cause, fix]) expect(text).toMatch(/[.)]$/)
    }
  })

  it('answers of one client that go to another (A33)', async () => {
    // Every answer goes to the client that asked last, so the first one gets no answer.
    let latest: string | null = null
    const fault: Fault = async (request, healthy) => {
      const session = request.headers.get('mcp-session-id')
      if ((await methodOf(request)) === 'notifications/initialized') latest = session
      if ((await methodOf(request)) === 'tools/call' && session !== latest) {
        return new Response(null, { status: 500 })
      }
      return healthy(request)
    }
    expect(await run('isolation', { fault })).toMatchObject({
      findings: [{ what: 'A client got no answer once another one was connected.' }],
    })
    let held: Promise<Response> | undefined
    const swap: Fault = async (request, healthy) => {
      if ((await methodOf(request)) !== 'tools/call') return healthy(request)
      if (held === undefined) {
        held = healthy(request)
        return (await held).clone()
      }
      return (await held).clone()
    }
    expect(await run('isolation', { fault: swap })).toMatchObject({
      findings: [{ what: "A client got the other client's answer." }],
    })
  })
})

it('reports an HTTP exchange that breaks off, and continues', async () => {
  const fault = edit(asking('tools/call'), () => {
    throw Object.assign(new Error(), { code: 'ECONNRESET' })
  })
  const all = await examineAll({ fault })
  const streaming = all.find(({ check }) => check.id === 'streaming')
  expect(streaming?.verdict).toMatchObject({
    findings: [{ what: expect.stringContaining('closed the connection') }],
  })
  expect(all.map(({ check }) => check.id)).toContain('cors')
})

describe('at our own server with a static token, which has no issuer,', () => {
  const secret = 'a-token-of-its-operator'
  const start = () => startCliServer({ auth: bearer({ tokens: [secret] }) })

  const examined = async (env: Record<string, string>) => {
    const home = await temporaryHome()
    const server = await start()
    try {
      const ran = await runCli(['doctor', '--json', '--tool', 'multi-greet name=Ann'], {
        env: { MCP_SERVER_URL: server.url, STREAMABLE_MCP_HOME: home.path, ...env },
      })
      expect(`${ran.stdout}${ran.stderr}`).not.toContain(secret)
      const { checks } = ran.json() as { checks: ({ id: string } & Record<string, unknown>)[] }
      const verdicts = checks.map(({ id, fine, skipped, findings }) => {
        return [id, findings ? 'findings' : fine ? 'fine' : 'skipped', fine ?? skipped] as const
      })
      return {
        code: ran.code,
        kinds: Object.fromEntries(verdicts.map(([id, kind]) => [id, kind])),
        sentences: Object.fromEntries(verdicts.map(([id, , sentence]) => [id, sentence])),
      }
    } finally {
      await server.close()
      await home.remove()
    }
  }

  const withoutIssuer = {
    'open-initialize': 'fine',
    challenge: 'fine',
    'resource-metadata': 'skipped',
    resource: 'skipped',
    issuer: 'skipped',
    registration: 'skipped',
  }

  it('finds nothing without the token, and skips what is behind it', {
    timeout: 30_000,
  }, async () => {
    const { code, kinds, sentences } = await examined({})
    expect(kinds).toMatchObject({ ...withoutIssuer, reachable: 'fine', token: 'skipped' })
    expect(Object.values(kinds)).not.toContain('findings')
    expect(sentences.token).toContain('ACCESS_TOKEN')
    expect(code).toBe(0)
  })

  it('finds nothing with the token, and examines the rest', { timeout: 30_000 }, async () => {
    const { code, kinds } = await examined({ ACCESS_TOKEN: secret })
    expect(kinds).toMatchObject({ ...withoutIssuer, token: 'fine', sessions: 'fine' })
    expect(kinds).toMatchObject({ streaming: 'fine', resumption: 'fine' })
    expect(Object.values(kinds)).not.toContain('findings')
    expect(code).toBe(0)
  })

  it('says that a wrong token is refused', { timeout: 30_000 }, async () => {
    const { code, kinds } = await examined({ ACCESS_TOKEN: 'another-token' })
    expect(kinds).toMatchObject({ token: 'findings' })
    expect(code).toBe(1)
  })
})

describe('as a command', () => {
  it('ends at once when it is interrupted', async () => {
    const server = await startCliServer()
    const interrupt = new AbortController()
    const doctor = runCli(['doctor', server.url], { signal: interrupt.signal })
    setImmediate(() => interrupt.abort())
    expect(await doctor).toMatchObject({ code: 130, stderr: 'Cancelled.\n' })
    await server.close()
  })

  it('fits on one screen, and exits with 0 on a healthy server', async () => {
    const server = await startCliServer()
    const home = await temporaryHome()
    const env = { STREAMABLE_MCP_HOME: home.path }
    const screen = await runCli(['doctor', server.url], { env })
    expect(screen).toMatchObject({ code: 0, stderr: '' })
    expect(screen.stdout.split('\n').length).toBeLessThan(24)
    expect(screen.stdout).toContain('Nothing found.')
    await server.close()
    await home.remove()
  })

  it('exits with 1 and names cause and fix when there is a fault, and with 4 when there is no server', async () => {
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string }
      const result = method === 'initialize' && {
        protocolVersion: '2026-07-28',
        capabilities: {},
        serverInfo: {},
      }
      const reply = result ? { result } : { error: { code: -32601, message: 'no' } }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...reply }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
    const sick = await runCli(['doctor', url])
    expect(sick.code).toBe(1)
    expect(sick.stdout).toMatch(
      /✗ Revisions[^\n]*negotiates[^\n]*\n {2}cause: [^\n]*\n {2}fix: {2}/,
    )
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    const gone = await runCli(['doctor', url, '--json'])
    expect(gone.code).toBe(4)
    expect(gone.json()).toMatchObject({ ok: false, checks: [{ id: 'reachable' }] })
  })
})
