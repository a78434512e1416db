import { describe, expect, it } from 'vitest'
import { oauth } from '../../src/auth/oauth.ts'
import { call, createAuthApp } from '../support/auth-app.ts'
import type { Fault, TokenIssuerOptions } from '../support/token-issuer.ts'
import { createSigningKey, createTokenIssuer } from '../support/token-issuer.ts'

const resource = 'https://mcp.example.com/mcp'
const second = 1_000
const minute = 60 * second

/** Returns a server with its issuer, and a clock that only the test changes. */
async function setUp(
  options: TokenIssuerOptions & { jwksUri?: false | undefined; timeout?: number } = {},
) {
  let now = Date.UTC(2026, 8, 1)
  const clock = () => now
  const issuer = await createTokenIssuer({ clock, ...options })
  const app = createAuthApp(
    oauth({
      issuer: issuer.url,
      ...(options.jwksUri !== false && { jwksUri: issuer.jwksUri }),
      resource,
      fetch: issuer.fetch,
      clock,
      timeout: options.timeout ?? 50,
    }),
  )
  return {
    issuer,
    app,
    wait: (milliseconds: number) => {
      now += milliseconds
    },
    /** Makes a call. The default token is valid for a day. */
    call: async (token?: string) =>
      call(app, `Bearer ${token ?? (await issuer.token({ exp: now / second + 86_400 }))}`),
  }
}

const all = <T>(count: number, make: () => Promise<T>) =>
  Promise.all(Array.from({ length: count }, () => make()))

describe("an issuer's keys", () => {
  it('are fetched once for 1,000 first requests at the same time, metadata included', async () => {
    const { issuer, app } = await setUp({ jwksUri: false })
    const token = await issuer.token()
    const answers = await all(1_000, () => call(app, `Bearer ${token}`))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(issuer.requests).toEqual([
      `${issuer.url}/.well-known/oauth-authorization-server`,
      issuer.jwksUri,
    ])
  })

  it('are fetched again when they are ten minutes old, once', async () => {
    const { issuer, call, wait } = await setUp()
    await call()
    wait(9 * minute)
    await call()
    expect(issuer.jwksRequests()).toBe(1)
    wait(2 * minute)
    expect((await all(50, call)).every(({ status }) => status === 200)).toBe(true)
    expect(issuer.jwksRequests()).toBe(2)
  })

  it('are fetched again for an unknown kid, at most once per cooldown for 1,000 of them', async () => {
    const { issuer, call, wait } = await setUp()
    const unknown = await issuer.token({}, { header: { kid: 'unknown' } })
    for (const [requests, count] of [
      [1, 100],
      [2, 1_000],
      [3, 100],
    ] as const) {
      const answers = await all(count, () => call(unknown))
      expect(answers.every(({ status }) => status === 401)).toBe(true)
      expect(issuer.jwksRequests()).toBe(requests)
      wait(30 * second)
    }
  })

  it('rotate without a refused token, and a withdrawn key is removed', async () => {
    const { issuer, call, wait } = await setUp()
    const before = await issuer.token({ exp: Date.UTC(2026, 8, 2) / second })
    await call(before)
    wait(minute)
    issuer.keys.push(await createSigningKey())
    const after = await issuer.token()
    expect(await all(20, () => call(after))).toMatchObject(Array(20).fill({ status: 200 }))
    expect((await call(before)).status).toBe(200)
    expect(issuer.jwksRequests()).toBe(2)

    issuer.keys.shift()
    wait(10 * minute)
    expect((await call()).status).toBe(200)
    expect((await call(before)).status).toBe(401)
  })

  it('may lack a kid if only one key has the algorithm', async () => {
    const { issuer, call } = await setUp()
    const token = await issuer.token({}, { header: { kid: undefined } })
    expect((await call(token)).status).toBe(200)
  })
})

