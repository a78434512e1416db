/** The bridge between Lambda's events and the web API, without a Lambda host (that is `lambda-host.test.ts`). */

import { PassThrough, Writable } from 'node:stream'
import { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Head } from '../../adapters/apigateway.ts'
import { parseEvent, toHead } from '../../adapters/apigateway.ts'
import { dynamoStore } from '../../adapters/dynamodb/dynamo-store.ts'
import type { App, LambdaOptions, LambdaRuntime, ResponseStream } from '../../adapters/lambda.ts'
import { bufferedLambda, EnvironmentError, lambda } from '../../adapters/lambda.ts'
import type { McpOptions } from '../../src/index.ts'
import { createMcp } from '../../src/index.ts'

const restEvent = {
  resource: '/mcp',
  path: '/mcp',
  httpMethod: 'POST',
  headers: { 'Content-Type': 'application/json' },
  multiValueHeaders: { 'Content-Type': ['application/json'], 'X-Many': ['a', 'b'] },
  queryStringParameters: { q: '2' },
  multiValueQueryStringParameters: { q: ['1 & 1', '2'] },
  pathParameters: null,
  body: '{"é":1}',
  isBase64Encoded: false,
  requestContext: {
    domainName: 'abc123.execute-api.eu-west-1.amazonaws.com',
    path: '/prod/mcp',
    stage: 'prod',
    authorizer: { principalId: 'p', sub: 'ann' },
  },
}

const urlEvent = {
  version: '2.0',
  rawPath: '/mcp',
  rawQueryString: 'q=1&q=2',
  cookies: ['a=1', 'b=2'],
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"é":1}').toString('base64'),
  isBase64Encoded: true,
  requestContext: {
    http: { method: 'POST' },
    domainName: 'xyz.lambda-url.eu-west-1.on.aws',
    stage: '$default',
  },
}

const albEvent = {
  requestContext: { elb: { targetGroupArn: 'arn' } },
  httpMethod: 'GET',
  path: '/mcp',
  queryStringParameters: { q: 'a%20b' },
  headers: { host: 'mcp.example.com', accept: '*/*' },
  body: '',
  isBase64Encoded: false,
}

const parse = (event: unknown) => {
  const incoming = parseEvent(event)
  if (incoming === undefined) throw new Error('not an HTTP event')
  return incoming
}

describe('an event becomes a request', () => {
  it('reads a REST event: multi-value headers and query, identity, and the public URL with its stage', async () => {
    const { request, platform, shape } = parse(restEvent)
    expect(shape).toBe('rest')
    expect(request.method).toBe('POST')
    expect(new URL(request.url).pathname).toBe('/mcp')
    expect(new URL(request.url).searchParams.getAll('q')).toEqual(['1 & 1', '2'])
    expect(request.headers.get('x-many')).toBe('a, b')
    expect(request.headers.get('content-length')).toBe('8')
    expect(await request.text()).toBe('{"é":1}')
    expect(platform).toEqual({
      baseUrl: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
      authorizer: { principalId: 'p', sub: 'ann' },
    })
  })

  it('has no stage in the public URL of a custom domain, and keeps its base path out of the routes', () => {
    const at = (base: string) =>
      parse({
        ...restEvent,
        path: `${base}/mcp`,
        requestContext: { domainName: 'mcp.example.com', path: `${base}/mcp`, stage: 'prod' },
      })
    expect(at('').platform.baseUrl).toBe('https://mcp.example.com')
    expect(at('/v1').platform.baseUrl).toBe('https://mcp.example.com/v1')
    expect(new URL(at('/v1').request.url).pathname).toBe('/mcp')
  })

  it('follows a greedy path parameter', () => {
    const { request, platform } = parse({
      ...restEvent,
      httpMethod: 'GET',
      resource: '/.well-known/{proxy+}',
      path: '/.well-known/oauth-protected-resource/mcp',
      pathParameters: { proxy: 'oauth-protected-resource/mcp' },
      requestContext: {
        ...restEvent.requestContext,
        path: '/prod/.well-known/oauth-protected-resource/mcp',
      },
    })
    expect(new URL(request.url).pathname).toBe('/.well-known/oauth-protected-resource/mcp')
    expect(platform.baseUrl).toBe('https://abc123.execute-api.eu-west-1.amazonaws.com/prod')
  })

  it('reads payload v2: base64 body, cookies, raw query', async () => {
    const { request, platform, shape } = parse(urlEvent)
    expect(shape).toBe('v2')
    expect(await request.text()).toBe('{"é":1}')
    expect(request.headers.get('cookie')).toBe('a=1; b=2')
    expect(request.url).toBe('https://xyz.lambda-url.eu-west-1.on.aws/mcp?q=1&q=2')
    expect(platform).toEqual({ baseUrl: 'https://xyz.lambda-url.eu-west-1.on.aws' })
  })

  it('takes the stage of an HTTP API out of the path and into the public URL', () => {
    const { request, platform } = parse({
      ...urlEvent,
      rawPath: '/live/mcp',
      requestContext: {
        http: { method: 'POST' },
        domainName: 'api.example.com',
        stage: 'live',
        authorizer: { lambda: { sub: 'ann' } },
      },
    })
    expect(new URL(request.url).pathname).toBe('/mcp')
    expect(platform).toEqual({
      baseUrl: 'https://api.example.com/live',
      authorizer: { sub: 'ann' },
    })
  })

  it('reads an ALB event, whose query is still encoded, and claims no public URL', () => {
    const { request, platform, shape } = parse(albEvent)
    expect(shape).toBe('alb')
    expect(new URL(request.url).searchParams.get('q')).toBe('a b')
    expect(platform).toEqual({})
    const { headers: _, ...many } = albEvent
    expect(parse({ ...many, multiValueHeaders: { host: ['h'] } }).shape).toBe('alb-multi')
  })

  it('accepts null headers and a GET that carries a body', () => {
    const { request } = parse({
      ...restEvent,
      httpMethod: 'GET',
      headers: null,
      multiValueHeaders: null,
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      body: 'x',
    })
    expect([...request.headers]).toEqual([])
    expect(request.body).toBeNull()
  })

  it('sends DELETE through every shape', () => {
    expect(parse({ ...restEvent, httpMethod: 'DELETE' }).request.method).toBe('DELETE')
    const requestContext = { ...urlEvent.requestContext, http: { method: 'DELETE' } }
    expect(parse({ ...urlEvent, requestContext }).request.method).toBe('DELETE')
    expect(parse({ ...albEvent, httpMethod: 'DELETE' }).request.method).toBe('DELETE')
  })

  it.each([
    [undefined],
    [null],
    ['ping'],
    [{}],
    [{ source: 'aws.events', detail: {} }],
    [{ Records: [] }],
    [{ requestContext: {}, rawPath: '/' }],
  ])('knows that %j is not HTTP', (event) => {
    expect(parseEvent(event)).toBeUndefined()
  })
})

