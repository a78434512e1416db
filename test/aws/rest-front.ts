/**
 * API Gateway on this machine, as AWS documents it: it serves the REST API of a stack (and the HTTP API in
 * front of it), and has no routes except those of the stack.
 */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Stack } from './cloudformation.ts'
import { account } from './cloudformation.ts'
import type { FunctionError, Invocation } from './lambda-host.ts'

export interface Limits {
  /** Milliseconds of silence after which a stream is cut. @default 300_000, as for a Regional endpoint */
  idle: number
  /** The time limit of an integration that does not stream, in milliseconds. @default 29_000 */
  integration: number
  /** The largest request in bytes. @default 10 MiB */
  request: number
  /** The largest reply that does not stream, in bytes. @default 10 MiB */
  response: number
}

export interface RestFrontOptions {
  stack: Stack
  /** The stack's functions by their logical id. */
  functions: Readonly<Record<string, { invoke(event: unknown): Promise<Invocation> }>>
  limits?: Partial<Limits>
  /** Epoch milliseconds, for the authorizer's cache. @default Date.now */
  now?: () => number
}

export interface RestFront {
  /** The URL of the stage, over plain HTTP on this machine. */
  readonly url: string
  /** A `fetch` that sends requests for the stack's public names to this machine. */
  readonly fetch: typeof fetch
  /** How often the authorizer was called. */
  readonly authorizations: number
  close(): Promise<void>
}

interface Integration {
  readonly type: 'aws_proxy' | 'mock'
  readonly uri?: string
  readonly responseTransferMode?: 'STREAM' | 'BUFFERED'
  readonly timeoutInMillis?: number
  readonly requestTemplates?: Readonly<Record<string, string>>
  readonly responses?: Readonly<
    Record<string, { statusCode: string; responseParameters?: Readonly<Record<string, string>> }>
  >
}

interface Method {
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  readonly 'x-amazon-apigateway-integration': Integration
}

interface Authorizer {
  readonly identitySource: string
  readonly authorizerResultTtlInSeconds: number
  readonly authorizerUri: string
}

interface GatewayResponse {
  readonly statusCode?: string
  readonly responseParameters?: Readonly<Record<string, string>>
  readonly responseTemplates?: Readonly<Record<string, string>>
}

interface Definition {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Method>>>>
  readonly components?: {
    readonly securitySchemes?: Readonly<
      Record<string, { readonly 'x-amazon-apigateway-authorizer': Authorizer }>
    >
  }
  readonly 'x-amazon-apigateway-gateway-responses'?: Readonly<Record<string, GatewayResponse>>
}

interface Policy {
  readonly principalId: string
  readonly policyDocument: {
    readonly Statement: readonly { readonly Effect: string; readonly Resource: string }[]
  }
  readonly context?: Readonly<Record<string, unknown>>
}

/** The answers of API Gateway itself, with their default status. */
const defaults = {
  UNAUTHORIZED: [401, 'Unauthorized'],
  ACCESS_DENIED: [403, 'User is not authorized to access this resource'],
  MISSING_AUTHENTICATION_TOKEN: [403, 'Missing Authentication Token'],
  AUTHORIZER_FAILURE: [500, null],
  AUTHORIZER_CONFIGURATION_ERROR: [500, null],
  API_CONFIGURATION_ERROR: [500, 'Internal server error'],
  REQUEST_TOO_LARGE: [413, 'Request Too Long'],
  INTEGRATION_FAILURE: [502, 'Internal server error'],
  INTEGRATION_TIMEOUT: [504, 'Endpoint request timed out'],
} as const

type Refusal = keyof typeof defaults

/** An answer of the gateway itself. It is thrown anywhere, and sent in one place. */
class Refused extends Error {
  readonly type: Refusal
  constructor(type: Refusal) {
    super(type)
    this.type = type
  }
}

/** Headers that API Gateway renames in the replies of functions. */
const remapped = new Set([
  'authorization',
  'connection',
  'content-md5',
  'date',
  'expect',
  'host',
  'max-forwards',
  'proxy-authenticate',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'warn',
  'www-authenticate',
])

