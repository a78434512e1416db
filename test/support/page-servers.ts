/** Servers of this library and of both official SDKs, each with the page before it, on a free port. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { McpServer as ServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { createMcpHandler, McpServer as ServerV2 } from '@modelcontextprotocol/server'
import * as v from 'valibot'
import * as z from 'zod'
import { page } from '../../adapters/page.ts'
import type { Bindings, McpOptions } from '../../src/index.ts'
import { createMcp, resourceLink } from '../../src/index.ts'

type Fetch = (request: Request) => Response | Promise<Response>

export interface PageServer {
  readonly url: string
  close(): Promise<void>
}

/** Serves a function on a free port of the loopback interface. */
export async function serveFetch(fetch: Fetch): Promise<PageServer> {
  const server = serve({ fetch, hostname: '127.0.0.1', port: 0, overrideGlobalObjects: false })
  if (!server.listening) await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      if ('closeAllConnections' in server) server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The page before a function that knows nothing of it. */
export function withPage(fetch: Fetch): Fetch {
  const people = page()
  return async (request) => (await people.respond(request)) ?? fetch(request)
}

const ADDRESS = { type: 'object', properties: { street: { type: 'string' } }, required: ['street'] }

/** A schema with every kind of field. */
const EVERYTHING = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Your whole name' },
    count: { type: 'integer' },
    sure: { type: 'boolean' },
    size: { enum: ['small', 'large'] },
    home: { $ref: '#/$defs/address' },
    places: { type: 'array', items: { $ref: '#/$defs/address' } },
    tags: { type: 'array', items: { enum: ['new', 'old'] } },
    pay: {
      oneOf: [
        { title: 'cash', type: 'object', properties: { kind: { const: 'cash' } } },
        {
          title: 'card',
          type: 'object',
          properties: { kind: { const: 'card' }, number: { type: 'string' } },
          required: ['kind', 'number'],
        },
      ],
    },
    file: { type: 'string', contentEncoding: 'base64' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
  },
  required: ['name', 'home', 'size'],
  $defs: { address: ADDRESS },
}

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A server of this library with a tool for each thing that the page shows. */
export function createOurs(options: Partial<McpOptions> = {}) {
  const mcp = createMcp({
    name: 'ours',
    version: '1.0.0',
    instructions: 'Ask politely.',
    page: page(),
    log: () => {},
    ...options,
  })
  const given: unknown[] = []
  mcp.tool(
    'everything',
    { description: 'Takes every kind of field', input: EVERYTHING },
    (args) => {
      given.push(args)
      return { given: args }
    },
  )
  mcp.tool(
    'greet',
    { description: 'Greets', input: v.object({ name: v.string() }) },
    ({ name }) => `Hello ${name}`,
  )
  mcp.tool('rows', { description: 'Gives a table' }, () => ({
    rows: [
      { city: 'Bern', degrees: 21 },
      { city: 'Oslo', degrees: 9 },
    ],
  }))
  mcp.tool('media', { description: 'Gives an image and links' }, () => [
    { type: 'image', data: PIXEL, mimeType: 'image/png' },
    resourceLink('notes://today', 'today'),
    { type: 'resource', resource: { uri: 'notes://inside', text: 'embedded text' } },
    { type: 'text', text: '# Report\n\n**bold** [site](https://example.com/a)' },
  ])
  mcp.tool('fail', { description: 'Fails' }, () => {
    throw new Error('inside')
  })
  mcp.tool('steps', { description: 'Tells its progress' }, async (_, ctx) => {
    for (let step = 1; step <= 3; step++) {
      ctx.progress(step, 3, `step ${step}`)
      ctx.log.info(`did ${step}`)
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    return 'all steps'
  })
  const cancelled: string[] = []
  mcp.tool('wait', { description: 'Waits until it is cancelled' }, async (_, ctx) => {
    ctx.progress(1)
    await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
    cancelled.push('wait')
    return 'never seen'
  })
  mcp.tool('ask', { description: 'Asks in a form' }, async (_, ctx) => {
    const answer = await ctx.elicit('Which city?', v.object({ city: v.string() }))
    return answer.action === 'accept' ? `You said ${answer.content.city}` : answer.action
  })
  mcp.tool('visit', { description: 'Asks to open a URL' }, async (_, ctx) => {
    const { action } = await ctx.elicitUrl('Pay here', 'https://pay.example.com/42')
    return `visit: ${action}`
  })
  mcp.tool('think', { description: 'Asks the model' }, async (_, ctx) => {
    const reply = await ctx.sample({
      messages: [{ role: 'user', content: { type: 'text', text: 'Say something' } }],
      maxTokens: 50,
    })
    return `the model said ${JSON.stringify(reply.content)}`
  })
  mcp.prompt(
    'review',
    { description: 'Reviews', input: v.object({ language: v.string() }) },
    ({ language }) => `Review this ${language}`,
  )
  mcp.resource('notes://today', { name: 'today' }, () => 'Buy milk')
  mcp.resource('notes://{day}', { name: 'a day' }, ({ day }) => `Nothing on ${day}`)
  return { mcp, given, cancelled }
}

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

/** The same small server with the SDK of the first generation, which knows 2025 alone. */
export function createV1(): Fetch {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>()
  return withPage(async (request) => {
    const known = transports.get(request.headers.get('mcp-session-id') ?? '')
    if (known) return known.handleRequest(request)
    const server = new ServerV1({ name: 'sdk-v1', version: '1.0.0' })
    server.registerTool(
      'greet',
      { description: 'Greets', inputSchema: { name: z.string() } },
      async ({ name }, { sendNotification, _meta }) => {
        const progressToken = _meta?.progressToken ?? 0
        const params = { progressToken, progress: 1, total: 2, message: 'half' }
        await sendNotification({ method: 'notifications/progress', params })
        return text(`Hello ${name}`)
      },
    )
    server.registerTool('ask', { description: 'Asks in a form' }, async () => {
      const answer = await server.server.elicitInput({
        message: 'Which city?',
        requestedSchema: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      })
      return text(`You said ${String(answer.content?.city)}`)
    })
    server.registerResource('today', 'notes://today', {}, ({ href }) => ({
      contents: [{ uri: href, text: 'Buy milk' }],
    }))
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        transports.set(id, transport)
      },
    })
    await server.connect(transport)
    return transport.handleRequest(request)
  })
}

/** The same with the SDK of the second generation, which knows both eras. */
export function createV2(): Fetch {
  const handler = createMcpHandler(() => {
    const server = new ServerV2({ name: 'sdk-v2', version: '1.0.0' })
    server.registerTool(
      'greet',
      { description: 'Greets', inputSchema: z.object({ name: z.string() }) },
      async ({ name }, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken ?? 0
        const params = { progressToken, progress: 1, total: 2, message: 'half' }
        await mcpReq.notify({ method: 'notifications/progress', params })
        return text(`Hello ${name}`)
      },
    )
    server.registerResource('today', 'notes://today', {}, ({ href }) => ({
      contents: [{ uri: href, text: 'Buy milk' }],
    }))
    return server
  })
  return withPage((request) => handler.fetch(request))
}

/** What the Node adapter of Hono calls. */
export function fetchOf(mcp: {
  fetch: (request: Request, env?: Bindings) => Response | Promise<Response>
}): Fetch {
  return (request) => mcp.fetch(request)
}