describe.each<Fault>(['down', 'slow', 'garbage', 'html', 'error', 'empty', 'redirect'])(
  'while the issuer is: %s',
  (fault) => {
    it('at the start causes 503 with Retry-After, never 401, and a new attempt after 5 s', async () => {
      const { issuer, app, call, wait } = await setUp()
      issuer.fault = fault
      const answers = await all(100, call)
      for (const { status, headers } of answers) {
        expect(status).toBe(503)
        expect(headers.get('retry-after')).toBe('5')
      }
      expect(app.log).toContainEqual(
        expect.objectContaining({ level: 'warn', message: expect.stringContaining('reached') }),
      )
      expect(JSON.stringify(app.log)).not.toContain('eyJ')
      await call()
      expect(issuer.jwksRequests()).toBe(1)

      issuer.fault = undefined
      wait(5 * second)
      expect((await call()).status).toBe(200)
      expect(issuer.jwksRequests()).toBe(2)
    })

    it('later keeps the known keys valid for an hour, with at most one attempt every 5 s', async () => {
      const { issuer, call, wait } = await setUp()
      await call()
      issuer.fault = fault
      wait(11 * minute)
      expect(await all(100, call)).toMatchObject(Array(100).fill({ status: 200 }))
      expect(issuer.jwksRequests()).toBe(2)
      wait(48 * minute)
      expect((await call()).status).toBe(200)
      wait(2 * minute)
      expect((await call()).status).toBe(503)

      issuer.fault = undefined
      wait(5 * second)
      expect((await call()).status).toBe(200)
    })

    it('causes 503 for an unknown kid and 200 for a known one', async () => {
      const { issuer, call, wait } = await setUp()
      const known = await issuer.token()
      await call(known)
      wait(minute)
      issuer.keys.push(await createSigningKey())
      const rotated = await issuer.token()
      issuer.fault = fault
      expect((await call(rotated)).status).toBe(503)
      expect((await call(known)).status).toBe(200)

      issuer.fault = undefined
      wait(5 * second)
      expect((await call(rotated)).status).toBe(200)
    })
  },
)