/** Replaces the header Host, which `fetch` cannot set. */
const virtualHost = 'x-virtual-host'

const preludeLimit = 16_384
const delimiter = Buffer.alloc(8)

export async function restFront(options: RestFrontOptions): Promise<RestFront> {
  const { stack, functions, now = Date.now } = options
  const limits: Limits = {
    idle: 300_000,
    integration: 29_000,
    request: 10_485_760,
    response: 10_485_760,
    ...options.limits,
  }
  const api = only(stack, 'AWS::ApiGateway::RestApi')
  const definition = api.Properties.Body as Definition
  const { StageName: stage } = only(stack, 'AWS::ApiGateway::Stage').Properties as {
    StageName: string
  }
  const region = account['AWS::Region']
  const apiName = `abc123.execute-api.${region}.amazonaws.com`
  const domain = Object.values(stack.resources).find(
    ({ Type }) => Type === 'AWS::ApiGateway::DomainName',
  )?.Properties.DomainName as string | undefined
  const closed = isClosed(definition)
  const cache = new Map<string, { policy: Policy; until: number }>()
  let authorizations = 0

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = String(request.headers[virtualHost] ?? request.headers.host).split(':')[0] ?? ''
    const url = new URL(request.url ?? '/', 'http://gateway')
    const target = metadataProxy(stack, `https://${host}`, request.method ?? '', url.pathname)
    if (target) return forward(target, response)
    const isDomain = host === domain
    // The API is reached by its own names and by this machine's names.
    const isKnown = isDomain || [apiName, '127.0.0.1', 'localhost'].includes(host)
    const prefix = isDomain ? '' : `/${stage}`
    if (!isKnown || (!isDomain && (closed || !`${url.pathname}/`.startsWith(`${prefix}/`)))) {
      response.writeHead(403, { 'content-type': 'application/json' })
      response.end('{"message":"Forbidden"}')
      return
    }
    const path = url.pathname.slice(prefix.length) || '/'
    try {
      const [resource, method, parameters] = route(definition, path, request.method ?? 'GET')
      const integration = method['x-amazon-apigateway-integration']
      const body = await readBody(request, limits.request)
      const event = toEvent(request, url, {
        body,
        resource,
        path,
        parameters,
        stage,
        domainName: isDomain && domain ? domain : apiName,
        prefix,
      })
      const scheme = Object.keys(method.security?.[0] ?? {})[0]
      const authorizer =
        scheme === undefined
          ? undefined
          : definition.components?.securitySchemes?.[scheme]?.['x-amazon-apigateway-authorizer']
      if (scheme !== undefined && authorizer === undefined) {
        throw new Refused('API_CONFIGURATION_ERROR')
      }
      if (authorizer) event.requestContext.authorizer = await authorize(authorizer, event)
      if (integration.type === 'mock') return answerMock(integration, response)
      await proxy(integration, event, response)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      refuse(definition, error.type, response)
    }
  }

  async function authorize(
    authorizer: Authorizer,
    event: RestEvent,
  ): Promise<Readonly<Record<string, unknown>>> {
    const source = authorizer.identitySource.replace('method.request.header.', '').toLowerCase()
    const identity = Object.entries(event.headers).find(([name]) => name.toLowerCase() === source)
    const ttl = authorizer.authorizerResultTtlInSeconds
    // With caching, the gateway refuses a request without its identity source and does not call the authorizer.
    if (ttl > 0 && !identity?.[1]) throw new Refused('UNAUTHORIZED')
    const key = identity?.[1] ?? ''
    const methodArn = `arn:aws:execute-api:${region}:${account['AWS::AccountId']}:abc123/${stage}/${event.httpMethod}${event.path}`
    let kept = cache.get(key)
    if (kept === undefined || kept.until <= now()) {
      authorizations++
      const { body, ended } = await run(authorizer.authorizerUri, {
        ...event,
        type: 'REQUEST',
        methodArn,
        body: undefined,
      })
      const text = (await collect(body)).toString()
      const error = await ended
      if (error) {
        throw new Refused(
          error.errorMessage === 'Unauthorized' ? 'UNAUTHORIZED' : 'AUTHORIZER_FAILURE',
        )
      }
      const policy = JSON.parse(text) as Policy
      if (!isPolicy(policy)) throw new Refused('AUTHORIZER_CONFIGURATION_ERROR')
      kept = { policy, until: now() + ttl * 1000 }
      cache.set(key, kept)
    }
    const { principalId, policyDocument, context } = kept.policy
    const matching = policyDocument.Statement.filter(({ Resource }) => matches(Resource, methodArn))
    if (matching.length === 0 || matching.some(({ Effect }) => Effect !== 'Allow')) {
      throw new Refused('ACCESS_DENIED')
    }
    return { ...context, principalId, integrationLatency: 1 }
  }

  async function run(uri: string, event: unknown): Promise<Invocation> {
    const [, name] = /function:([^/:]+)(?::live)?\//.exec(uri) ?? []
    const id = Object.keys(functions).find((logicalId) => name === `weather-${logicalId}`)
    const called = id === undefined ? undefined : functions[id]
    if (called === undefined) throw new Refused('API_CONFIGURATION_ERROR')
    return called.invoke(event)
  }

  async function proxy(
    integration: Integration,
    event: RestEvent,
    response: ServerResponse,
  ): Promise<void> {
    const { uri = '', responseTransferMode = 'BUFFERED', timeoutInMillis } = integration
    const streaming = uri.endsWith('/response-streaming-invocations')
    // Streaming has to be declared in two places. With only one of them the API is broken or buffers.
    if (streaming !== (responseTransferMode === 'STREAM')) {
      throw new Refused('API_CONFIGURATION_ERROR')
    }
    const invocation = run(uri, event)
    if (!streaming) return answerBuffered(invocation, limits, response)
    await answerStream(await invocation, {
      idle: limits.idle,
      total: timeoutInMillis ?? limits.integration,
      response,
    })
  }

  async function forward(target: string, response: ServerResponse): Promise<void> {
    const answer = await front.fetch(target)
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
      'access-control-allow-origin': '*',
    })
    response.end(Buffer.from(await answer.arrayBuffer()))
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // This is a mistake in this file, so it must not look like a correct reply.
      if (!response.destroyed) console.error(error)
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const front: RestFront = {
    url: `http://127.0.0.1:${port}/${stage}`,
    fetch(input, init) {
      const request = new Request(input, init)
      const { hostname, host, pathname, search } = new URL(request.url)
      if (hostname === '127.0.0.1') return fetch(request)
      const headers = new Headers(request.headers)
      headers.set(virtualHost, host)
      return fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
        method: request.method,
        headers,
        signal: request.signal,
        redirect: request.redirect,
        ...(request.body && { body: request.body, duplex: 'half' }),
      })
    },
    get authorizations() {
      return authorizations
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return front
}

