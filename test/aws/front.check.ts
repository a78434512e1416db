/** The stand-in for API Gateway: each documented behaviour that can break this server. */

import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import type { Stack } from './cloudformation.ts'
import { stackOf } from './cloudformation.ts'
import type { FunctionError, Invocation } from './lambda-host.ts'
import type { Limits, RestFront } from './rest-front.ts'
import { restFront } from './rest-front.ts'

type Called = (event: never) => Invocation | Promise<Invocation>

const reply = (
  body: string | Buffer | Readable,
  { streamed = true, error }: { streamed?: boolean; error?: FunctionError } = {},
): Invocation => ({
  streamed,
  contentType: 'application/json',
  body: body instanceof Readable ? body : Readable.from([Buffer.from(body)]),
  ended: Promise.resolve(error),
  pid: 1,
})

const streamed = (head: object, body = '') =>
  reply(`${JSON.stringify(head)}${'\0'.repeat(8)}${body}`)

const open: RestFront[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((front) => front.close()))
})

async function front(
  stack: Stack,
  mcp: Called,
  more: { gate?: Called; limits?: Partial<Limits>; now?: () => number } = {},
): Promise<RestFront> {
  const { gate, ...options } = more
  const functions = {
    McpFunction: { invoke: async (event: unknown) => mcp(event as never) },
    ...(gate && { AuthorizerFunction: { invoke: async (event: unknown) => gate(event as never) } }),
  }
  const started = await restFront({ stack, functions, ...options })
  open.push(started)
  return started
}

const plain = stackOf({ AuthMethod: 'none' })
const guarded = stackOf()

/** The same API with another integration of the endpoint. */
function withIntegration(change: object): Stack {
  const stack = structuredClone(plain)
  const { Body } = stack.resources.Api?.Properties ?? {}
  const { paths } = Body as { paths: Record<string, Record<string, Record<string, object>>> }
  const method = paths['/mcp']?.['x-amazon-apigateway-any-method']
  if (method === undefined) throw new Error('the endpoint has another method')
  const name = 'x-amazon-apigateway-integration'
  method[name] = { ...method[name], ...change }
  return stack
}

const buffering = {
  responseTransferMode: 'BUFFERED',
  uri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:weather-McpFunction/invocations',
}

describe('an integration that streams', () => {
  it('is broken when only one of the two places declares it', async () => {
    const half = await front(withIntegration({ responseTransferMode: 'BUFFERED' }), () =>
      streamed({ statusCode: 200 }),
    )
    expect((await fetch(`${half.url}/mcp`)).status).toBe(500)
  })

  it.each([
    ['has no delimiter', 'hello'],
    [
      'has its delimiter too late',
      `{"statusCode":200,"x":"${'x'.repeat(17_000)}"}${'\0'.repeat(8)}`,
    ],
    ['is not JSON', `hello${'\0'.repeat(8)}`],
    ['has no status', `{}${'\0'.repeat(8)}`],
  ])('answers 502 when the prelude %s', async (_, body) => {
    const { url } = await front(plain, () => reply(body))
    expect((await fetch(`${url}/mcp`)).status).toBe(502)
  })

  it('finds a delimiter that arrives in two pieces, and keeps NUL bytes of the body', async () => {
    const whole = Buffer.from(`{"statusCode":200}${'\0'.repeat(8)}a\0b`)
    const pieces = Readable.from([whole.subarray(0, 20), whole.subarray(20)])
    const { url } = await front(plain, () => reply(pieces))
    expect(await (await fetch(`${url}/mcp`)).text()).toBe('a\0b')
  })

  it("reads the function's answer to its end after the client has left", async () => {
    let read = 0
    const endless = Readable.from(
      (function* () {
        yield Buffer.from(`{"statusCode":200}${'\0'.repeat(8)}`)
        for (; read < 200; read++) yield Buffer.alloc(65_536)
      })(),
    )
    const { url } = await front(plain, () => reply(endless))
    const leave = new AbortController()
    await fetch(`${url}/mcp`, { signal: leave.signal })
    leave.abort()
    await expect.poll(() => read).toBe(200)
  })
})

