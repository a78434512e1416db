/** Requests and failures on their way between a client, the gateway, Lambda's runtime client and an app. */

import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from './bundle.ts'
import { stackOf } from './cloudformation.ts'
import type { LambdaHost } from './lambda-host.ts'
import { lambdaHost } from './lambda-host.ts'
import type { RestFront } from './rest-front.ts'
import { restFront } from './rest-front.ts'

let app: LambdaHost
let gate: LambdaHost
let open: RestFront
let guarded: RestFront
let impatient: RestFront

beforeAll(async () => {
  const taskRoot = bundle('fixture/failing.ts')
  const gateRoot = bundle('fixture/authorizer.ts')
  app = lambdaHost({ taskRoot, name: 'app', concurrency: 2, timeoutSeconds: 4 })
  gate = lambdaHost({ taskRoot: gateRoot, name: 'gate', concurrency: 1 })
  const functions = { McpFunction: app, AuthorizerFunction: gate }
  const none = stackOf({ AuthMethod: 'none' })
  open = await restFront({ stack: none, functions })
  impatient = await restFront({ stack: none, functions, limits: { idle: 300 } })
  const stack = stackOf({ AuthMethod: 'oauth', OAuthIssuer: 'https://issuer.example' })
  guarded = await restFront({ stack, functions })
})

afterAll(async () => {
  await Promise.all([open?.close(), guarded?.close(), impatient?.close()])
  await Promise.all([app?.close(), gate?.close()])
})

const call = (query: string, init?: RequestInit, front = open) =>
  fetch(`${front.url}/mcp?case=${query}`, init)

describe('a request', () => {
  it('arrives as it was sent, with the facts of the gateway', async () => {
    const response = await call('echo&q=1%261&q=2', {
      method: 'POST',
      body: '{"é":"☃"}',
      headers: { 'content-type': 'application/json', 'x-many': 'a' },
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      method: 'POST',
      url: 'https://abc123.execute-api.eu-west-1.amazonaws.com/mcp?case=echo&q=1%261&q=2',
      query: ['1&1', '2'],
      body: '{"é":"☃"}',
      headers: { 'x-many': 'a', 'content-length': '12' },
      platform: {
        baseUrl: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        deadline: expect.closeTo(Date.now() + 3000, -4),
      },
    })
  })

  it.each(['GET', 'DELETE', 'PUT', 'PATCH'])('may be a %s', async (method) => {
    expect(await (await call('', { method })).text()).toBe(`${method} /mcp`)
  })

  it('goes to several processes, each with one request at a time', async () => {
    const pids = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const answer = (await (await call('echo')).json()) as { pid: number }
        return answer.pid
      }),
    )
    expect(new Set(pids).size).toBe(2)
  })

  it('is answered by the gateway if it is a preflight', async () => {
    const { starts } = gate
    const response = await fetch(`${guarded.url}/mcp`, { method: 'OPTIONS' })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-headers')).toMatch(/Authorization/)
    expect(gate.starts).toBe(starts)
  })

  it('of more than 10 MB is refused before a function runs', async () => {
    const response = await call('echo', { method: 'POST', body: new Uint8Array(10_485_761) })
    expect(response.status).toBe(413)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })
})

/** Returns the time at which each part of a body arrived, by the client's clock. */
async function arrivals(response: Response): Promise<{ at: number; text: string }[]> {
  const seen: { at: number; text: string }[] = []
  for await (const chunk of response.body ?? []) {
    seen.push({ at: performance.now(), text: Buffer.from(chunk).toString() })
  }
  return seen
}

