/** `connect()`: the official clients, over a function instead of a socket. */

import type { Client } from '@modelcontextprotocol/client'
import type { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import type { Era, Platform } from '../../src/index.ts'

/** What `createMcp()` returns, or any app that answers a web request, such as a Hono app. */
export interface Fetches {
  /** Answers a web request. `env.platform` is what a host would tell of it. */
  fetch(request: Request, env?: { platform?: Platform }): Response | Promise<Response>
}

/** How a client connects, and what it can do for the server. */
export interface ConnectOptions {
  /**
   * Which client connects: of the revision with `initialize` and sessions (2025-11-25), or of the
   * stateless one (2026-07-28). With `auto` it finds out what the server speaks, as a host does.
   * @default 'modern'
   */
  era?: Era | 'auto'
  /**
   * The official SDK: `v2` is `@modelcontextprotocol/client`, which speaks both eras; `v1` is
   * `@modelcontextprotocol/sdk`, which most hosts still contain and which speaks the legacy one.
   * @default 'v2'
   */
  sdk?: 'v1' | 'v2'
  /** URL of the endpoint. @default 'http://localhost/mcp' */
  url?: string | URL
  /** Sent with each request, such as `{ authorization: 'Bearer …' }`. */
  headers?: Record<string, string>
  /** What a host would tell the server, such as the context of a gateway's authorizer. */
  platform?: Platform
  /** The client's name and version. @default { name: 'test', version: '1.0.0' } */
  clientInfo?: { name: string; version: string }
  /** A person who answers `ctx.elicit()` and `ctx.elicitUrl()`. Without it, the client cannot be asked. */
  elicit?: (question: Question) => Answer | Promise<Answer>
  /** A model that answers `ctx.sample()`, with a text or a whole result. Without it, there is none. */
  sample?: (params: SampleParams) => Sample | Promise<Sample>
  /** The folders that answer `ctx.roots()`, as `file://` URIs. Without it, the client has none to tell. */
  roots?: () => readonly string[] | Promise<readonly string[]>
}

/** A question to the person: `requestedSchema` describes the form, `url` is the page to open instead. */
export interface Question {
  readonly message: string
  readonly requestedSchema?: object
  readonly url?: string
}

/** What the person does with a {@link Question}. */
export type Answer =
  | { action: 'accept'; content?: Record<string, string | number | boolean | string[]> }
  | { action: 'decline' | 'cancel' }

/** What the model is asked. */
export interface SampleParams {
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: unknown }[]
  readonly maxTokens: number
  readonly systemPrompt?: string | undefined
}

/** What the model says: a text, or the whole result. */
export type Sample =
  | string
  | {
      role: 'user' | 'assistant'
      content: { type: 'text'; text: string }
      model: string
      stopReason?: string
    }

/**
 * Connects an official client to a server in the same process. Each request goes to `mcp.fetch` as it
 * would come from a host, so authorization, guards and streams are those of the real server. The client
 * is the SDK's own, with all its methods; `close()` ends its streams.
 *
 * The SDK is an optional peer: `npm install --save-dev @modelcontextprotocol/client`.
 *
 * @throws {Error} when the SDK is not installed, or the server refuses the client
 * @example
 * const client = await connect(mcp, { era: 'legacy' })
 * const { content } = await client.callTool({ name: 'get_weather', arguments: { city: 'Oslo' } })
 */
export function connect(
  mcp: Fetches,
  options: ConnectOptions & { era: 'legacy'; sdk: 'v1' },
): Promise<ClientV1>
export function connect(mcp: Fetches, options?: ConnectOptions & { sdk?: 'v2' }): Promise<Client>
export async function connect(
  mcp: Fetches,
  options: ConnectOptions = {},
): Promise<Client | ClientV1> {
  const { era = 'modern', sdk = 'v2' } = options
  if (sdk === 'v2') return connectV2(mcp, era, options)
  if (era !== 'legacy') throw new TypeError("sdk 'v1' speaks the legacy era alone: set era to it")
  return connectV1(mcp, options)
}

async function connectV2(
  mcp: Fetches,
  era: Era | 'auto',
  options: ConnectOptions,
): Promise<Client> {
  const { Client, StreamableHTTPClientTransport } = await load(
    '@modelcontextprotocol/client',
    () => import('@modelcontextprotocol/client'),
  )
  const mode = era === 'modern' ? { pin: '2026-07-28' } : era
  const client = new Client(infoOf(options), {
    capabilities: capabilitiesOf(options),
    versionNegotiation: { mode },
  })
  const { elicit, sample, roots } = options
  if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params))
  if (sample) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) =>
      toSample(await sample(params)),
    )
  }
  if (roots) client.setRequestHandler('roots/list', async () => toRoots(await roots()))
  await client.connect(new StreamableHTTPClientTransport(urlOf(options), transportOf(mcp, options)))
  return client
}

async function connectV1(mcp: Fetches, options: ConnectOptions): Promise<ClientV1> {
  const [{ Client }, { StreamableHTTPClientTransport }, schemas] = await load(
    '@modelcontextprotocol/sdk',
    () =>
      Promise.all([
        import('@modelcontextprotocol/sdk/client/index.js'),
        import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
        import('@modelcontextprotocol/sdk/types.js'),
      ]),
  )
  const client = new Client(infoOf(options), { capabilities: capabilitiesOf(options) })
  const { elicit, sample, roots } = options
  if (elicit) {
    client.setRequestHandler(schemas.ElicitRequestSchema, ({ params }) => elicit(params))
  }
  if (sample) {
    client.setRequestHandler(schemas.CreateMessageRequestSchema, async ({ params }) =>
      toSample(await sample(params)),
    )
  }
  if (roots) {
    client.setRequestHandler(schemas.ListRootsRequestSchema, async () => toRoots(await roots()))
  }
  const transport = new StreamableHTTPClientTransport(urlOf(options), transportOf(mcp, options))
  // The transport's type of sessionId is not made for exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<typeof client.connect>[0])
  return client
}

/** Loads an optional peer when it is needed, and says what to install when it is not there. */
async function load<T>(name: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt()
  } catch (cause) {
    throw new Error(`connect() needs the official client: npm install --save-dev ${name}`, {
      cause,
    })
  }
}

const infoOf = ({ clientInfo = { name: 'test', version: '1.0.0' } }: ConnectOptions) => clientInfo

const urlOf = ({ url = 'http://localhost/mcp' }: ConnectOptions) => new URL(url)

/** A client declares what it has a handler for. */
function capabilitiesOf({ elicit, sample, roots }: ConnectOptions) {
  return {
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(sample && { sampling: {} }),
    ...(roots && { roots: {} }),
  }
}

function toSample(sample: Sample) {
  return typeof sample === 'string'
    ? {
        role: 'assistant' as const,
        content: { type: 'text' as const, text: sample },
        model: 'test-model',
      }
    : sample
}

const toRoots = (uris: readonly string[]) => ({ roots: uris.map((uri) => ({ uri })) })

function transportOf(mcp: Fetches, { headers = {}, platform }: ConnectOptions) {
  return {
    requestInit: { headers },
    // A test need not wait as long as a network would.
    reconnectionOptions: {
      initialReconnectionDelay: 5,
      maxReconnectionDelay: 20,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 5,
    },
    async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
      const response = await mcp.fetch(new Request(url, init), platform ? { platform } : undefined)
      const { body } = response
      if (!body || !init.signal) return response
      // A socket ends the body when the client goes away. Here the pipe does it.
      return new Response(
        body.pipeThrough(new TransformStream(), { signal: init.signal }),
        response,
      )
    },
  }
}