describe('an integration that does not stream', () => {
  const stack = withIntegration(buffering)
  const whole = (value: object) => reply(JSON.stringify(value), { streamed: false })

  it('arrives in one piece, with a renamed challenge', async () => {
    const { url } = await front(stack, () =>
      whole({
        statusCode: 401,
        headers: { 'WWW-Authenticate': 'Bearer' },
        multiValueHeaders: { 'x-many': ['a', 'b'] },
        body: 'aGk=',
        isBase64Encoded: true,
      }),
    )
    const response = await fetch(`${url}/mcp`)
    expect([response.status, await response.text()]).toEqual([401, 'hi'])
    expect(response.headers.get('x-amzn-remapped-www-authenticate')).toBe('Bearer')
    expect(response.headers.get('x-many')).toBe('a, b')
  })

  it('is cut at its time limit with 504, which is 29 seconds unless told', async () => {
    const never = () => new Promise<Invocation>(() => undefined)
    const { url } = await front(stack, never, { limits: { integration: 50 } })
    const response = await fetch(`${url}/mcp`)
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      504,
      '*',
    ])
  })

  it('answers 502 to a failed function, to no reply of a proxy, and to one that is too large', async () => {
    const error = { errorType: 'Error', errorMessage: 'no' }
    for (const made of [
      () => reply('{}', { streamed: false, error }),
      () => whole({ message: 'hello' }),
      () => whole({ statusCode: 200, body: 'x'.repeat(2_000) }),
    ]) {
      const { url } = await front(stack, made, { limits: { response: 1_000 } })
      expect((await fetch(`${url}/mcp`)).status).toBe(502)
    }
  })
})

describe('an authorizer', () => {
  const hello = () => streamed({ statusCode: 200 }, 'hello')
  const allowing = (resource: (methodArn: string) => string) => {
    const gate = ({ methodArn }: { methodArn: string }) =>
      reply(
        JSON.stringify({
          principalId: 'p',
          policyDocument: { Statement: [{ Effect: 'Allow', Resource: resource(methodArn) }] },
        }),
        { streamed: false },
      )
    return gate as Called
  }
  const send = (url: string, method = 'POST') =>
    fetch(`${url}/mcp`, { method, headers: { authorization: 'Bearer t' } })

  it('that allows one method refuses the next by its cached policy', async () => {
    const { url } = await front(guarded, hello, { gate: allowing((arn) => arn) })
    expect((await send(url)).status).toBe(200)
    expect((await send(url, 'GET')).status).toBe(403)
  })

  it('is called again when its cached policy has expired', async () => {
    let time = 0
    const started = await front(guarded, hello, {
      gate: allowing((arn) => arn.replace('/POST/', '/*/')),
      now: () => time,
    })
    for (const [at, asked] of [
      [0, 1],
      [59_000, 1],
      [60_000, 2],
    ] as const) {
      time = at
      expect((await send(started.url)).status).toBe(200)
      expect(started.authorizations).toBe(asked)
    }
  })

  it('that returns something other than a policy breaks the API', async () => {
    const gate = () => reply('{"isAuthorized":true}', { streamed: false })
    const { url } = await front(guarded, hello, { gate })
    expect((await send(url)).status).toBe(500)
  })
})

describe('a domain', () => {
  it("serves the API at its root, and the API's own name is closed", async () => {
    const stack = stackOf({
      AuthMethod: 'none',
      DomainName: 'mcp.example.com',
      CertificateArn: 'arn:aws:acm:eu-west-1:1:certificate/1',
    })
    const echo = ((event: { requestContext: { domainName: string; path: string } }) =>
      streamed({ statusCode: 200 }, JSON.stringify(event.requestContext))) as Called
    const { url, fetch: virtual } = await front(stack, echo)
    const response = await virtual('https://mcp.example.com/mcp')
    expect(await response.json()).toMatchObject({ domainName: 'mcp.example.com', path: '/mcp' })
    expect((await fetch(`${url}/mcp`)).status).toBe(403)
    const own = 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod/mcp'
    expect((await virtual(own)).status).toBe(403)
    expect((await virtual('https://elsewhere.example/mcp')).status).toBe(403)
  })
})
