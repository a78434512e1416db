/** What can be done with a connected server, the same from a script and from the prompt. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  CacheableRequestOptions,
  CallToolResult,
  Client,
  LoggingLevel,
  Tool,
} from '@modelcontextprotocol/client'
import { LOG_LEVEL_META_KEY } from '@modelcontextprotocol/client'
import type { Connection } from './connection.ts'
import type { Output } from './output.ts'
import {
  promptsText,
  promptText,
  resourcesText,
  resourceText,
  templatesText,
  toolResultText,
  toolsText,
} from './present.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes, Problem } from './problem.ts'
import { progressBar } from './progress.ts'

export interface Operation {
  readonly connection: Connection
  readonly output: Output
  readonly signal: AbortSignal
  /** Milliseconds a request may take; progress starts them anew. */
  readonly timeout: number
  readonly logLevel?: LoggingLevel | undefined
}

export const lists = ['tools', 'prompts', 'resources', 'templates'] as const
export type List = (typeof lists)[number]

export async function list(operation: Operation, what: List): Promise<ExitCode> {
  const { connection, output, signal } = operation
  const options = { signal, timeout: operation.timeout, cacheMode: 'refresh' as const }
  return connection.run(signal, async (client) => {
    switch (what) {
      case 'tools': {
        const tools = await listTools(client, options)
        return show(output, { tools }, () => toolsText(tools, output))
      }
      case 'prompts': {
        const prompts = offers(client, 'prompts')
          ? (await client.listPrompts(undefined, options)).prompts
          : []
        return show(output, { prompts }, () => promptsText(prompts, output))
      }
      case 'resources': {
        const resources = offers(client, 'resources')
          ? (await client.listResources(undefined, options)).resources
          : []
        return show(output, { resources }, () => resourcesText(resources, output))
      }
      case 'templates': {
        const resourceTemplates = offers(client, 'resources')
          ? (await client.listResourceTemplates(undefined, options)).resourceTemplates
          : []
        return show(output, { resourceTemplates }, () => templatesText(resourceTemplates, output))
      }
    }
  })
}

/** The library prints to the console when asked for what a server does not offer; we do not ask. */
export function offers(client: Client, what: 'tools' | 'prompts' | 'resources'): boolean {
  return client.getServerCapabilities()?.[what] !== undefined
}

export async function listTools(client: Client, options: CacheableRequestOptions): Promise<Tool[]> {
  return offers(client, 'tools') ? (await client.listTools(undefined, options)).tools : []
}

export interface Call {
  readonly name: string
  /** As typed: a JSON object, or `name=value` words whose types the tool's schema decides. */
  readonly input: string
  /** A folder for the images, sounds and files in the result. */
  readonly save?: string | undefined
}

export async function callTool(operation: Operation, call: Call): Promise<ExitCode> {
  const { connection, output, signal } = operation
  const bar = progressBar(output)
  try {
    return await connection.run(signal, async (client) => {
      // Listed first: the schema types the arguments, checks the result and names its headers.
      const tools = await listTools(client, { signal, timeout: operation.timeout })
      const tool = tools.find(({ name }) => name === call.name)
      const result = await client.callTool(
        {
          name: call.name,
          arguments: parseInput(call.input, tool),
          ...metaOf(operation, client),
        },
        {
          signal,
          timeout: operation.timeout,
          resetTimeoutOnProgress: true,
          onprogress: (progress) => bar.update(progress),
        },
      )
      bar.clear()
      const saved = call.save === undefined ? [] : await saveBinaries(result, call.save)
      show(output, result, () => toolResultText(result, output))
      for (const path of saved) output.note(`Saved ${path}`)
      return result.isError ? exitCodes.failed : exitCodes.ok
    })
  } finally {
    bar.clear()
  }
}

/** 2026-07-28 asks for log messages with each request; before, once per session. */
function metaOf({ logLevel }: Operation, client: Client): { _meta?: Record<string, unknown> } {
  const wanted = logLevel !== undefined && client.getProtocolEra() === 'modern'
  return wanted ? { _meta: { [LOG_LEVEL_META_KEY]: logLevel } } : {}
}

