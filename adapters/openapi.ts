/** `openapi()`: chosen operations of an HTTP API as tools. */

import type { Context, MaybePromise, Mcp, Registration } from '../src/index.ts'
import { failure } from '../src/index.ts'
import type { BridgedToolOptions } from './bridge/offer.ts'
import type { Json } from './openapi/operation.ts'
import { isJson, Operation } from './openapi/operation.ts'

export type { BridgedToolOptions } from './bridge/offer.ts'

/** Options of {@link openapi}. */
export interface OpenApiOptions {
  /**
   * The operations that become tools: a list of their `operationId`s, or for each tool an `operationId` or
   * `GET /path`. No operation is offered by default.
   */
  operations: readonly string[] | Readonly<Record<string, string>>
  /** Where the API is. The document's `servers` are not used, because its writer could choose the host. */
  baseUrl: string | URL
  /** Headers of each request, such as its `authorization`: what the `security` of the document asks for. */
  headers?: Record<string, string> | ((ctx: Context) => MaybePromise<Record<string, string>>)
  /** Begins the names of the tools. @default none */
  prefix?: string
  /** Options for each tool, by its name without the prefix. */
  tools?(name: string): BridgedToolOptions | undefined
  /** Milliseconds after which a request fails. @default 30 seconds */
  timeout?: number
  /** Sends the requests. @default the global `fetch` */
  fetch?: typeof fetch
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options']

/** Bytes of a response at most. */
const LARGEST = 10 * 1024 * 1024

/**
 * Offers chosen operations of an OpenAPI 3 document as tools. References within the document are resolved;
 * others are an error, and nothing is fetched to read it.
 *
 * The parser is an optional peer: `npm install @apidevtools/swagger-parser`.
 *
 * @throws {TypeError} for an operation that does not exist or cannot be a tool, by its name
 * @example
 * await openapi(mcp, document, {
 *   operations: ['getPet', 'listPets'],
 *   baseUrl: 'https://pets.example.com/v1',
 *   headers: { authorization: `Bearer ${token}` },
 * })
 */
export async function openapi(
  mcp: Mcp,
  document: object,
  options: OpenApiOptions,
): Promise<{
  /** Removes the tools. */
  close(): void
}> {
  const { protocol } = new URL(options.baseUrl)
  if (!/^https?:$/.test(protocol)) throw new TypeError(`openapi(): ${protocol} is not https:`)
  const paths = (await parse(document)).paths
  const chosen = Array.isArray(options.operations)
    ? options.operations.map((name: string) => [name, name] as const)
    : Object.entries(options.operations as Record<string, string>)
  const operations = chosen.map(([name, which]) => find(isJson(paths) ? paths : {}, name, which))
  const registrations: Registration[] = []
  const close = () => {
    for (const registration of registrations) registration.remove()
  }
  try {
    for (const operation of operations) registrations.push(register(mcp, operation, options))
  } catch (error) {
    close()
    throw error
  }
  return { close }
}

async function parse(document: object): Promise<Json> {
  const { default: SwaggerParser } = await import('@apidevtools/swagger-parser')
  const copy: unknown = structuredClone(document)
  if (!isJson(copy) || !String(copy.openapi).startsWith('3.')) {
    throw new TypeError('openapi(): the document is not of OpenAPI 3')
  }
  const outside = /"\$ref":"([^#"][^"]*)"/.exec(JSON.stringify(copy))?.[1]
  if (outside !== undefined) {
    throw new TypeError(`openapi(): "${outside}" is outside the document: bundle it first`)
  }
  const parsed: unknown = await SwaggerParser.dereference(
    copy as unknown as Parameters<typeof SwaggerParser.dereference>[0],
    { resolve: { external: false }, dereference: { circular: 'ignore' } },
  )
  return parsed as Json
}

function find(paths: Json, name: string, which: string): Operation {
  for (const [path, item] of Object.entries(paths)) {
    if (!isJson(item)) continue
    for (const method of METHODS) {
      const details = item[method]
      if (!isJson(details)) continue
      if (details.operationId === which || `${method.toUpperCase()} ${path}` === which) {
        return new Operation(name, method, path, item)
      }
    }
  }
  throw new TypeError(`openapi(): the document has no operation "${which}"`)
}

function register(mcp: Mcp, operation: Operation, options: OpenApiOptions): Registration {
  const { name, method, details } = operation
  const { summary, description } = details
  return mcp.tool(
    (options.prefix ?? '') + name,
    {
      description: String(description || summary || `${method} ${operation.path}`),
      ...(typeof summary === 'string' && { title: summary }),
      input: operation.input,
      annotations: {
        readOnlyHint: method === 'GET' || method === 'HEAD',
        idempotentHint: method !== 'POST' && method !== 'PATCH',
      },
      ...options.tools?.(name),
    },
    async (args, ctx) => call(operation, args, ctx, options),
  )
}

/** Refusals of the API are failures that the model reads, without what its errors say about its inside. */
async function call(operation: Operation, args: Json, ctx: Context, options: OpenApiOptions) {
  const { headers: own, timeout = 30_000, fetch: send = fetch } = options
  const { url, headers, body } = operation.request(new URL(options.baseUrl), args)
  const added = typeof own === 'function' ? await own(ctx) : own
  let response: Response
  try {
    response = await send(url, {
      method: operation.method,
      // A redirection could carry the headers to another host.
      redirect: 'error',
      headers: { accept: 'application/json, */*;q=0.5', ...headers, ...added },
      signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(timeout)]),
      ...(body !== undefined && { body }),
    })
  } catch {
    ctx.signal.throwIfAborted()
    throw failure('The API cannot be reached')
  }
  if (!response.ok) throw failure(await explain(response))
  const bytes = await read(response)
  const type = response.headers.get('content-type') ?? ''
  if (bytes.length === 0) return `Done (${response.status})`
  if (/^(?!text\/|application\/([\w.-]+\+)?(json|xml)\b)/.test(type)) return bytes
  const text = new TextDecoder().decode(bytes)
  if (!/json/.test(type)) return text
  const value: unknown = JSON.parse(text)
  const content = [{ type: 'text' as const, text }]
  return isJson(value) ? { content, structuredContent: value } : { content }
}

/** What a refusal says: its status, and the words of a problem document (RFC 9457) about the request. */
async function explain(response: Response): Promise<string> {
  const { status, headers } = response
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json')
  if (status >= 500 || !isProblem) {
    await response.body?.cancel()
    return `The API answered with status ${status}`
  }
  const problem: unknown = JSON.parse(new TextDecoder().decode(await read(response)))
  const { title, detail } = isJson(problem) ? problem : {}
  const words = [title, detail].filter((word) => typeof word === 'string').join(': ')
  return `The API answered with status ${status}${words && `: ${words.slice(0, 500)}`}`
}

async function read(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > LARGEST) throw failure(`The API's answer has more than ${LARGEST} bytes`)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
