/** Schemas of any library as JSON Schema, made once at registration, and validation by the library itself. */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { toJsonSchema } from '@valibot/to-json-schema'
import { isObject } from '../lib/is-object.ts'
import type { Interpreter } from './json-schema.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }

/** A Standard Schema (valibot, zod, arktype …) or plain JSON Schema 2020-12. */
export type Schema = StandardSchemaV1 | JsonSchema

/** What a handler receives for a schema. */
export type Infer<S> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<S>
  : S extends JsonSchema
    ? Record<string, unknown>
    : Record<string, never>

/** The properties that an object's schema names. */
export function propertiesOf(schema: JsonSchema | undefined): [string, JsonSchema][] {
  return Object.entries((schema?.properties ?? {}) as Record<string, JsonSchema>)
}

/** A problem by where it is: `address.street: must be a string`. */
export type Validation = { ok: true; value: unknown } | { ok: false; issues: string[] }

export interface Validator {
  readonly jsonSchema: JsonSchema
  /** Synchronous wherever the library is: a promise costs every call a turn. */
  validate(value: unknown): Validation | Promise<Validation>
}

/**
 * A schema ready for use. Throws at registration, not at the first call, when no JSON Schema can be
 * had from it: a client that is shown an empty schema would call with nothing.
 */
export function createValidator(schema: Schema, io: 'input' | 'output' = 'input'): Validator {
  if (!isStandard(schema)) {
    return { jsonSchema: schema, validate: plainValidation(schema, io) }
  }
  const jsonSchema = toPlainSchema(schema, io)
  return {
    jsonSchema,
    validate(value) {
      const result = schema['~standard'].validate(value)
      return result instanceof Promise ? result.then(toValidation) : toValidation(result)
    },
  }
}

/** A schema whose root is an object, as tools and prompts need it. */
export function createObjectValidator(schema: Schema, what: string): Validator {
  const validator = createValidator(schema)
  if (validator.jsonSchema.type !== 'object') {
    throw new TypeError(`${what} must be an object schema: its JSON Schema has no type "object"`)
  }
  return validator
}

function isStandard(schema: Schema): schema is StandardSchemaV1 {
  // arktype's schemas are functions
  return (isObject(schema) || typeof schema === 'function') && '~standard' in schema
}

function toPlainSchema(schema: StandardSchemaV1, io: 'input' | 'output'): JsonSchema {
  const standard = schema['~standard']
  const converted =
    'jsonSchema' in standard
      ? (standard as unknown as StandardJSONSchemaV1.Props).jsonSchema[io]({
          target: 'draft-2020-12',
        })
      : standard.vendor === 'valibot'
        ? toJsonSchema(schema as Parameters<typeof toJsonSchema>[0], {
            typeMode: io,
            target: 'draft-2020-12',
            // trimming or a check of one's own has no keyword: clients see the rest, the schema does it all
            overrideAction: ({ errors, jsonSchema }) => (errors ? jsonSchema : undefined),
          })
        : undefined
  if (!converted) {
    throw new TypeError(
      `The schema library "${standard.vendor}" gives no JSON Schema: use one with Standard JSON Schema, or valibot`,
    )
  }
  const { $schema: _, ...rest } = converted as JsonSchema
  if (Object.keys(rest).length === 0) {
    throw new TypeError('The schema converts to an empty JSON Schema, which tells a client nothing')
  }
  return rest
}

function toValidation(result: StandardSchemaV1.Result<unknown>): Validation {
  if (!result.issues) return { ok: true, value: result.value }
  return {
    ok: false,
    issues: few(result.issues, ({ message, path }) => {
      const at = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
      return at ? `${at}: ${message}` : message
    }),
  }
}

/** Enough to mend a call by. A million wrong elements are four megabytes, but their problems a hundred. */
const MOST_ISSUES = 20

function few<T>(issues: readonly T[], write: (issue: T) => string): string[] {
  const more = issues.length - MOST_ISSUES
  const written = issues.slice(0, MOST_ISSUES).map(write)
  return more > 0 ? [...written, `and ${more} more`] : written
}

/** The interpreter is loaded with the first plain schema that is used: most servers have none. */
function plainValidation(
  schema: JsonSchema,
  io: 'input' | 'output',
): (value: unknown) => Promise<Validation> {
  let interpreter: Promise<Interpreter> | undefined
  return async (value) => {
    interpreter ??= import('./json-schema.ts').then(({ interpret }) => interpret(schema, io))
    const problems = (await interpreter)(value)
    if (!problems) return { ok: true, value }
    const issues = few(problems, ({ instanceLocation, error }) => {
      const at = instanceLocation.slice(2).replaceAll('/', '.')
      return at ? `${at}: ${error}` : error
    })
    return { ok: false, issues }
  }
}