function only(stack: Stack, type: string) {
  const found = Object.values(stack.resources).filter(({ Type }) => Type === type)
  const [one] = found
  if (one === undefined || found.length > 1) throw new Error(`${found.length} resources of ${type}`)
  return one
}

function isClosed(definition: Definition): boolean {
  const { servers } = definition as {
    servers?: readonly {
      'x-amazon-apigateway-endpoint-configuration'?: { disableExecuteApiEndpoint?: boolean }
    }[]
  }
  return (
    servers?.[0]?.['x-amazon-apigateway-endpoint-configuration']?.disableExecuteApiEndpoint === true
  )
}

/** Returns the target to which the stack's HTTP API forwards a request, if the request is for that API. */
function metadataProxy(
  stack: Stack,
  origin: string,
  method: string,
  path: string,
): string | undefined {
  const all = Object.values(stack.resources)
  const [id] =
    Object.entries(stack.resources).find(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Api') ?? []
  if (id === undefined || !origin.startsWith(`https://${id.toLowerCase()}.execute-api.`)) return
  const routed = all.some(
    ({ Type, Properties }) =>
      Type === 'AWS::ApiGatewayV2::Route' && Properties.RouteKey === `${method} ${path}`,
  )
  const integration = all.find(({ Type }) => Type === 'AWS::ApiGatewayV2::Integration')
  return routed ? (integration?.Properties.IntegrationUri as string) : undefined
}

function route(
  definition: Definition,
  path: string,
  verb: string,
): [string, Method, Record<string, string> | null] {
  for (const [resource, methods] of Object.entries(definition.paths)) {
    const pattern = resource.replace(/\{(\w+)\+\}/, '(?<$1>.+)')
    const match = new RegExp(`^${pattern}/?$`).exec(path)
    const method = methods[verb.toLowerCase()] ?? methods['x-amazon-apigateway-any-method']
    if (match && method) return [resource, method, match.groups ? { ...match.groups } : null]
  }
  throw new Refused('MISSING_AUTHENTICATION_TOKEN')
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size <= limit) parts.push(part)
  }
  if (size > limit) throw new Refused('REQUEST_TOO_LARGE')
  return Buffer.concat(parts)
}

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts)
}