describe('a streamed reply', () => {
  it('arrives event by event, with its headers before the first', async () => {
    const sent = performance.now()
    const response = await call('events&every=100')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const seen = await arrivals(response)
    expect(seen.map(({ text }) => text).join('')).toBe(
      'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n',
    )
    expect(seen.length).toBeGreaterThanOrEqual(4)
    const [first, last] = [seen[0]?.at ?? 0, seen.at(-1)?.at ?? 0]
    expect(last - first).toBeGreaterThan(250)
    expect(first).toBeGreaterThan(sent)
  })

  it('of many megabytes comes whole to a client that reads slowly', async () => {
    let size = 0
    for await (const chunk of (await call('large&chunks=320')).body ?? []) {
      size += chunk.byteLength
      if (size % 1_048_576 < 65_536) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(size).toBe(320 * 65_536)
  })

  it('without a body still has its status', async () => {
    const response = await call('empty')
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  it('continues when its client has left, and the process serves the next one', async () => {
    const before = app.starts
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${open.url}/mcp?case=events&every=60`, (response) => {
        response.once('data', () => request.destroy())
      })
      request.on('close', resolve).on('error', () => undefined)
      request.end()
    })
    for (let i = 0; i < 4; i++) expect((await call('')).status).toBe(200)
    expect(app.starts).toBe(before)
  })

  it("is cut after the gateway's idle timeout", async () => {
    const response = await call('silence', {}, impatient)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  it('ends normally before Lambda would end the process', async () => {
    const before = app.starts
    const response = await call('silence')
    expect(await response.text()).toBe('')
    expect(app.starts).toBe(before)
  })
})

describe('a failure', () => {
  it('before the first byte has a status and shows no details', async () => {
    const response = await call('throw')
    expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error'])
    expect(app.log).not.toMatch(/hunter2/)
  })

  it('after the first byte makes the reply visibly incomplete, and the process continues', async () => {
    const before = app.starts
    const parts: string[] = []
    const incoming = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(`${open.url}/mcp?case=break`, resolve).end()
    })
    const complete = await new Promise<boolean>((resolve) => {
      incoming.on('data', (chunk: Buffer) => parts.push(chunk.toString()))
      incoming.on('error', () => undefined)
      incoming.on('close', () => resolve(incoming.complete))
    })
    expect([parts.join(''), complete]).toEqual(['data: 1\n\n', false])
    expect((await call('')).status).toBe(200)
    expect(app.starts).toBe(before)
    expect(app.log).not.toMatch(/hunter2/)
  })

  it('to answer before the deadline is a 504, and the process continues', async () => {
    const before = app.starts
    expect((await call('hang')).status).toBe(504)
    expect((await call('')).status).toBe(200)
    expect(app.starts).toBe(before)
  })

  it('of the process is a 502', async () => {
    const response = await call('exit')
    expect(response.status).toBe(502)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('the gate', () => {
  const as = (token: string | undefined, method = 'POST') =>
    fetch(`${guarded.url}/mcp?case=echo`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
  const metadata =
    'https://metadataproxy.execute-api.eu-west-1.amazonaws.com/.well-known/oauth-protected-resource/mcp'

  it('accepts a valid token and tells the app the caller', async () => {
    const response = await as('good')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      platform: { authorizer: { sub: 'ann', scope: 'use', principalId: 'digest' } },
    })
  })

  it('calls the authorizer once per token, for every method', async () => {
    await as('good')
    const { authorizations } = guarded
    for (const method of ['GET', 'DELETE', 'POST'])
      expect((await as('good', method)).status).toBe(200)
    expect(guarded.authorizations).toBe(authorizations)
  })

  it.each([undefined, 'bad'])(
    'answers 401 with the true challenge to the token %s',
    async (token) => {
      const response = await as(token)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer resource_metadata="${metadata}"`,
      )
      expect(response.headers.get('access-control-expose-headers')).toMatch(/WWW-Authenticate/)
    },
  )

  it('answers 403 with the true challenge to a token without the scope', async () => {
    const response = await as('poor')
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/)
  })

  it('answers 503 when tokens cannot be verified, and does not show the reason', async () => {
    const response = await as('broken')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await response.text()).not.toMatch(/10\.0\.0\.1/)
  })

  it('keeps the metadata public, and the challenge names its URL', async () => {
    const direct = await fetch(`${guarded.url}/.well-known/oauth-protected-resource/mcp`)
    const expected = { resource: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod/mcp' }
    expect(await direct.json()).toEqual(expected)
    expect(await (await guarded.fetch(metadata)).json()).toEqual(expected)
  })

  it('renames a challenge that comes from the app, as API Gateway does', async () => {
    const response = await call('challenge')
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(response.headers.get('x-amzn-remapped-www-authenticate')).toBe('Bearer')
  })

  it('has no other path', async () => {
    const response = await fetch(`${guarded.url}/elsewhere`)
    expect([response.status, await response.json()]).toEqual([404, { message: 'Not Found' }])
  })
})
