/** Finds what Tab offers: commands, names of tools, prompts and resources, their arguments, and values that the server suggests. */

import type { Client, CompleteRequest } from '@modelcontextprotocol/client'
import { AUTH_ACTIONS } from './login-commands.ts'
import { LISTS, listTools, offers } from './operations.ts'
import { AUTH_METHODS, LOG_LEVELS } from './settings.ts'
import { isPrintable } from './text.ts'

export interface CompletionSource {
  readonly commands: readonly string[]
  readonly client: () => Client | undefined
  readonly taskIds: () => Promise<readonly string[]>
}

/** Options of a request for one completion. The time limit is in milliseconds. */
const OPTIONS = { timeout: 3_000 }

/** Longer templates are ignored, because finding their variables takes quadratic time. */
const LONGEST_TEMPLATE = 2_000

/** The candidates and the part of the line that they replace, in the form of readline. */
export async function complete(
  line: string,
  { commands, client, taskIds }: CompletionSource,
): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/)
  const last = words.at(-1) ?? ''
  const found = (candidates: readonly string[]): [string[], string] => [
    candidates.filter((candidate) => candidate.startsWith(last)),
    last,
  ]
  if (words.length <= 1) return found(commands.map((one) => `${one} `))
  try {
    const connected = client()
    return found(await completeWord(words, async () => connected, taskIds))
  } catch {
    // A server that is slow or does not answer must not disturb the input.
    return found([])
  }
}

/** Returns what fits after the name of a command. Names that contain unsafe characters are never offered. */
export async function completeWord(
  words: readonly string[],
  connect: () => Promise<Client | undefined>,
  taskIds: () => Promise<readonly string[]>,
): Promise<string[]> {
  const [command = '', name = ''] = words
  const kind = KINDS.get(command) ?? command
  const fixed = FIXED_WORDS.get(kind)
  if (words.length === 2 && fixed !== undefined) return [...fixed]
  if (kind === 'get-task' || kind === 'cancel-task') {
    return words.length === 2 ? (await taskIds()).filter(isPrintable) : []
  }
  const client = await connect()
  if (client === undefined) return []
  const found =
    words.length === 2
      ? await names(client, kind)
      : await parameters(client, kind, name, words.slice(2))
  return found.filter(isPrintable)
}

/** The other names of the commands. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['call', 'call-tool'],
  ['prompt', 'get-prompt'],
  ['read', 'read-resource'],
  ['template', 'read-template'],
  ['watch-resource', 'subscribe'],
  ['list', 'list-tools'],
  ['set-log-level', 'log-level'],
  ['task', 'get-task'],
  ['cancel', 'cancel-task'],
])

const FIXED_WORDS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['auth', AUTH_ACTIONS],
  ['set-auth-method', AUTH_METHODS],
  ['debug', ['on', 'off']],
  ['log-level', LOG_LEVELS],
  ['list-tools', LISTS],
  ['completion', ['bash', 'zsh', 'fish']],
  ['session', ['show', 'forget']],
])

async function names(client: Client, command: string): Promise<string[]> {
  switch (command) {
    case 'call-tool':
      return (await listTools(client, OPTIONS)).map(({ name }) => `${name} `)
    case 'get-prompt':
      if (!offers(client, 'prompts')) return []
      return (await client.listPrompts(undefined, OPTIONS)).prompts.map(({ name }) => `${name} `)
    case 'read-resource':
    case 'subscribe':
    case 'unsubscribe':
      if (!offers(client, 'resources')) return []
      return (await client.listResources(undefined, OPTIONS)).resources.map(({ uri }) => uri)
    case 'read-template':
      return (await templates(client)).map((template) => `${template} `)
    default:
      return []
  }
}

async function templates(client: Client): Promise<string[]> {
  if (!offers(client, 'resources')) return []
  const { resourceTemplates } = await client.listResourceTemplates(undefined, OPTIONS)
  return resourceTemplates.map(({ uriTemplate }) => uriTemplate)
}

/** Returns `name=` for the arguments that are still missing; after `name=`, the values that fit. */
async function parameters(
  client: Client,
  command: string,
  name: string,
  words: readonly string[],
): Promise<string[]> {
  const last = words.at(-1) ?? ''
  const at = last.indexOf('=')
  const given = Object.fromEntries(
    words.slice(0, -1).flatMap((word) => (word.includes('=') ? [word.split('=', 2)] : [])),
  ) as Record<string, string>
  if (at === -1) {
    const all = await parameterNames(client, command, name)
    return all.filter((one) => !Object.hasOwn(given, one)).map((one) => `${one}=`)
  }
  const parameter = last.slice(0, at)
  const values =
    command === 'call-tool'
      ? await enumerated(client, name, parameter)
      : await suggested(client, command, name, parameter, last.slice(at + 1), given)
  return values.filter((value) => !/\s/.test(value)).map((value) => `${parameter}=${value}`)
}

async function parameterNames(client: Client, command: string, name: string): Promise<string[]> {
  if (command === 'call-tool') return Object.keys(await properties(client, name))
  if (command === 'get-prompt') {
    const { prompts } = await client.listPrompts(undefined, OPTIONS)
    const prompt = prompts.find((one) => one.name === name)
    return (prompt?.arguments ?? []).map((one) => one.name)
  }
  return command === 'read-template' ? templateVariables(name) : []
}

/** Returns the variables of an RFC 6570 template, without operators and modifiers. */
export function templateVariables(template: string): string[] {
  if (template.length > LONGEST_TEMPLATE) return []
  return [...template.matchAll(/\{[+#./;?&]?([^}]+)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((one) => one.replace(/(\*|:\d+)$/, '').trim()),
  )
}

async function properties(
  client: Client,
  name: string,
): Promise<Record<string, { type?: unknown; enum?: unknown }>> {
  const tool = (await listTools(client, OPTIONS)).find((one) => one.name === name)
  return (tool?.inputSchema.properties ?? {}) as Record<string, { type?: unknown; enum?: unknown }>
}

async function enumerated(client: Client, name: string, parameter: string): Promise<string[]> {
  const schema = (await properties(client, name))[parameter]
  if (schema?.type === 'boolean') return ['true', 'false']
  return Array.isArray(schema?.enum) ? schema.enum.map(String) : []
}

async function suggested(
  client: Client,
  command: string,
  name: string,
  parameter: string,
  value: string,
  given: Record<string, string>,
): Promise<string[]> {
  if (client.getServerCapabilities()?.completions === undefined) return []
  const ref: CompleteRequest['params']['ref'] =
    command === 'get-prompt' ? { type: 'ref/prompt', name } : { type: 'ref/resource', uri: name }
  const { completion } = await client.complete(
    { ref, argument: { name: parameter, value }, context: { arguments: given } },
    OPTIONS,
  )
  return completion.values
}