describe('a response becomes a head', () => {
  const response = () => {
    const made = new Response(null, {
      status: 201,
      headers: {
        connection: 'keep-alive, x-hop',
        'keep-alive': 'timeout=5',
        'transfer-encoding': 'chunked',
        'content-length': '5',
        'x-hop': '1',
        'x-kept': '1',
      },
    })
    made.headers.append('set-cookie', 'a=1')
    made.headers.append('set-cookie', 'b=2')
    return made
  }

  it('drops the headers of one connection, and keeps every cookie', () => {
    expect(toHead(response(), 'rest')).toEqual({
      statusCode: 201,
      headers: { 'x-kept': '1' },
      multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] },
    })
    expect(toHead(response(), 'v2')).toEqual({
      statusCode: 201,
      headers: { 'x-kept': '1' },
      cookies: ['a=1', 'b=2'],
    })
    expect(toHead(response(), 'alb-multi')).toEqual({
      statusCode: 201,
      multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'], 'x-kept': ['1'] },
    })
  })
})

/** Returns what the handler wrote: the prelude that Lambda's runtime adds before the first write, and the body. */
async function stream(
  app: App,
  options: Omit<LambdaOptions, 'runtime'> & { event?: unknown; remaining?: number } = {},
): Promise<{ head?: Head; body: string; ended: boolean; error?: unknown; logged: string[] }> {
  const { event = restEvent, remaining = 60_000, ...rest } = options
  const sink = new PassThrough()
  let head: Head | undefined
  let started = false
  const runtime: LambdaRuntime = {
    streamifyResponse: (handler) => handler,
    HttpResponseStream: {
      from(target, given) {
        const write = target.write.bind(target)
        target.write = ((chunk: string, ...more: []) => {
          if (!started) head = given
          started = true
          return write(chunk, ...more)
        }) as typeof target.write
        return target
      },
    },
  }
  const logged: string[] = []
  const handler = lambda(app, { log: (message) => logged.push(message), ...rest, runtime })
  const chunks: Buffer[] = []
  sink.on('data', (chunk: Buffer) => chunks.push(chunk))
  const target = Object.assign(sink, { setContentType: () => undefined }) as ResponseStream
  const error = await handler(event, target, {
    awsRequestId: 'r1',
    getRemainingTimeInMillis: () => remaining,
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return {
    ...(head && { head }),
    body: Buffer.concat(chunks).toString(),
    ended: sink.writableFinished,
    ...(error !== undefined && { error }),
    logged,
  }
}

const sse = { 'content-type': 'text/event-stream' }

describe('a streaming handler', () => {
  it("passes the facts of the host to the app, and the app's answer to the host", async () => {
    const app = new Hono<{ Bindings: { platform: Record<string, unknown> } }>()
    app.post('/mcp', async (c) => c.json({ ...c.env.platform, body: await c.req.json() }))
    const before = Date.now()
    const { head, body, ended } = await stream(app, { margin: 4000 })
    expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } })
    expect(ended).toBe(true)
    const { deadline, ...seen } = JSON.parse(body)
    expect(seen).toEqual({
      baseUrl: 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod',
      authorizer: { principalId: 'p', sub: 'ann' },
      background: false,
      requestId: 'r1',
      suspendAfter: 2_000,
      body: { é: 1 },
    })
    expect(deadline - before).toBeGreaterThanOrEqual(56_000)
    expect(deadline - before).toBeLessThan(57_000)
  })

  it('leaves half of a short invocation to the app', async () => {
    const app = new Hono<{ Bindings: { platform: { deadline: number } } }>()
    app.post('/mcp', (c) => c.json(c.env.platform.deadline))
    const before = Date.now()
    const { body } = await stream(app, { remaining: 2_000 })
    expect(Number(body) - before).toBeGreaterThanOrEqual(1_000)
    expect(Number(body) - before).toBeLessThan(2_000)
  })

  it('sends status and headers of a reply without a body', async () => {
    const { head, body, ended } = await stream({
      fetch: () => new Response(null, { status: 202 }),
    })
    expect({ head, body, ended }).toEqual({
      head: { statusCode: 202, headers: {} },
      body: '',
      ended: true,
    })
  })

  it('ends without an error on an event that is not HTTP', async () => {
    const { head, body, ended, error, logged } = await stream(new Hono(), {
      event: { source: 'aws.events' },
    })
    expect({ head, body, ended, error, logged }).toEqual({
      head: undefined,
      body: '',
      ended: true,
      error: undefined,
      logged: [],
    })
  })

  it('answers 400 to a request that the web API refuses', async () => {
    const { head } = await stream(new Hono(), {
      event: { ...urlEvent, headers: { 'x-bad': 'a\nb' } },
    })
    expect(head?.statusCode).toBe(400)
  })

  it('answers 500 when the app throws, and does not show the error', async () => {
    const { head, body, logged } = await stream({
      fetch: () => Promise.reject(new Error('the database password is x')),
    })
    expect(head?.statusCode).toBe(500)
    expect(body).toBe('Internal Server Error')
    expect(logged).toEqual(['no answer before the first byte'])
  })

  it('answers 500 when a body fails before its first byte', async () => {
    const failing = () =>
      new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('no')) })
    const { head } = await stream({ fetch: () => new Response(failing()) })
    expect(head?.statusCode).toBe(500)
  })

  it('fails the invocation, not the upload, when a body fails after it began', async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ > 0) controller.error(new Error('secret'))
        else controller.enqueue(Buffer.from('data: 1\n\n'))
      },
    })
    const result = await stream({ fetch: () => new Response(body, { headers: sse }) })
    expect(result.head?.statusCode).toBe(200)
    expect(result.body).toBe('data: 1\n\n')
    // The stream is neither ended nor destroyed, because the runtime must still send its trailers.
    expect(result.ended).toBe(false)
    expect(String(result.error)).toBe('Error: The response body failed after it had begun')
  })

  it('sends the headers of an event stream before its first event', async () => {
    let release: () => void = () => undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        release = () => {
          controller.enqueue(Buffer.from(': late\n\n'))
          controller.close()
        }
      },
    })
    const sink = new PassThrough()
    const firstWrite = new Promise<void>((resolve) => {
      const write = sink.write.bind(sink)
      sink.write = ((chunk: string) => {
        resolve()
        return write(chunk)
      }) as typeof sink.write
    })
    const runtime: LambdaRuntime = {
      streamifyResponse: (handler) => handler,
      HttpResponseStream: { from: (target) => target },
    }
    const handler = lambda({ fetch: () => new Response(body, { headers: sse }) }, { runtime })
    const target = Object.assign(sink.resume(), { setContentType: () => undefined })
    const done = handler(restEvent, target as ResponseStream, {
      awsRequestId: 'r1',
      getRemainingTimeInMillis: () => 60_000,
    })
    await firstWrite
    release()
    await done
  })

  it("ends an event stream normally shortly before Lambda's timeout", async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('data: 1\n\n')),
      cancel() {
        cancelled = true
      },
    })
    const {
      body: sent,
      ended,
      error,
    } = await stream(
      { fetch: () => new Response(body, { headers: sse }) },
      { remaining: 200, margin: 100 },
    )
    expect({ sent, ended, error, cancelled }).toEqual({
      sent: 'data: 1\n\n',
      ended: true,
      error: undefined,
      cancelled: true,
    })
  })

  it('answers 504 when the app has not answered by then', async () => {
    const { head } = await stream(
      { fetch: () => new Promise<Response>(() => undefined) },
      { remaining: 100 },
    )
    expect(head?.statusCode).toBe(504)
  })

  it('fails the invocation when a body that is not an event stream is cut', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('{"half":')),
    })
    const { error } = await stream({ fetch: () => new Response(body) }, { remaining: 100 })
    expect(String(error)).toMatch(/failed after it had begun/)
  })

  it('reads no more from the app than the host takes', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(16_384))
          if (pulled === 64) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const blocked: (() => void)[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, callback) => void blocked.push(callback),
    })
    const runtime: LambdaRuntime = {
      streamifyResponse: (handler) => handler,
      HttpResponseStream: { from: (target) => target },
    }
    const handler = lambda({ fetch: () => new Response(body) }, { runtime })
    const target = Object.assign(slow, { setContentType: () => undefined }) as ResponseStream
    const done = handler(restEvent, target, {
      awsRequestId: 'r1',
      getRemainingTimeInMillis: () => 60_000,
    })
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
    expect(pulled).toBeLessThanOrEqual(3)
    const drain = setInterval(() => blocked.splice(0).forEach((next) => void next()), 0)
    await done
    clearInterval(drain)
    expect(pulled).toBe(64)
    expect(slow.writableFinished).toBe(true)
  })

  it('reports a missing Lambda runtime, also when a library has created the global', () => {
    const global = globalThis as { awslambda?: unknown }
    // The AWS SDK creates this object wherever it is imported.
    global.awslambda = { InvokeStore: {} }
    try {
      expect(() => lambda(new Hono())).toThrow(/runs in a Node runtime of AWS Lambda/)
    } finally {
      delete global.awslambda
    }
  })
})

