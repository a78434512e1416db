/** Servers of both official SDKs, written as their guides write them, to be mounted as they are. */

import { completable as completableV1 } from '@modelcontextprotocol/sdk/server/completable.js'
import {
  McpServer as McpServerV1,
  ResourceTemplate as ResourceTemplateV1,
} from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  completable,
  inputRequired,
  McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { OfficialServer } from '../../adapters/mount.ts'

const CITIES = ['Oslo', 'Osaka', 'Rome']
const suggest = (value: string) => CITIES.filter((city) => city.startsWith(value))

/** What a test may do with a server that is mounted. */
export interface MountedServer {
  readonly server: OfficialServer
  /** Adds a tool, of which the server tells those who listen. */
  addTool(name: string): void
  /** The calls of `wait` that were cancelled. */
  readonly cancelled: string[]
  /** What each run of `book` has come to. */
  readonly booked: string[]
}

/** A server of `@modelcontextprotocol/sdk`. */
export function createV1Server(): MountedServer {
  const cancelled: string[] = []
  const booked: string[] = []
  const server = new McpServerV1(
    { name: 'weather', version: '1.0.0' },
    { capabilities: { logging: {} } },
  )
  server.registerTool(
    'get_weather',
    {
      title: 'Weather',
      description: 'Current weather',
      inputSchema: { city: z.string(), unit: z.enum(['C', 'F']).default('C') },
      outputSchema: { degrees: z.number(), unit: z.string() },
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/kind': 'weather' },
    },
    ({ city, unit }) => {
      const structuredContent = { degrees: city.length, unit }
      const content = [{ type: 'text' as const, text: JSON.stringify(structuredContent) }]
      return { content, structuredContent, _meta: { 'example.com/city': city } }
    },
  )
  server.registerTool('count', { description: 'Counts' }, async (extra) => {
    const progressToken = extra._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 3 }
        await extra.sendNotification({ method: 'notifications/progress', params })
      }
    }
    await server.sendLoggingMessage({ level: 'info', data: 'counted' })
    return { content: [{ type: 'text', text: 'three' }] }
  })
  server.registerTool(
    'book',
    { description: 'Asks, then books', inputSchema: { city: z.string() } },
    async ({ city }, { signal }) => {
      const answer = await server.server.elicitInput({
        message: `Book a room in ${city}?`,
        requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } } },
      })
      const text =
        answer.action === 'accept' ? `booked ${city}: ${answer.content?.sure}` : 'nothing'
      booked.push(signal.aborted ? `${text}, aborted` : text)
      return { content: [{ type: 'text', text }] }
    },
  )
  server.registerTool('rhyme', { description: 'Asks the model' }, async () => {
    const { content } = await server.server.createMessage({
      messages: [{ role: 'user', content: { type: 'text', text: 'A rhyme' } }],
      maxTokens: 10,
    })
    const { roots } = await server.server.listRoots()
    const text = `${content.type === 'text' && content.text} ${roots.map(({ uri }) => uri)}`
    return { content: [{ type: 'text', text }] }
  })
  server.registerTool('wait', { description: 'Waits' }, async ({ signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    cancelled.push('wait')
    return { content: [] }
  })
  server.registerTool('fail', { description: 'Fails' }, () => {
    throw new Error('no such city')
  })
  server.registerTool('who', { description: 'Says who calls' }, ({ authInfo }) => {
    const text = `${authInfo?.clientId} ${authInfo?.scopes} "${authInfo?.token}" ${server.server.getClientVersion()?.name}`
    return { content: [{ type: 'text', text }] }
  })
  server.registerPrompt(
    'travel',
    {
      description: 'Plans a journey',
      argsSchema: { city: completableV1(z.string().describe('Where to'), suggest) },
    },
    ({ city }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Plan a journey to ${city}` } }],
    }),
  )
  server.registerResource('about', 'weather://about', { mimeType: 'text/plain' }, ({ href }) => ({
    contents: [{ uri: href, text: 'All about the weather' }],
  }))
  server.registerResource(
    'city',
    new ResourceTemplateV1('weather://cities/{city}', {
      list: undefined,
      complete: { city: suggest },
    }),
    {},
    ({ href }, { city }) => ({ contents: [{ uri: href, text: `The city ${city}` }] }),
  )
  return {
    server,
    cancelled,
    booked,
    addTool: (name) => {
      server.registerTool(name, { description: 'Added' }, () => ({ content: [] }))
    },
  }
}

/** The same of `@modelcontextprotocol/server`. */
export function createV2Server(): MountedServer {
  const cancelled: string[] = []
  const booked: string[] = []
  const server = new McpServer(
    { name: 'weather', version: '1.0.0' },
    { capabilities: { logging: {} } },
  )
  server.registerTool(
    'get_weather',
    {
      title: 'Weather',
      description: 'Current weather',
      inputSchema: z.object({ city: z.string(), unit: z.enum(['C', 'F']).default('C') }),
      outputSchema: z.object({ degrees: z.number(), unit: z.string() }),
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/kind': 'weather' },
    },
    ({ city, unit }) => {
      const structuredContent = { degrees: city.length, unit }
      const content = [{ type: 'text' as const, text: JSON.stringify(structuredContent) }]
      return { content, structuredContent, _meta: { 'example.com/city': city } }
    },
  )
  server.registerTool('count', { description: 'Counts' }, async (ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 3 }
        await ctx.mcpReq.notify({ method: 'notifications/progress', params })
      }
    }
    await ctx.mcpReq.log('info', 'counted')
    return { content: [{ type: 'text', text: 'three' }] }
  })
  server.registerTool(
    'book',
    { description: 'Asks, then books', inputSchema: z.object({ city: z.string() }) },
    ({ city }, ctx) => {
      const answer = ctx.mcpReq.inputResponses?.sure as
        | { action: string; content?: { sure?: boolean } }
        | undefined
      if (!answer) {
        const sure = inputRequired.elicit({
          message: `Book a room in ${city}?`,
          requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } } },
        })
        return inputRequired({ inputRequests: { sure } })
      }
      const text =
        answer.action === 'accept' ? `booked ${city}: ${answer.content?.sure}` : 'nothing'
      booked.push(text)
      return { content: [{ type: 'text', text }] }
    },
  )
  server.registerTool('rhyme', { description: 'Asks the model' }, async (ctx) => {
    const { content } = await ctx.mcpReq.requestSampling({
      messages: [{ role: 'user', content: { type: 'text', text: 'A rhyme' } }],
      maxTokens: 10,
    })
    const { roots } = await server.server.listRoots()
    const said = !Array.isArray(content) && content.type === 'text' && content.text
    return { content: [{ type: 'text', text: `${said} ${roots.map(({ uri }) => uri)}` }] }
  })
  server.registerTool('wait', { description: 'Waits' }, async ({ mcpReq: { signal } }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    cancelled.push('wait')
    return { content: [] }
  })
  server.registerTool('fail', { description: 'Fails' }, () => {
    throw new Error('no such city')
  })
  server.registerTool('who', { description: 'Says who calls' }, ({ http }) => {
    const { authInfo } = http ?? {}
    const text = `${authInfo?.clientId} ${authInfo?.scopes} "${authInfo?.token}" ${server.server.getClientVersion()?.name}`
    return { content: [{ type: 'text', text }] }
  })
  server.registerPrompt(
    'travel',
    {
      description: 'Plans a journey',
      argsSchema: z.object({ city: completable(z.string().describe('Where to'), suggest) }),
    },
    ({ city }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Plan a journey to ${city}` } }],
    }),
  )
  server.registerResource('about', 'weather://about', { mimeType: 'text/plain' }, ({ href }) => ({
    contents: [{ uri: href, text: 'All about the weather' }],
  }))
  server.registerResource(
    'city',
    new ResourceTemplate('weather://cities/{city}', {
      list: undefined,
      complete: { city: suggest },
    }),
    {},
    ({ href }, { city }) => ({ contents: [{ uri: href, text: `The city ${city}` }] }),
  )
  return {
    server,
    cancelled,
    booked,
    addTool: (name) => {
      server.registerTool(name, { description: 'Added' }, () => ({ content: [] }))
    },
  }
}