type RestEvent = ReturnType<typeof toEvent>

function toEvent(
  request: IncomingMessage,
  url: URL,
  at: {
    body: Buffer
    resource: string
    path: string
    parameters: Record<string, string> | null
    stage: string
    domainName: string
    prefix: string
  },
) {
  const multiValueHeaders: Record<string, string[]> = {}
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? ''
    if (/^(connection|content-length|transfer-encoding|host)$/i.test(name)) continue
    if (name === virtualHost) continue
    multiValueHeaders[name] = [
      ...(multiValueHeaders[name] ?? []),
      request.rawHeaders[index + 1] ?? '',
    ]
  }
  multiValueHeaders.Host = [at.domainName]
  multiValueHeaders['X-Forwarded-For'] = ['203.0.113.1']
  multiValueHeaders['X-Forwarded-Proto'] = ['https']
  const query: Record<string, string[]> = {}
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value]
  const last = (lists: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(lists).map(([name, all]) => [name, all.at(-1) ?? '']))
  const hasQuery = Object.keys(query).length > 0
  return {
    resource: at.resource,
    path: at.path,
    httpMethod: request.method ?? 'GET',
    headers: last(multiValueHeaders),
    multiValueHeaders,
    queryStringParameters: hasQuery ? last(query) : null,
    multiValueQueryStringParameters: hasQuery ? query : null,
    pathParameters: at.parameters,
    stageVariables: null,
    body: at.body.length > 0 ? at.body.toString() : null,
    isBase64Encoded: false,
    requestContext: {
      accountId: account['AWS::AccountId'],
      apiId: 'abc123',
      domainName: at.domainName,
      httpMethod: request.method ?? 'GET',
      path: `${at.prefix}${at.path}`,
      protocol: 'HTTP/1.1',
      requestId: randomUUID(),
      resourcePath: at.resource,
      stage: at.stage,
      identity: { sourceIp: '203.0.113.1', userAgent: request.headers['user-agent'] ?? null },
      authorizer: undefined as Readonly<Record<string, unknown>> | undefined,
    },
  }
}

function isPolicy(value: Policy | null): value is Policy {
  const flat = Object.values(value?.context ?? {}).every((item) => typeof item !== 'object')
  return (
    typeof value?.principalId === 'string' && Array.isArray(value.policyDocument?.Statement) && flat
  )
}

