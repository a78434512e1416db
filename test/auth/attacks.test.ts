import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { serve } from '@hono/node-server'
import fc from 'fast-check'
import { SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { oauth } from '../../src/auth/oauth.ts'
import { call, createAuthApp, toolCall } from '../support/auth-app.ts'
import { createSigningKey, createTokenIssuer } from '../support/token-issuer.ts'

const resource = 'https://mcp.example.com/mcp'
const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
const now = Math.floor(Date.now() / 1000)

const issuer = await createTokenIssuer({ alg: 'RS256' })
const stranger = await createSigningKey('RS256')
const auth = oauth({
  issuer: issuer.url,
  resource,
  allowedClientIds: ['client-1'],
  requiredScopes: ['files:read'],
  clockTolerance: 30,
  fetch: issuer.fetch,
})
const app = createAuthApp(auth, {
  platform: { baseUrl: 'https://mcp.example.com' },
  tools: { change: ['files:write', 'files:delete'] },
})

const output: string[] = []
beforeEach(() => {
  output.length = 0
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...parts) => output.push(parts.join(' ')))
  }
})
afterEach(() => vi.restoreAllMocks())

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = {
  iss: issuer.url,
  sub: 'mallory',
  aud: resource,
  client_id: 'client-1',
  scope: 'files:read',
  exp: now + 300,
}

/** A signature by HS256 with the issuer's public key, which deceives verifiers that let the token choose the algorithm. */
async function signedWithPublicKey(): Promise<string> {
  const [key] = issuer.keys
  const body = `${base64url({ alg: 'HS256', kid: key?.kid })}.${base64url(claims)}`
  const signature = createHmac('sha256', JSON.stringify(key?.jwk)).update(body).digest('base64url')
  return `${body}.${signature}`
}

/** A token that an attacker signed, whose header offers the attacker's key in every possible way. */
const withOfferedKey = (header: Record<string, unknown>) =>
  issuer.token({}, { key: { ...stranger, kid: issuer.keys[0]?.kid ?? '' }, header })

const withoutDot = async (part: 0 | 1 | 2) =>
  (await issuer.token()).split('.').toSpliced(part, 1).join('.')

/** Expects a 401 with `error="invalid_token"`. */
const forged: Record<string, () => string | Promise<string>> = {
  'alg none': () => new UnsecuredJWT(claims).encode(),
  'alg none in capitals': () => `${base64url({ alg: 'NONE' })}.${base64url(claims)}.`,
  'HS256 with the public key': signedWithPublicKey,
  "a stranger's key": () => issuer.token({}, { key: stranger }),
  "a stranger's key under a known kid": () => withOfferedKey({}),
  'a jku of the attacker': () => withOfferedKey({ jku: 'https://evil.example/jwks.json' }),
  'an x5u of the attacker': () => withOfferedKey({ x5u: 'https://evil.example/cert.pem' }),
  'an embedded jwk': () => withOfferedKey({ jwk: stranger.jwk }),
  'an embedded x5c': () => withOfferedKey({ x5c: ['MIIB'] }),
  'an unknown critical header': () =>
    new SignJWT(claims)
      .setProtectedHeader({
        alg: 'RS256',
        kid: issuer.keys[0]?.kid ?? '',
        crit: ['exp'],
        exp: now + 300,
      })
      .sign(issuer.keys[0]?.privateKey ?? stranger.privateKey, { crit: { exp: true } }),
  'a kid that is a path': () => issuer.token({}, { header: { kid: '../../dev/null' } }),
  'another issuer': () => issuer.token({ iss: 'https://evil.example' }),
  'an issuer that begins like ours': () => issuer.token({ iss: `${issuer.url}.evil.example` }),
  'our issuer with a slash': () => issuer.token({ iss: `${issuer.url}/` }),
  'no issuer': () => issuer.token({ iss: undefined }),
  'an issuer that is a list': () => issuer.token({ iss: [issuer.url] }),
  'an issuer named like a member of Object': () => issuer.token({ iss: '__proto__' }),
  'another audience': () => issuer.token({ aud: 'https://other.example/mcp' }),
  'an audience that begins like ours': () => issuer.token({ aud: `${resource}/admin` }),
  'an audience that ours begins with': () => issuer.token({ aud: 'https://mcp.example.com' }),
  'audiences without us': () => issuer.token({ aud: ['https://a.example', 'https://b.example'] }),
  'an empty list of audiences': () => issuer.token({ aud: [] }),
  'an ID token': () =>
    issuer.token({ aud: 'client-1', nonce: 'n', at_hash: 'h' }, { header: { typ: 'JWT' } }),
  'an ID token for us': () => issuer.token({ at_hash: 'h' }, { header: { typ: 'JWT' } }),
  'an ID token that says so in its claims': () => issuer.token({ typ: 'ID' }),
  'a logout token': () => issuer.token({}, { header: { typ: 'logout+jwt' } }),
  'a token expired by more than the tolerance': () => issuer.token({ exp: now - 40 }),
  'no expiry': () => issuer.token({ exp: undefined }),
  'an expiry that is text': () => issuer.token({ exp: String(now + 300) }),
  'a token from the future': () => issuer.token({ nbf: now + 120 }),
  'another client': () => issuer.token({ client_id: 'client-2' }),
  'another authorized party': () => issuer.token({ client_id: undefined, azp: 'client-2' }),
  'no client': () => issuer.token({ client_id: undefined }),
  'no subject': () => issuer.token({ sub: undefined }),
  'an empty subject': () => issuer.token({ sub: '' }),
  'a token of 100 KB': () => issuer.token({ padding: 'x'.repeat(100_000) }),
  'a token without its header': () => withoutDot(0),
  'a token without its claims': () => withoutDot(1),
  'a token without its signature': () => withoutDot(2),
  'an encrypted token': () => 'a.b.c.d.e',
  'letters outside ASCII': () => 'tökén',
  'a word': () => 'open-sesame',
}