export async function setLogLevel(operation: Operation): Promise<void> {
  const { connection, signal, logLevel, timeout } = operation
  if (logLevel === undefined) return
  await connection.run(signal, async (client) => {
    if (client.getProtocolEra() === 'modern' || !client.getServerCapabilities()?.logging) return
    await client.setLoggingLevel(logLevel, { signal, timeout })
  })
}

export async function getPrompt(
  operation: Operation,
  name: string,
  input: string,
): Promise<ExitCode> {
  const { connection, output, signal, timeout } = operation
  return connection.run(signal, async (client) => {
    const values = Object.entries(parseInput(input, undefined))
    const result = await client.getPrompt(
      { name, arguments: Object.fromEntries(values.map(([key, value]) => [key, String(value)])) },
      { signal, timeout },
    )
    return show(output, result, () => promptText(result, output))
  })
}

export async function readResource(
  operation: Operation,
  uri: string,
  save?: string,
): Promise<ExitCode> {
  const { connection, output, signal, timeout } = operation
  return connection.run(signal, async (client) => {
    const result = await client.readResource({ uri }, { signal, timeout, cacheMode: 'refresh' })
    const content = result.contents.map((resource) => ({ type: 'resource' as const, resource }))
    const saved = save === undefined ? [] : await saveBinaries({ content }, save)
    show(output, result, () => resourceText(result))
    for (const path of saved) output.note(`Saved ${path}`)
    return exitCodes.ok
  })
}

function show(output: Output, result: unknown, text: () => string): ExitCode {
  if (output.json) output.document(result)
  else output.print(text())
  return exitCodes.ok
}

/** Reads the arguments of a tool or prompt. What cannot be read is an error, never an empty object. */
export function parseInput(input: string, tool: Tool | undefined): Record<string, unknown> {
  const text = input.trim()
  if (text === '') return {}
  if (text.startsWith('{')) {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      throw new Problem(`The arguments are not valid JSON: ${(cause as Error).message}.`, {
        exit: exitCodes.usage,
        next: 'Write {"name": "value"}, or name=value.',
        cause,
      })
    }
    return value as Record<string, unknown>
  }
  const properties = (tool?.inputSchema.properties ?? {}) as Record<string, { type?: unknown }>
  return Object.fromEntries(
    splitWords(text).map((word) => {
      const at = word.indexOf('=')
      if (at < 1) {
        throw new Problem(`"${word}" is not name=value.`, {
          exit: exitCodes.usage,
          next: 'Write {"name": "value"}, or name=value.',
        })
      }
      const name = word.slice(0, at)
      return [name, typed(word.slice(at + 1), properties[name]?.type)]
    }),
  )
}

/** A word stays text unless the schema wants something else; `123` may well be a name. */
function typed(text: string, type: unknown): unknown {
  if (type === undefined || type === 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Words of a line; quotes of either kind hold one together. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g)) {
    words.push(
      word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
        double === undefined ? (single ?? '') : double.replace(/\\(.)/g, '$1'),
      ),
    )
  }
  return words
}

async function saveBinaries(result: CallToolResult, folder: string): Promise<string[]> {
  const files = result.content.flatMap((block) => {
    if (block.type === 'image' || block.type === 'audio') {
      return [{ data: block.data, mimeType: block.mimeType }]
    }
    if (block.type !== 'resource' || !('blob' in block.resource)) return []
    return [{ data: block.resource.blob, mimeType: block.resource.mimeType ?? '' }]
  })
  await mkdir(folder, { recursive: true })
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  return Promise.all(
    files.map(async ({ data, mimeType }, index) => {
      // The name is ours: one from the server could lead out of the folder.
      const extension = /^[a-z]+\/([a-z0-9]+)/.exec(mimeType)?.[1] ?? 'bin'
      const path = join(folder, `${stamp}-${index + 1}.${extension}`)
      await writeFile(path, Buffer.from(data, 'base64'), { flag: 'wx' })
      return path
    }),
  )
}
