/** The official clients, in both generations and with every way to connect, behind one interface. */
import type { StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import type { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { connect as connectV1 } from '../../adapters/testing/v1.ts'
import type { Answer, ConnectOptions } from '../../adapters/testing.ts'
import { connect } from '../../adapters/testing.ts'
import type { MaybePromise } from '../../src/lib/maybe-promise.ts'

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** The part of a result that tests use. */
export interface CallResult {
  content: { type: string; text?: string }[]
  structuredContent?: unknown
  isError?: boolean
}

export interface Official {
  readonly era: 'legacy' | 'modern'
  /** The notifications that arrived: their methods, and whole log messages. */
  readonly heard: string[]
  /** The client's methods that both generations have, with their results. */
  list(what: 'tools' | 'prompts' | 'resources' | 'resourceTemplates'): Promise<string[]>
  call(
    name: string,
    args?: Record<string, unknown>,
    onprogress?: (progress: number) => void,
  ): Promise<CallResult>
  prompt(name: string, args: Record<string, string>): Promise<string>
  read(uri: string): Promise<string>
  complete(prompt: string, argument: string, value: string): Promise<string[]>
  /** Subscribes to changes, if a connection alone is not enough. */
  listen(): Promise<void>
  close(): Promise<void>
}

type Accepted = { action: 'accept'; content: Record<string, string | boolean> }

/** The answers of the person and of the model. */
export interface Answers {
  elicit?: (message: string) => MaybePromise<Accepted>
  sample?: () => string
  roots?: () => string[]
}

export type Open = (url: string, answers?: Answers, fetch?: Fetch) => Promise<Official>

/** What each client is connected with. `fetch` gets a URL and what belongs to it, as from the SDK. */
function target(url: string, answers: Answers, fetch: Fetch) {
  const { elicit, sample, roots } = answers
  const options = {
    url,
    clientInfo: { name: 'official', version: '1.0.0' },
    elicit: async ({ message }: { message: string }): Promise<Answer> =>
      elicit?.(message) ?? { action: 'cancel' },
    sample: () => ({
      role: 'assistant' as const,
      content: { type: 'text' as const, text: sample?.() ?? '' },
      model: 'official-model',
    }),
    roots: () => roots?.() ?? [],
  } satisfies ConnectOptions
  const mcp = {
    async fetch(request: Request) {
      const { method, headers, signal } = request
      const body = method === 'POST' ? await request.text() : null
      return fetch(request.url, { method, headers, body, signal })
    },
  }
  return { mcp, options }
}

const openV1: Open = async (url, answers = {}, fetch = globalThis.fetch) => {
  const { mcp, options } = target(url, answers, fetch)
  const client = await connectV1(mcp, options)
  const heard: string[] = []
  for (const schema of [
    ToolListChangedNotificationSchema,
    PromptListChangedNotificationSchema,
    ResourceListChangedNotificationSchema,
  ]) {
    client.setNotificationHandler(schema, ({ method }) => {
      heard.push(method)
    })
  }
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    heard.push(`${params.level}: ${params.data}`)
  })
  return {
    era: 'legacy',
    heard,
    list: (what) => listWith(client, what),
    async call(name, args = {}, onprogress) {
      const listening = onprogress && {
        onprogress: ({ progress }: { progress: number }) => onprogress(progress),
      }
      return (await client.callTool({ name, arguments: args }, undefined, listening)) as CallResult
    },
    async prompt(name, args) {
      const { messages } = await client.getPrompt({ name, arguments: args })
      return textOf(messages[0]?.content)
    },
    read: async (uri) => textOf((await client.readResource({ uri })).contents[0]),
    complete: (name, argument, value) => completeWith(client, name, argument, value),
    listen: async () => {},
    async close() {
      await (client.transport as TransportV1).terminateSession()
      await client.close()
    },
  }
}

const openV2 =
  (mode: 'legacy' | 'auto' | 'modern'): Open =>
  async (url, answers = {}, fetch = globalThis.fetch) => {
    const { mcp, options } = target(url, answers, fetch)
    const client = await connect(mcp, { ...options, era: mode })
    const heard: string[] = []
    for (const method of [
      'notifications/tools/list_changed',
      'notifications/prompts/list_changed',
      'notifications/resources/list_changed',
    ] as const) {
      client.setNotificationHandler(method, () => {
        heard.push(method)
      })
    }
    client.setNotificationHandler('notifications/message', ({ params }) => {
      heard.push(`${params.level}: ${params.data}`)
    })
    const era = client.getProtocolEra() === 'modern' ? 'modern' : 'legacy'
    return {
      era,
      heard,
      list: (what) => listWith(client, what),
      async call(name, args = {}, onprogress) {
        const params = {
          name,
          arguments: args,
          // In 2026 each request asks for its own log messages (C34).
          ...(era === 'modern' && { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } }),
        }
        const listening = onprogress && {
          onprogress: ({ progress }: { progress: number }) => onprogress(progress),
        }
        return (await client.callTool(params, listening)) as CallResult
      },
      async prompt(name, args) {
        const { messages } = await client.getPrompt({ name, arguments: args })
        return textOf(messages[0]?.content)
      },
      read: async (uri) => textOf((await client.readResource({ uri })).contents[0]),
      complete: (name, argument, value) => completeWith(client, name, argument, value),
      async listen() {
        if (era === 'legacy') return
        await client.listen({
          toolsListChanged: true,
          promptsListChanged: true,
          resourcesListChanged: true,
        })
      },
      async close() {
        if (era === 'legacy') await (client.transport as TransportV2).terminateSession()
        await client.close()
      },
    }
  }

/** The clients by name: the revision that they must negotiate, and a function to open them. */
export const OFFICIAL: readonly [name: string, era: 'legacy' | 'modern', open: Open][] = [
  ['v1', 'legacy', openV1],
  ['v2 in legacy mode', 'legacy', openV2('legacy')],
  ['v2 in auto mode', 'modern', openV2('auto')],
  ['v2 pinned to 2026-07-28', 'modern', openV2('modern')],
]

interface Listing {
  listTools(): Promise<{ tools: { name: string }[] }>
  listPrompts(): Promise<{ prompts: { name: string }[] }>
  listResources(): Promise<{ resources: { name: string }[] }>
  listResourceTemplates(): Promise<{ resourceTemplates: { name: string }[] }>
}

async function listWith(client: Listing, what: Parameters<Official['list']>[0]): Promise<string[]> {
  const named = {
    tools: async () => (await client.listTools()).tools,
    prompts: async () => (await client.listPrompts()).prompts,
    resources: async () => (await client.listResources()).resources,
    resourceTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
  }
  return (await named[what]()).map(({ name }) => name)
}

async function completeWith(
  client: {
    complete(params: {
      ref: { type: 'ref/prompt'; name: string }
      argument: { name: string; value: string }
    }): Promise<{ completion: { values: string[] } }>
  },
  prompt: string,
  name: string,
  value: string,
): Promise<string[]> {
  const ref = { type: 'ref/prompt' as const, name: prompt }
  return (await client.complete({ ref, argument: { name, value } })).completion.values
}

function textOf(content: unknown): string {
  const { text } = content as { text?: string }
  if (text === undefined) throw new Error(`No text in ${JSON.stringify(content)}`)
  return text
}
