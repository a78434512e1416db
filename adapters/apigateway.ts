/** Converts HTTP events of AWS (REST API, payload 2.0, ALB) to a web Request, and a Response to the form that each expects. */

import type { Platform } from '../src/index.ts'
import { keepDotSegments } from './dot-segments.ts'

type Values = Readonly<Record<string, string | undefined>> | null
type Lists = Readonly<Record<string, readonly string[] | undefined>> | null

interface Payload {
  readonly headers?: Values
  readonly body?: string | null
  readonly isBase64Encoded?: boolean
}

/** The event of an API Gateway REST API. An ALB sends the same form. */
interface EventV1 extends Payload {
  readonly httpMethod: string
  readonly path: string
  readonly resource?: string
  readonly pathParameters?: Values
  readonly multiValueHeaders?: Lists
  readonly queryStringParameters?: Values
  readonly multiValueQueryStringParameters?: Lists
  readonly requestContext: {
    readonly domainName?: string
    readonly path?: string
    readonly authorizer?: Readonly<Record<string, unknown>> | null
    readonly elb?: unknown
  }
}

/** Payload format 2.0: Function URLs and HTTP APIs. */
interface EventV2 extends Payload {
  readonly rawPath: string
  readonly rawQueryString?: string
  readonly cookies?: readonly string[]
  readonly requestContext: {
    readonly http: { readonly method: string }
    readonly domainName?: string
    readonly stage?: string
    readonly authorizer?: Readonly<Record<string, unknown>> | null
  }
}

/** The form in which the host expects status and headers. */
export type Shape = 'rest' | 'v2' | 'alb' | 'alb-multi'

export interface Incoming {
  readonly request: Request
  readonly platform: Pick<Platform, 'baseUrl' | 'authorizer'>
  readonly shape: Shape
}

/** Status and headers of a response, which precede its body. */
export interface Head {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly cookies?: readonly string[]
}

/** A whole response, as hosts that cannot stream take it. */
export interface BufferedReply extends Head {
  readonly body: string
  readonly isBase64Encoded: boolean
}

/**
 * Returns the request of an event, or undefined for an event that is not HTTP, such as a schedule, a
 * queue or a warm-up. Throws a TypeError for a request that the web API cannot express.
 */
export function parseEvent(event: unknown): Incoming | undefined {
  if (isV2(event)) return parseV2(event)
  if (isV1(event))
    return event.requestContext.elb === undefined ? parseRest(event) : parseAlb(event)
  return undefined
}

function isV1(event: unknown): event is EventV1 {
  return (
    isObject(event) &&
    typeof event.httpMethod === 'string' &&
    typeof event.path === 'string' &&
    isObject(event.requestContext)
  )
}

