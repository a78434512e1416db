/** The operations on a connected server, for the command line and the prompt. */

import type {
  CacheableRequestOptions,
  CallToolResult,
  Client,
  LoggingLevel,
  Tool,
} from '@modelcontextprotocol/client'
import { LOG_LEVEL_META_KEY } from '@modelcontextprotocol/client'
import type { Responder } from './answers.ts'
import { readArguments } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { Ask } from './form-dialog.ts'
import { showImages } from './images.ts'
import { askForMissingPromptArguments } from './missing-arguments.ts'
import type { Output, View } from './output.ts'
import {
  promptsText,
  promptText,
  resourcesText,
  resourceText,
  templatesText,
  toolsText,
} from './present.ts'
import type { ExitCode } from './problem.ts'
import { exitCodes } from './problem.ts'
import { binariesOf, saveBinaries } from './save.ts'
import type { SessionHandle } from './session-handle.ts'
import type { TaskList } from './task-list.ts'
import { text } from './text.ts'

export interface Operation {
  readonly connection: Connection
  readonly output: Output
  readonly view: View
  readonly signal: AbortSignal
  /** The time limit of a request in milliseconds. Each progress notification restarts it. */
  readonly timeout: number
  readonly logLevel?: LoggingLevel | undefined
  readonly handle: SessionHandle
  /** The folder for the images, sounds and files of a result. */
  readonly save?: string | undefined
  /** Do not wait for the result of a task. */
  readonly detach?: boolean | undefined
  /** The tasks that were started at this server. */
  readonly tasks: TaskList
  /** Answers the questions of a task. */
  readonly responder: Responder
  /** Reads everything on standard input. */
  readonly readInput: () => Promise<string>
  /** Asks the person at the terminal for missing arguments. */
  readonly ask?: Ask | undefined
}

export const LISTS = ['tools', 'prompts', 'resources', 'templates'] as const
export type List = (typeof LISTS)[number]

export async function list(operation: Operation, what: List): Promise<ExitCode> {
  const { connection, output, signal } = operation
  const options = { signal, timeout: operation.timeout, cacheMode: 'refresh' as const }
  return connection.run(signal, async (client) => {
    switch (what) {
      case 'tools': {
        const tools = await listTools(client, options)
        return show(operation, { tools }, () => toolsText(tools, output))
      }
      case 'prompts': {
        const prompts = offers(client, 'prompts')
          ? (await client.listPrompts(undefined, options)).prompts
          : []
        return show(operation, { prompts }, () => promptsText(prompts, output))
      }
      case 'resources': {
        const resources = offers(client, 'resources')
          ? (await client.listResources(undefined, options)).resources
          : []
        return show(operation, { resources }, () => resourcesText(resources, output))
      }
      case 'templates': {
        const resourceTemplates = offers(client, 'resources')
          ? (await client.listResourceTemplates(undefined, options)).resourceTemplates
          : []
        return show(operation, { resourceTemplates }, () =>
          templatesText(resourceTemplates, output),
        )
      }
    }
  })
}

/** Whether the server has a capability. If it has not, the library would print to the console when asked for the list. */
export function offers(client: Client, what: 'tools' | 'prompts' | 'resources'): boolean {
  return client.getServerCapabilities()?.[what] !== undefined
}

export async function listTools(client: Client, options: CacheableRequestOptions): Promise<Tool[]> {
  return offers(client, 'tools') ? (await client.listTools(undefined, options)).tools : []
}

export async function keepFiles(
  result: Pick<CallToolResult, 'content'>,
  operation: Operation,
): Promise<void> {
  const { output, save, view } = operation
  const binaries = binariesOf(result)
  if (save !== undefined) {
    for (const path of await saveBinaries(binaries, save)) output.note(text`Saved ${path}`)
  } else if (view.format === 'text' && view.filter === undefined) {
    await showImages(binaries, output)
  }
}

/** Returns the log level for `_meta`, because in 2026-07-28 each request asks for its own log messages. */
export function metaOf(
  { logLevel }: Operation,
  client: Client,
): { _meta?: Record<string, unknown> } {
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
  words: readonly string[],
): Promise<ExitCode> {
  const { connection, output, signal, timeout } = operation
  return connection.run(signal, async (client) => {
    const given = await readArguments(words, undefined, operation)
    const complete = await askForMissingPromptArguments(given, name, client, operation)
    const values = Object.entries(complete)
    const result = await client.getPrompt(
      { name, arguments: Object.fromEntries(values.map(([key, value]) => [key, String(value)])) },
      { signal, timeout },
    )
    return show(operation, result, () => promptText(result, output))
  })
}

export async function readResource(operation: Operation, uri: string): Promise<ExitCode> {
  const { connection, signal, timeout } = operation
  return connection.run(signal, async (client) => {
    const result = await client.readResource({ uri }, { signal, timeout, cacheMode: 'refresh' })
    show(operation, result, () => resourceText(result))
    const content = result.contents.map((resource) => ({ type: 'resource' as const, resource }))
    await keepFiles({ content }, operation)
    return exitCodes.ok
  })
}

export function show(
  { output, view }: Operation,
  result: unknown,
  render: Parameters<Output['result']>[1],
): ExitCode {
  output.result(result, render, view)
  return exitCodes.ok
}