describe('an attacker gets nothing from', () => {
  it.each(Object.entries(forged))('%s', async (_, forge) => {
    const token = await forge()
    const asked = issuer.requests.length
    const { status, challenge, body } = await call(app, `Bearer ${token}`)
    expect(status).toBe(401)
    expect(challenge).toMatch(/^Bearer error="invalid_token", error_description="[^"\\]+", /)
    expect(challenge).toContain('scope="files:read"')
    expect(challenge).toContain(`resource_metadata="${metadata}"`)
    expect(JSON.stringify([body, challenge, output, app.log])).not.toContain(token.slice(0, 40))
    expect(issuer.requests.slice(asked).every((url) => url.startsWith(issuer.url))).toBe(true)
  })

  it('a token with one character more or less, at any position', async () => {
    const token = await issuer.token()
    expect((await call(app, `Bearer ${token}`)).status).toBe(200)
    const signature = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom('', 'A', '.', '-', 'AA'),
        async (at, replacement) => {
          const forged = token.slice(0, at) + replacement + token.slice(at + 1)
          // The last character of a signature ends in bits without meaning (RFC 4648, section 3.5).
          const same = at === token.length - 1 && signature(forged).equals(signature(token))
          fc.pre(forged !== token && !same)
          expect((await call(app, `Bearer ${forged}`)).status).toBe(401)
        },
      ),
      { numRuns: 150 },
    )
  })

  it.each([
    ['no header', undefined, 401],
    ['an empty header', '', 401],
    ['another scheme', 'Basic YWxpY2U6c2VjcmV0', 401],
    ['a scheme that only begins like it', 'BearerX abc', 401],
    ['no token', 'Bearer', 400],
    ['two tokens', 'Bearer abc def', 400],
    ['two tokens with a comma', 'Bearer abc, Bearer def', 400],
    ['a tab', 'Bearer\tabc', 400],
    ['parameters', 'Bearer token="abc"', 401],
  ] as const)('%s', async (_, header, expected) => {
    const { status, challenge } = await call(app, header)
    expect(status).toBe(expected)
    expect(challenge).toMatch(/^Bearer /)
    expect(challenge.includes('error="invalid_request"')).toBe(expected === 400)
    expect(challenge).toContain(`resource_metadata="${metadata}"`)
  })

  it('a token in the query, also when the header has a valid one (D11)', async () => {
    const token = await issuer.token()
    for (const path of [`/mcp?access_token=${token}`, `/mcp?a=b&access%5Ftoken=${token}`]) {
      for (const header of [undefined, `Bearer ${token}`]) {
        const { status, challenge } = await call(app, header, { path })
        expect(status).toBe(400)
        expect(challenge).toContain('error="invalid_request"')
        expect(challenge).not.toContain(token)
      }
    }
  })

  it('a token that lacks a scope: 403 with all scopes of the operation (D7, D9)', async () => {
    const lacking = await call(app, `Bearer ${await issuer.token({ scope: 'other' })}`)
    expect(lacking.status).toBe(403)
    expect(lacking.challenge).toMatch(/^Bearer error="insufficient_scope", /)
    expect(lacking.challenge).toContain('scope="files:read"')
    expect(lacking.challenge).toContain(`resource_metadata="${metadata}"`)

    const tool = await call(app, `Bearer ${await issuer.token()}`, {
      tool: 'change',
    })
    expect(tool.status).toBe(403)
    expect(tool.challenge).toContain('scope="files:read files:write files:delete"')
  })
})

