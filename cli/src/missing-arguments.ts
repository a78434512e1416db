/** Asks the person at the terminal for required arguments that were not given. */

import type { Client, PrimitiveSchemaDefinition, Tool } from '@modelcontextprotocol/client'
import type { Ask } from './form-dialog.ts'
import { fillIn } from './form-dialog.ts'
import { isObject, parseJson } from './json.ts'
import type { Output } from './output.ts'
import { exitCodes, Problem } from './problem.ts'

export interface Asking {
  readonly ask?: Ask | undefined
  readonly output: Output
  readonly signal: AbortSignal
  readonly timeout: number
}

/** Returns the arguments of a tool with the missing ones added; unchanged if there is no person to ask. */
export async function askForMissing(
  given: Record<string, unknown>,
  tool: Tool | undefined,
  asking: Asking,
): Promise<Record<string, unknown>> {
  const { properties = {}, required = [] } = tool?.inputSchema ?? {}
  const missing = required.filter((name) => !Object.hasOwn(given, name))
  const schemas = properties as Record<string, unknown>
  const fields = missing.map((name) => [name, toField(schemas[name])] as const)
  const answers = await askFor(Object.fromEntries(fields), asking)
  const values = Object.entries(answers).map(([name, value]) => {
    const isPrimitive = isField(schemas[name])
    return [name, isPrimitive ? value : (parseJson(String(value)) ?? value)] as const
  })
  return { ...given, ...Object.fromEntries(values) }
}

export async function askForMissingPromptArguments(
  given: Record<string, unknown>,
  name: string,
  client: Client,
  asking: Asking,
): Promise<Record<string, unknown>> {
  if (asking.ask === undefined || client.getServerCapabilities()?.prompts === undefined)
    return given
  const { signal, timeout } = asking
  const { prompts } = await client.listPrompts(undefined, { signal, timeout })
  const parameters = prompts.find((one) => one.name === name)?.arguments ?? []
  const missing = parameters.filter((one) => one.required && !Object.hasOwn(given, one.name))
  const fields = missing.map((one) => [one.name, textField(one.description)] as const)
  return { ...given, ...(await askFor(Object.fromEntries(fields), asking)) }
}

/** Asks for one text for each name. All are required. */
export async function askForTexts(
  names: readonly string[],
  asking: Asking,
): Promise<Record<string, unknown>> {
  return askFor(Object.fromEntries(names.map((name) => [name, textField()])), asking)
}

async function askFor(
  properties: Record<string, PrimitiveSchemaDefinition>,
  { ask, output, signal }: Asking,
): Promise<Record<string, unknown>> {
  const required = Object.keys(properties)
  if (ask === undefined || required.length === 0) return {}
  output.note(output.style('dim', '  Some arguments are missing (/cancel gives up).'))
  const filled = await fillIn({ properties, required }, { ask, output }, signal)
  if (filled.action === 'accept') return filled.content
  throw new Problem('Cancelled.', { exit: exitCodes.interrupted })
}

function textField(description?: string): PrimitiveSchemaDefinition {
  return { type: 'string', ...(description !== undefined && { description }) }
}

/** Returns a field for an argument. A type that a form cannot have is asked for as JSON. */
function toField(schema: unknown): PrimitiveSchemaDefinition {
  if (isField(schema)) return schema
  const described = isObject(schema) && typeof schema.description === 'string'
  return textField(`${described ? `${schema.description} ` : ''}(JSON)`)
}

function isField(schema: unknown): schema is PrimitiveSchemaDefinition {
  if (!isObject(schema)) return false
  const choices = schema.enum
  if (choices !== undefined) {
    return Array.isArray(choices) && choices.every((one) => typeof one === 'string')
  }
  return ['string', 'number', 'integer', 'boolean'].includes(String(schema.type))
}