describe('an issuer that hangs', () => {
  /** Returns a server with keys that should be renewed now, and an issuer that does not answer any more. */
  async function hang(options: Parameters<typeof setUp>[0]) {
    const server = await setUp({ timeout: 60_000, ...options })
    await server.call()
    server.wait(11 * minute)
    server.issuer.fault = 'slow'
    return server
  }

  it.each<[string, { jwksUri?: false }]>([
    ['keys', {}],
    ['metadata and keys', { jwksUri: false }],
  ])('does not stall new good tokens while old %s are at hand', async (_, options) => {
    const { issuer, call } = await hang(options)
    const startedAt = performance.now()
    expect(await all(20, call)).toMatchObject(Array(20).fill({ status: 200 }))
    expect(await all(20, call)).toMatchObject(Array(20).fill({ status: 200 }))
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    // One renewal of each document has started, and continues in the background.
    expect(issuer.jwksRequests()).toBe(2)
    expect(issuer.requests).toHaveLength('jwksUri' in options ? 4 : 2)
  })

  it('delays only the first calls of a renewal', async () => {
    const { call } = await hang({})
    await call()
    const startedAt = performance.now()
    for (let count = 0; count < 20; count++) expect((await call()).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('gets a new request after 5 s, and after its answer a withdrawn key is refused', async () => {
    const { issuer, call, wait } = await hang({ timeout: 50 })
    const withdrawn = await issuer.token({ exp: Date.UTC(2026, 8, 2) / second })
    await call()
    issuer.fault = undefined
    wait(5 * second)
    issuer.keys.splice(0, 1, await createSigningKey())
    expect((await call()).status).toBe(200)
    expect((await call(withdrawn)).status).toBe(401)
  })

  it('leaves the old keys valid for one hour only', async () => {
    const { call, wait } = await hang({ timeout: 50 })
    wait(50 * minute)
    expect((await call()).status).toBe(503)
  })
})

describe('when the clock is set back', () => {
  const back = -3 * 60 * minute

  it('an issuer that did not answer gets a new request', async () => {
    const { issuer, call, wait } = await setUp()
    issuer.fault = 'down'
    expect((await call()).status).toBe(503)
    issuer.fault = undefined
    wait(back)
    expect((await call()).status).toBe(200)
  })

  it('a newer key is found', async () => {
    const { issuer, call, wait } = await setUp()
    await call()
    wait(back)
    issuer.keys.splice(0, 1, await createSigningKey())
    expect((await call()).status).toBe(200)
  })

  it('a verified token is not remembered for longer', async () => {
    const { issuer, call, wait } = await setUp()
    const token = await issuer.token({ exp: Date.UTC(2026, 8, 2) / second })
    await call(token)
    issuer.keys.splice(0, 1, await createSigningKey())
    wait(back)
    expect((await call(token)).status).toBe(401)
  })
})

describe('a good token', () => {
  it('is verified once a minute, also when its key changes', async () => {
    const { issuer, call, wait } = await setUp()
    const token = await issuer.token({ exp: Date.UTC(2026, 8, 2) / second })
    await call(token)
    // The issuer removes the key, and the server has fetched the new keys.
    issuer.keys.splice(0, 1, await createSigningKey())
    wait(31 * second)
    expect((await call()).status).toBe(200)
    expect((await call(token)).status).toBe(200)
    wait(30 * second)
    expect((await call(token)).status).toBe(401)
  })

  it('is not valid after its expiry, except for the tolerance', async () => {
    const { issuer, call, wait } = await setUp()
    const token = await issuer.token({ exp: Date.UTC(2026, 8, 1) / second + 10 })
    expect((await call(token)).status).toBe(200)
    wait(39 * second)
    expect((await call(token)).status).toBe(200)
    wait(second)
    expect((await call(token)).status).toBe(401)
  })

  it('is forgotten when a thousand newer ones come', async () => {
    const { issuer, call, wait } = await setUp()
    const exp = Date.UTC(2026, 8, 2) / second
    const [first, last] = [await issuer.token({ exp, jti: 'first' }), await issuer.token({ exp })]
    await call(first)
    const others = await all(999, () => issuer.token({ exp, jti: crypto.randomUUID() }))
    await Promise.all(others.map((token) => call(token)))
    await call(last)
    // From here on the server knows only tokens that it verified before.
    issuer.keys.splice(0, 1, await createSigningKey())
    wait(31 * second)
    await call()
    expect((await call(last)).status).toBe(200)
    expect((await call(first)).status).toBe(401)
  })

  it('for one of the names of a server is not valid for another', async () => {
    const { issuer } = await setUp()
    const auth = oauth({ issuer: issuer.url, fetch: issuer.fetch })
    const verify = (token: string, baseUrl: string) =>
      auth.verify(new Request(resource, { headers: { authorization: `Bearer ${token}` } }), {
        baseUrl,
      })
    const token = await issuer.token({ exp: 9_999_999_999 })
    await expect(verify(token, 'https://mcp.example.com')).resolves.toBeDefined()
    await expect(verify(token, 'https://other.example.com')).rejects.toThrow(/another resource/)
  })

  it('gives a principal that a handler cannot change for the next request', async () => {
    const { issuer } = await setUp()
    const auth = oauth({ issuer: issuer.url, resource, fetch: issuer.fetch })
    const request = new Request(resource, {
      headers: {
        authorization: `Bearer ${await issuer.token({ exp: 9_999_999_999, groups: ['a'] })}`,
      },
    })
    const principal = await auth.verify(request, {})
    const { scopes, claims } = principal
    for (const value of [principal, scopes, claims, claims.groups]) {
      expect(() => Object.assign(Object(value), { 0: 'admin' })).toThrow(TypeError)
    }
  })
})

describe('metadata of the issuer', () => {
  it.each([
    ['https://a.example.com', '/.well-known/oauth-authorization-server', 1],
    ['https://a.example.com', '/.well-known/openid-configuration', 2],
    ['https://a.example.com/t1', '/.well-known/oauth-authorization-server/t1', 1],
    ['https://a.example.com/t1', '/.well-known/openid-configuration/t1', 2],
    ['https://a.example.com/t1', '/t1/.well-known/openid-configuration', 3],
  ])('of %s is found at %s (D21)', async (url, path, requests) => {
    const { issuer, call } = await setUp({ url, metadataPaths: [path], jwksUri: false })
    expect((await call()).status).toBe(200)
    expect(issuer.requests).toHaveLength(requests + 1)
  })

  it.each([
    ['names another issuer', { issuer: 'https://evil.example' }],
    ['names it with a slash', { issuer: 'https://login.example.com/' }],
    ['names no keys', { jwks_uri: undefined }],
    ['sends for keys in the clear', { jwks_uri: 'http://login.example.com/jwks.json' }],
    ['sends for keys to a file', { jwks_uri: 'file:///etc/passwd' }],
  ])('is not used when it %s (D22)', async (_, metadata) => {
    const { issuer, call } = await setUp({ metadata, jwksUri: false })
    expect((await call()).status).toBe(503)
    // Only URLs of metadata were requested.
    expect(issuer.requests.filter((url) => !url.includes('/.well-known/o'))).toEqual([])
  })
})

describe('a configuration that cannot work', () => {
  it.each<[string, () => unknown]>([
    ['`issuer`', () => oauth({ issuer: 'login.example.com' })],
    ['`issuer`', () => oauth({ issuer: 'http://login.example.com' })],
    ['at least one issuer', () => oauth({ issuer: [] })],
    ['`resource`', () => oauth({ issuer: 'https://a.example', resource: 'mcp-server-api' })],
    ['`resource`', () => oauth({ issuer: 'https://a.example', resource: `${resource}#top` })],
    ['`jwksUri`', () => oauth({ issuer: 'https://a.example', jwksUri: 'http://a.example/keys' })],
    [
      '`jwksUri`',
      () =>
        oauth({
          issuer: ['https://a.example', 'https://b.example'],
          jwksUri: 'https://a.example/k',
        }),
    ],
    ['`allowedClientIds`', () => oauth({ issuer: 'https://a.example', allowedClientIds: [] })],
    [
      '`algorithms`',
      () => oauth({ issuer: 'https://a.example', algorithms: JSON.parse('["RS256","HS256"]') }),
    ],
    [
      '`algorithms`',
      () => oauth({ issuer: 'https://a.example', algorithms: JSON.parse('["none"]') }),
    ],
  ])('stops the start with a sentence on %s', (words, start) => {
    expect(start).toThrow(words)
  })
})