describe.each([
  ['streaming', lambda],
  ['buffered', bufferedLambda],
])('a %s handler of a server that keeps sessions in memory', (_, create) => {
  const runtime = { streamifyResponse: (handler: unknown) => handler } as LambdaRuntime
  const start = (options: Partial<McpOptions> = {}) => {
    const logged: string[] = []
    const mcp = createMcp({ name: 'memory', version: '1.0.0', ...options })
    create(mcp, { runtime, log: (message) => logged.push(message) })
    return logged
  }
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('is reported once in the log', () => {
    expect(start()).toEqual([expect.stringMatching(/^Sessions are kept in the memory .*MCP_TABLE/)])
  })

  it('does not start if MCP_TABLE is set but not used', () => {
    vi.stubEnv('MCP_TABLE', 'sessions')
    expect(() => start()).toThrow(EnvironmentError)
    expect(() => start()).toThrow(/MCP_TABLE is set/)
  })

  it('is not reported if the store is shared or the app has no store', () => {
    vi.stubEnv('MCP_TABLE', 'sessions')
    const store = dynamoStore({ table: 'sessions' })
    expect(start({ store })).toEqual([])
    const log = vi.fn()
    create(new Hono(), { runtime, log })
    expect(log).not.toHaveBeenCalled()
  })
})

