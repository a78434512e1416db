/** Standard Schemas: their JSON Schema, made once at registration, and validation by the library itself. */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { toJsonSchema } from '@valibot/to-json-schema'
import { isObject } from '../lib/is-object.ts'
import { listIssues } from './issues.ts'
import type { JsonSchema, Schema, Validation } from './schema.ts'

/** The dialect of MCP (2025-11-25, basic/index, JSON Schema usage). */
const TARGET = 'draft-2020-12'

export function isStandardSchema(schema: Schema): schema is StandardSchemaV1 {
  // The schemas of arktype are functions.
  return (isObject(schema) || typeof schema === 'function') && '~standard' in schema
}

/**
 * The JSON Schema that clients are shown: of what they send for an input, of what they receive for an
 * output. Throws a `TypeError` when the library offers none, when a part of the schema has no
 * counterpart in JSON, and when nothing is left, since a client that sees an empty schema would call
 * with nothing.
 */
export function toPlainSchema(schema: StandardSchemaV1, io: 'input' | 'output'): JsonSchema {
  let converted: object | undefined
  try {
    converted = convert(schema, io)
  } catch (error) {
    const at = findUnconvertible(schema, io)
    throw at ? new TypeError(`"${at}": ${String(error)}`) : error
  }
  if (!converted) {
    throw new TypeError(
      `the schema library "${schema['~standard'].vendor}" gives no JSON Schema: use one with Standard JSON Schema, or valibot`,
    )
  }
  const { $schema: _, ...rest } = converted as JsonSchema
  if (Object.keys(rest).length === 0) {
    throw new TypeError('the schema converts to an empty JSON Schema, which tells a client nothing')
  }
  return withoutRootReference(rest)
}

/** Recursive schemas come as a reference to their definition, but clients look for `type` at the root. */
function withoutRootReference({ $ref, ...rest }: JsonSchema): JsonSchema {
  if ($ref === undefined) return rest
  const name = /^#\/\$defs\/([\w-]+)$/.exec(String($ref))?.[1]
  const definitions = rest.$defs as Readonly<Record<string, JsonSchema>> | undefined
  const target = name === undefined ? undefined : definitions?.[name]
  return target ? { ...target, ...rest } : { $ref, ...rest }
}

function convert(schema: StandardSchemaV1, io: 'input' | 'output'): object | undefined {
  const standard = schema['~standard']
  if ('jsonSchema' in standard) {
    const { jsonSchema } = standard as StandardJSONSchemaV1.Props & typeof standard
    return jsonSchema[io]({ target: TARGET })
  }
  if (standard.vendor !== 'valibot') return undefined
  return toJsonSchema(schema as Parameters<typeof toJsonSchema>[0], {
    typeMode: io,
    target: TARGET,
    // Trimming or a check of one's own has no keyword. Clients see the rest; the schema itself checks all.
    overrideAction: ({ errors, jsonSchema }) => (errors ? jsonSchema : undefined),
  })
}

/** The path of the first property that has no JSON Schema, as far as the library shows its properties. */
function findUnconvertible(schema: object, io: 'input' | 'output'): string | undefined {
  const { entries, shape } = schema as { entries?: unknown; shape?: unknown }
  const properties = entries ?? shape
  if (!isObject(properties)) return undefined
  for (const [name, property] of Object.entries(properties)) {
    try {
      convert(property as StandardSchemaV1, io)
    } catch {
      const inner = findUnconvertible(property as object, io)
      return inner ? `${name}.${inner}` : name
    }
  }
  return undefined
}

/** Validates with the library: synchronously, unless a check of the schema is asynchronous. */
export function validateStandard(
  schema: StandardSchemaV1,
  value: unknown,
): Validation | Promise<Validation> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(toValidation) : toValidation(result)
}

function toValidation(result: StandardSchemaV1.Result<unknown>): Validation {
  if (!result.issues) return { ok: true, value: result.value }
  return {
    ok: false,
    issues: listIssues(result.issues, ({ message, path }) => {
      const at = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
      return at ? `${at}: ${message}` : message
    }),
  }
}
