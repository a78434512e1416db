/** Schemas and options of another server, as ours takes them. The other server validates. */

import type { Completer, JsonSchema, Schema } from '../../src/index.ts'
import type { Json, Peer } from './peer.ts'
import { isJson } from './peer.ts'

/** A schema that is only shown to clients: each value goes to the server that it belongs to, which checks it. */
export function passThrough(schema: JsonSchema): Schema & JsonSchema {
  const shown = () => schema
  const standard = {
    version: 1 as const,
    vendor: 'streamable-mcp',
    validate: (value: unknown) => ({ value }),
    jsonSchema: { input: shown, output: shown },
  }
  return { '~standard': standard }
}

/** Those members of an item that are there. */
export function pick(item: Json, ...members: readonly string[]): Json {
  return Object.fromEntries(
    members.filter((member) => item[member] !== undefined).map((member) => [member, item[member]]),
  )
}

/** The arguments of a prompt as a schema. */
export function promptSchema(given: unknown): JsonSchema | undefined {
  if (!Array.isArray(given) || given.length === 0) return undefined
  const items = given.filter(isJson)
  const properties = items.map((item) => [
    String(item.name),
    { type: 'string', ...pick(item, 'title', 'description') },
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: items.filter(({ required }) => required).map(({ name }) => name),
  }
}

/** Completers that ask the other server; none where it completes nothing. */
export function completers(
  peer: Peer,
  ref: Json,
  names: readonly string[],
): { complete?: Record<string, Completer> } {
  if (!peer.capabilities.completions) return {}
  const completer =
    (name: string): Completer =>
    async (value, context) => {
      const argument = { name, value }
      const { completion } = await peer.request('completion/complete', { ref, argument, context })
      const values = isJson(completion) ? completion.values : []
      return Array.isArray(values) ? values.map(String) : []
    }
  return { complete: Object.fromEntries(names.map((name) => [name, completer(name)])) }
}

/** The names of the variables of a URI template. */
export function variablesOf(template: string): string[] {
  return [...template.matchAll(/\{[+/?#.;&]?([^}]+)\}/g)].flatMap(([, list = '']) =>
    list.split(','),
  )
}