describe('a buffered handler', () => {
  const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => 60_000 }
  const handle = (app: App, event: unknown = restEvent) =>
    bufferedLambda(app, { log: () => undefined })(event, context)

  it('returns text as text and other bodies as base64', async () => {
    expect(await handle({ fetch: () => Response.json({ é: 1 }) })).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"é":1}',
      isBase64Encoded: false,
    })
    const png = { 'content-type': 'image/png' }
    expect(
      await handle({ fetch: () => new Response(Buffer.from([1, 2, 255]), { headers: png }) }),
    ).toMatchObject({ body: 'AQL/', isBase64Encoded: true })
  })

  it('returns an event stream in one piece', async () => {
    const fetch = () => new Response('data: 1\n\ndata: 2\n\n', { headers: sse })
    expect(await handle({ fetch })).toMatchObject({ body: 'data: 1\n\ndata: 2\n\n' })
  })

  it('ignores what is not HTTP, and answers 500 for a body that fails', async () => {
    expect(await handle(new Hono(), { Records: [] })).toBeUndefined()
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) =>
        pulls++ > 0 ? controller.error(new Error('no')) : controller.enqueue(new Uint8Array(1)),
    })
    expect(await handle({ fetch: () => new Response(body) })).toMatchObject({
      statusCode: 500,
      body: 'Internal Server Error',
    })
  })
})
