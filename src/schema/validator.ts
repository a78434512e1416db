/** Makes a schema of either kind ready for use: what clients are shown, and the check of a value. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { lazyImport } from '../lib/lazy-import.ts'
import { listIssues, TOO_MUCH } from './issues.ts'
import type { Interpreter } from './json-schema.ts'
import type { JsonSchema, Schema, Validation, Validator } from './schema.ts'
import { isStandardSchema, toPlainSchema, validateStandard } from './standard-schema.ts'

const recursion = lazyImport(() => import('./recursion.ts'))
const jsonSchemas = lazyImport(() => import('./json-schema.ts'))

/**
 * Makes a schema ready for use. Throws a `TypeError` that begins with `what` at registration, not at the
 * first call, when the schema cannot be shown to clients.
 *
 * @param what Names the schema for its author: `Output of tool "add"`.
 */
export function createValidator(
  schema: Schema,
  what: string,
  io: 'input' | 'output' = 'input',
): Validator {
  try {
    if (!isStandardSchema(schema)) {
      return { jsonSchema: toListed(schema), validate: interpretedValidation(schema, what, io) }
    }
    const jsonSchema = toPlainSchema(schema, io)
    return { jsonSchema, validate: standardValidation(schema, jsonSchema) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${what} cannot be shown to clients: ${reason}`, { cause: error })
  }
}

/**
 * A plain schema as clients take it: with objects for `true` and `false` as properties.
 */
function toListed(schema: JsonSchema): JsonSchema {
  const { properties } = schema
  if (properties === undefined) return schema
  const listed = Object.entries(properties as object).map(([name, property]: [string, unknown]) => [
    name,
    property === true ? {} : property === false ? { not: {} } : property,
  ])
  return { ...schema, properties: Object.fromEntries(listed) }
}

/** Does the same for a schema whose root must be an object, as tools, prompts and questions need it. */
export function createObjectValidator(schema: Schema, what: string): Validator {
  const validator = createValidator(schema, what)
  if (validator.jsonSchema.type !== 'object') {
    throw new TypeError(`${what} must be an object schema: its JSON Schema has no type "object"`)
  }
  return validator
}

/** Validation by the author's library. Only a recursive schema can cost more than its value is large. */
function standardValidation(
  schema: StandardSchemaV1,
  jsonSchema: JsonSchema,
): Validator['validate'] {
  const validate = (value: unknown) => validateStandard(schema, value)
  if (!JSON.stringify(jsonSchema).includes('"$ref"')) return validate
  let costsTooMuch: ((value: unknown) => boolean) | undefined
  return async (value) => {
    const { createStepLimit } = await recursion()
    costsTooMuch ??= createStepLimit(jsonSchema, schema['~standard'].vendor)
    if (costsTooMuch(value)) return { ok: false, issues: [TOO_MUCH] }
    return validate(value)
  }
}

/** Validation of plain JSON Schema. The interpreter is loaded at its first use: most servers need none. */
function interpretedValidation(
  schema: JsonSchema,
  what: string,
  io: 'input' | 'output',
): Validator['validate'] {
  let interpreter: Interpreter | undefined
  return async (value): Promise<Validation> => {
    const { interpret } = await jsonSchemas()
    interpreter ??= interpret(schema, what, io)
    const problems = interpreter(value)
    if (!problems) return { ok: true, value }
    const issues = listIssues(problems, ({ instanceLocation, error }) => {
      const at = instanceLocation.slice(2).replaceAll('/', '.')
      return at ? `${at}: ${error}` : error
    })
    return { ok: false, issues }
  }
}