/** Matches `*` and `?` as in the resource of a policy. */
function matches(resource: string, arn: string): boolean {
  const pattern = resource
    .replace(/[.+^$(){}|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${pattern}$`).test(arn)
}

function refuse(definition: Definition, type: Refusal, response: ServerResponse): void {
  const [status, message] = defaults[type]
  const all = definition['x-amazon-apigateway-gateway-responses'] ?? {}
  // An API's response for one type replaces its response for the class; they are not merged.
  const said = all[type] ?? all[status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX'] ?? {}
  for (const [name, value] of Object.entries(said.responseParameters ?? {})) {
    response.setHeader(name.replace('gatewayresponse.header.', ''), literal(value))
  }
  response.writeHead(Number(said.statusCode ?? status), { 'content-type': 'application/json' })
  const template = said.responseTemplates?.['application/json']
  response.end(template ?? JSON.stringify({ message }))
}

/** Returns a static value of a mapping, which is in single quotes. */
function literal(value: string): string {
  const [, text] = /^'(.*)'$/s.exec(value) ?? []
  if (text === undefined) throw new Error(`not a static value: ${value}`)
  return text
}

function answerMock(integration: Integration, response: ServerResponse): void {
  const asked = JSON.parse(integration.requestTemplates?.['application/json'] ?? '{}') as {
    statusCode?: number
  }
  const found = integration.responses?.[String(asked.statusCode)] ?? integration.responses?.default
  if (found === undefined) throw new Refused('API_CONFIGURATION_ERROR')
  for (const [name, value] of Object.entries(found.responseParameters ?? {})) {
    response.setHeader(name.replace('method.response.header.', ''), literal(value))
  }
  response.writeHead(Number(found.statusCode)).end()
}

interface Head {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
}

function parseHead(text: string): Head {
  let head: Partial<Head> | null
  try {
    head = JSON.parse(text) as Partial<Head> | null
  } catch {
    throw new Refused('INTEGRATION_FAILURE')
  }
  if (typeof head?.statusCode !== 'number') throw new Refused('INTEGRATION_FAILURE')
  return head as Head
}

function writeHead(head: Head, response: ServerResponse): void {
  const rename = (name: string) =>
    remapped.has(name.toLowerCase()) ? `x-amzn-Remapped-${name}` : name
  for (const [name, value] of Object.entries(head.headers ?? {})) {
    response.setHeader(rename(name), value)
  }
  for (const [name, values] of Object.entries(head.multiValueHeaders ?? {})) {
    response.setHeader(rename(name), values)
  }
  response.writeHead(head.statusCode)
  response.flushHeaders()
}

async function answerBuffered(
  invocation: Promise<Invocation>,
  limits: Limits,
  response: ServerResponse,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refused('INTEGRATION_TIMEOUT')), limits.integration)
  })
  const whole = async (): Promise<[Buffer, FunctionError | undefined]> => {
    const { body, ended } = await invocation
    return [await collect(body), await ended]
  }
  try {
    const [body, error] = await Promise.race([whole(), late])
    if (error || body.length > limits.response) throw new Refused('INTEGRATION_FAILURE')
    const reply = parseHead(body.toString()) as Head & { body?: string; isBase64Encoded?: boolean }
    writeHead(reply, response)
    response.end(Buffer.from(reply.body ?? '', reply.isBase64Encoded ? 'base64' : 'utf8'))
  } finally {
    clearTimeout(timer)
  }
}

/** Separates the prelude and passes bytes on as they arrive. Reads to the end even if the client has left. */
export async function answerStream(
  { body, ended }: Invocation,
  { idle, total, response }: { idle: number; total: number; response: ServerResponse },
): Promise<void> {
  const cut = () => response.destroy()
  const end = setTimeout(cut, total)
  let silence = setTimeout(cut, idle)
  let prelude: Buffer | undefined = Buffer.alloc(0)
  try {
    // The upload is not destroyed, because the runtime client would crash.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      clearTimeout(silence)
      silence = setTimeout(cut, idle)
      let rest = chunk as Buffer
      if (prelude) {
        prelude = Buffer.concat([prelude, rest])
        const at = prelude.indexOf(delimiter)
        if (at < 0 && prelude.length <= preludeLimit) continue
        if (at < 0 || at > preludeLimit) throw new Refused('INTEGRATION_FAILURE')
        writeHead(parseHead(prelude.subarray(0, at).toString()), response)
        rest = prelude.subarray(at + delimiter.length)
        prelude = undefined
      }
      if (rest.length > 0 && !response.destroyed && !response.write(rest)) await drained(response)
    }
  } catch (error) {
    body.resume()
    // Otherwise the function's process died in the middle of its upload.
    if (error instanceof Refused) throw error
  } finally {
    clearTimeout(end)
    clearTimeout(silence)
  }
  const error = await ended
  if (prelude) throw new Refused('INTEGRATION_FAILURE')
  // After the status was sent, only an unfinished body can show a failure.
  if (error) response.destroy()
  else response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