function isV2(event: unknown): event is EventV2 {
  return (
    isObject(event) &&
    typeof event.rawPath === 'string' &&
    isObject(event.requestContext) &&
    isObject(event.requestContext.http) &&
    typeof event.requestContext.http.method === 'string'
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function parseRest(event: EventV1): Incoming {
  const { domainName, path: full = event.path, authorizer } = event.requestContext
  // Behind a base path mapping `path` contains the base path, and only the resource is the API's own path.
  const resource = event.resource?.replace(
    /\{(\w+)\+?\}/g,
    (_, name: string) => event.pathParameters?.[name] ?? '',
  )
  const path = resource !== undefined && full.endsWith(resource) ? resource : event.path
  const prefix = full.endsWith(path) ? full.slice(0, full.length - path.length) : ''
  const query = new URLSearchParams()
  for (const [name, value] of pairs(
    event.multiValueQueryStringParameters,
    event.queryStringParameters,
  )) {
    query.append(name, value)
  }
  return {
    request: toRequest(event, {
      method: event.httpMethod,
      origin: `https://${domainName ?? 'localhost'}`,
      path,
      query: query.toString(),
      headers: toHeaders(event),
    }),
    platform: toPlatform(domainName, prefix, authorizer),
    shape: 'rest',
  }
}

function parseAlb(event: EventV1): Incoming {
  const headers = toHeaders(event)
  // An ALB leaves the query percent-encoded.
  const query = pairs(event.multiValueQueryStringParameters, event.queryStringParameters)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  return {
    // An ALB does not tell the name that clients use for it, so there is no public URL. The Host header
    // comes from the client, and the server compares it with `allowedHosts`.
    request: toRequest(event, {
      method: event.httpMethod,
      origin: `https://${headers.get('host') ?? 'localhost'}`,
      path: event.path,
      query,
      headers,
    }),
    platform: {},
    shape: event.multiValueHeaders ? 'alb-multi' : 'alb',
  }
}

function parseV2(event: EventV2): Incoming {
  const { http, domainName, stage = '$default', authorizer } = event.requestContext
  const headers = toHeaders(event)
  if (event.cookies?.length) headers.set('cookie', event.cookies.join('; '))
  const prefix = stage !== '$default' && event.rawPath.startsWith(`/${stage}/`) ? `/${stage}` : ''
  return {
    request: toRequest(event, {
      method: http.method,
      origin: `https://${domainName ?? 'localhost'}`,
      path: event.rawPath.slice(prefix.length),
      query: event.rawQueryString ?? '',
      headers,
    }),
    platform: toPlatform(
      domainName,
      prefix,
      isObject(authorizer?.lambda) ? authorizer.lambda : authorizer,
    ),
    shape: 'v2',
  }
}

function toPlatform(
  domainName: string | undefined,
  prefix: string,
  authorizer: Readonly<Record<string, unknown>> | null | undefined,
): Incoming['platform'] {
  return {
    ...(domainName !== undefined && { baseUrl: `https://${domainName}${prefix}` }),
    ...(authorizer && { authorizer }),
  }
}

function toHeaders(event: Payload & { readonly multiValueHeaders?: Lists }): Headers {
  const headers = new Headers()
  for (const [name, value] of pairs(event.multiValueHeaders, event.headers)) {
    headers.append(name, value)
  }
  return headers
}

/** Returns names and values in order. If the multi-value form exists, it contains the other one. */
function pairs(lists: Lists | undefined, values: Values | undefined): [string, string][] {
  if (lists) {
    return Object.entries(lists).flatMap(([name, all]) =>
      (all ?? []).map((value): [string, string] => [name, value]),
    )
  }
  return Object.entries(values ?? {}).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
}

interface RequestParts {
  readonly method: string
  readonly origin: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
}

function toRequest(
  { body, isBase64Encoded }: Payload,
  { method, origin, path, query, headers }: RequestParts,
): Request {
  const url = new URL(origin)
  url.pathname = keepDotSegments(path)
  url.search = query
  // The event of a GET may have a body, which the web API refuses.
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers })
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
  // The gateway may have encoded the body again, so the length of the body that arrived counts.
  headers.set('content-length', String(bytes.byteLength))
  return new Request(url, { method, headers, ...(bytes.byteLength > 0 && { body: bytes }) })
}

/** Headers of one connection (RFC 9110 section 7.6.1), and the length, which the host computes itself. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Converts status and headers to the form that the host of the event expects. */
export function toHead(response: Response, shape: Shape): Head {
  const named = (response.headers.get('connection') ?? '').toLowerCase().split(/\s*,\s*/)
  const kept = [...response.headers].filter(
    ([name]) => !HOP_BY_HOP.has(name) && !named.includes(name),
  )
  const statusCode = response.status
  if (shape === 'alb-multi') {
    // An ALB ignores `headers` if the target group has multi-value headers on.
    const multiValueHeaders: Record<string, string[]> = {}
    for (const [name, value] of kept) {
      multiValueHeaders[name] = [...(multiValueHeaders[name] ?? []), value]
    }
    return { statusCode, multiValueHeaders }
  }
  if (shape === 'alb') return { statusCode, headers: Object.fromEntries(kept) }
  const headers = Object.fromEntries(kept.filter(([name]) => name !== 'set-cookie'))
  const cookies = response.headers.getSetCookie()
  if (cookies.length === 0) return { statusCode, headers }
  return shape === 'v2'
    ? { statusCode, headers, cookies }
    : { statusCode, headers, multiValueHeaders: { 'set-cookie': cookies } }
}

/** Collects a whole response for an integration that does not stream. A body that is not text is sent in base64. */
export async function toReply(
  response: Response,
  body: AsyncIterable<Uint8Array>,
  shape: Shape,
): Promise<BufferedReply> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  const type = response.headers.get('content-type') ?? 'text/plain'
  const isText = /^text\/|[/+]json\b|[/+]xml\b|javascript/i.test(type)
  return {
    ...toHead(response, shape),
    body: Buffer.concat(parts).toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  }
}
