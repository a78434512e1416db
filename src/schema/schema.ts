/** The kinds of schema that an author may give, and what a handler receives for each. */
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** A JSON Schema 2020-12 whose root is an object: keywords and their values. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * A schema as authors give it: a [Standard Schema](https://standardschema.dev) (valibot, zod, arktype …)
 * or a plain JSON Schema 2020-12.
 *
 * @example
 * const typed = v.object({ city: v.string() })
 * const plain = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
 */
export type Schema = StandardSchemaV1 | JsonSchema

/**
 * The type of a validated value. A plain JSON Schema has no TypeScript type: its arguments are
 * `Record<string, unknown>`.
 */
export type Infer<S> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<S>
  : S extends JsonSchema
    ? Record<string, unknown>
    : Record<string, never>

/**
 * The type of a value that still has to pass the schema, such as the result of a tool: a default that
 * the schema fills in is optional here. `unknown` for a plain JSON Schema.
 */
export type InferInput<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown

/** The properties that the schema of an object names, in the author's order. */
export function propertiesOf(schema: JsonSchema | undefined): [string, JsonSchema][] {
  return Object.entries((schema?.properties ?? {}) as Record<string, JsonSchema>)
}

/** A validated value, or what is wrong with it: `address.street: must be a string`. */
export type Validation = { ok: true; value: unknown } | { ok: false; issues: string[] }

/** A schema that is ready for use. */
export interface Validator {
  /** What clients are shown. */
  readonly jsonSchema: JsonSchema
  /** Synchronous where the schema library is, because a promise costs every call a turn of the event loop. */
  validate(value: unknown): Validation | Promise<Validation>
}

/**
 * Whether 2025 clients receive a result of this schema as `{ result }`. The schema decides, not the value:
 * a union may accept objects and texts, but its tool is listed with one schema.
 */
export function isWrapped(schema: JsonSchema): boolean {
  return schema.type !== 'object'
}