describe('a good token', () => {
  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR', 'Bearer  ', '  Bearer'])(
    'is accepted after %j (RFC 9110 section 11.1)',
    async (scheme) => {
      expect((await call(app, `${scheme} ${await issuer.token()} `)).status).toBe(200)
    },
  )

  it.each<[string, Record<string, unknown>]>([
    ['one audience', {}],
    ['several audiences', { aud: ['https://other.example', resource] }],
    ['no audience, from an allowed client', { aud: undefined }],
    ['a client in azp', { client_id: undefined, azp: 'client-1' }],
    ['an expiry within the tolerance', { exp: now - 20 }],
    ['a start within the tolerance', { nbf: now + 20 }],
    ['scopes in a list', { scope: ['files:read'] }],
    ['scopes in scp', { scope: undefined, scp: ['files:read'] }],
  ])('may have %s', async (_, changes) => {
    const { status, body } = await call(app, `Bearer ${await issuer.token(changes)}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      subject: 'alice',
      clientId: 'client-1',
      scopes: ['files:read'],
      claims: { iss: issuer.url },
    })
    expect(body.id).toMatch(/^[\w-]{43}$/)
  })

  it.each(['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', undefined])(
    'may have the type %s',
    async (typ) => {
      const token = await issuer.token({}, { header: { typ } })
      expect((await call(app, `Bearer ${token}`)).status).toBe(200)
    },
  )

  it.each(['ES256', 'ES384', 'PS256', 'EdDSA'])('may be signed with %s', async (alg) => {
    const other = await createTokenIssuer({ alg })
    const app = createAuthApp(oauth({ issuer: other.url, resource, fetch: other.fetch }))
    const token = await other.token()
    expect((await call(app, `Bearer ${token}`)).status).toBe(200)

    const narrow = oauth({ issuer: other.url, resource, fetch: other.fetch, algorithms: ['RS256'] })
    expect((await call(createAuthApp(narrow), `Bearer ${token}`)).status).toBe(401)
  })

  it('without an audience is refused if no client is allowed by name (D4)', async () => {
    const open = createAuthApp(oauth({ issuer: issuer.url, resource, fetch: issuer.fetch }))
    expect((await call(open, `Bearer ${await issuer.token()}`)).status).toBe(200)
    const unbound = await issuer.token({ aud: undefined })
    expect((await call(open, `Bearer ${unbound}`)).status).toBe(401)
  })

  it('has the scopes that its scopes imply, along chains and around cycles (D9)', async () => {
    const app = createAuthApp(
      oauth({
        issuer: issuer.url,
        resource,
        fetch: issuer.fetch,
        impliedScopes: { admin: ['files:write'], 'files:write': ['files:read', 'admin'] },
      }),
      { tools: { read: ['files:read'] } },
    )
    const needs = { tool: 'read' }
    const admin = await issuer.token({ scope: 'admin' })
    expect((await call(app, `Bearer ${admin}`, needs)).status).toBe(200)
    const other = await issuer.token({ scope: 'constructor' })
    expect((await call(app, `Bearer ${other}`, needs)).status).toBe(403)
  })
})

describe('who calls', () => {
  it('is in the log as a digest, and tokens are not', async () => {
    const token = await issuer.token({ sub: 'alice@example.com' })
    const { body } = await call(app, `Bearer ${token}`)
    expect(app.log.at(-1)).toMatchObject({ message: 'request', principal: body.id, status: 200 })
    expect(JSON.stringify(app.log)).not.toMatch(/alice|eyJ/)
  })

  it('is identified by issuer and subject together', async () => {
    const other = await createTokenIssuer({ url: 'https://login.example.org/tenant' })
    const app = createAuthApp(
      oauth({
        issuer: [issuer.url, { issuer: other.url, jwksUri: other.jwksUri }],
        resource,
        fetch: (input, init) =>
          String(input).startsWith(other.url)
            ? other.fetch(input, init)
            : issuer.fetch(input, init),
      }),
    )
    const id = async (token: string) => (await call(app, `Bearer ${token}`)).body.id
    const alice = await id(await issuer.token())
    expect(await id(await issuer.token({ client_id: 'client-9', jti: 'x' }))).toBe(alice)
    expect(await id(await issuer.token({ sub: 'bob' }))).not.toBe(alice)
    expect(await id(await other.token())).not.toBe(alice)
  })

  it("is not decided by another issuer's keys", async () => {
    const other = await createTokenIssuer({ url: 'https://login.example.org' })
    const app = createAuthApp(
      oauth({
        issuer: [issuer.url, other.url],
        resource,
        fetch: (input, init) =>
          String(input).startsWith(other.url)
            ? other.fetch(input, init)
            : issuer.fetch(input, init),
      }),
    )
    const crossed = await other.token({ iss: issuer.url })
    expect((await call(app, `Bearer ${crossed}`)).status).toBe(401)
    const [key] = issuer.keys
    const crossedKid = await issuer.token({ iss: other.url }, key && { key })
    expect((await call(app, `Bearer ${crossedKid}`)).status).toBe(401)
  })
})

describe('over a real connection', () => {
  const server = serve({
    overrideGlobalObjects: false,
    fetch: app.fetch,
    port: 0,
    hostname: '127.0.0.1',
  })
  afterAll(() => server.close())

  /** Sends lines over a socket, because HTTP clients refuse to send such requests. */
  async function send(lines: string[]): Promise<string> {
    if (!server.listening) await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const { headers, body } = toolCall('whoami')
    const further = Object.entries(headers).map((header) => header.join(': '))
    const head = ['POST /mcp HTTP/1.1', 'Connection: close', ...lines, ...further]
    socket.write([...head, `Content-Length: ${body.length}`, '', body].join('\r\n'))
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return answer
  }

  it('two Authorization headers are refused, in either order', async () => {
    const good = `Authorization: Bearer ${await issuer.token()}`
    const alone = await send(['Host: mcp.example.com', good])
    expect(alone).toMatch(/^HTTP\/1.1 200 /)
    for (const pair of [
      [good, 'Authorization: Bearer abc'],
      ['Authorization: Bearer abc', good],
      [good, good],
    ]) {
      const answer = await send(['Host: mcp.example.com', ...pair])
      expect(answer).toMatch(/^HTTP\/1.1 400 /)
      expect(answer).toMatch(/www-authenticate: Bearer error="invalid_request"/i)
    }
  })

  it('a spoofed Host or X-Forwarded-Host changes nothing in metadata and challenge (A48)', async () => {
    const answer = await send([
      'Host: evil.example',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'Forwarded: host=evil.example',
    ])
    expect(answer).toContain(`resource_metadata="${metadata}"`)
    expect(answer).not.toContain('evil')
    const { port } = server.address() as AddressInfo
    const document = await fetch(
      `http://127.0.0.1:${port}/.well-known/oauth-protected-resource/mcp`,
      { headers: { 'x-forwarded-host': 'evil.example' } },
    )
    expect(await document.json()).toEqual({
      resource,
      authorization_servers: [issuer.url],
      scopes_supported: ['files:read'],
      bearer_methods_supported: ['header'],
    })
  })
})
