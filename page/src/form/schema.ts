/** What a form needs to know of a JSON Schema. A schema comes from the server, so every depth has a limit. */
import type { JsonObject } from '../json.ts'
import { isObject, objectOf, textOf } from '../json.ts'

const MOST_STEPS = 20

export type FieldKind =
  | 'const'
  | 'enum'
  | 'union'
  | 'object'
  | 'map'
  | 'array'
  | 'number'
  | 'boolean'
  | 'file'
  | 'text'
  | 'json'

/** Follows `$ref` within the document, and joins the parts of `allOf`. */
export function resolveSchema(schema: unknown, root: JsonObject): JsonObject {
  let at = objectOf(schema)
  for (let step = 0; step < MOST_STEPS && typeof at.$ref === 'string'; step++) {
    const { $ref, ...beside } = at
    at = { ...pointedAt($ref, root), ...beside }
  }
  if (Array.isArray(at.allOf) && at.allOf.length < MOST_STEPS) {
    const { allOf, ...beside } = at
    const parts = [...at.allOf.map((part) => objectOf(part)), beside]
    at = {
      ...Object.assign({}, ...parts),
      ...(parts.some((part) => isObject(part.properties)) && {
        properties: Object.fromEntries(
          parts.flatMap((part) => Object.entries(objectOf(part.properties))),
        ),
        required: parts.flatMap((part) => namesOf(part.required)),
      }),
    }
  }
  return at
}

/** The schema that a reference such as `#/$defs/address` points at. References to elsewhere are not followed. */
function pointedAt(reference: string, root: JsonObject): JsonObject {
  if (!reference.startsWith('#')) return {}
  let at: unknown = root
  for (const part of reference.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (!Object.hasOwn(objectOf(at), name)) return {}
    at = objectOf(at)[name]
  }
  return objectOf(at)
}

export function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}

/** Which field a resolved schema gets. */
export function kindOf(schema: JsonObject): FieldKind {
  if ('const' in schema) return 'const'
  if (Array.isArray(schema.enum)) return 'enum'
  if (titledChoices(schema)) return 'enum'
  if (variantsOf(schema).length > 0) return 'union'
  const type = typeOf(schema)
  if (type === 'object') return isObject(schema.properties) ? 'object' : 'map'
  if (type === 'array') return 'array'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'string') return isFile(schema) ? 'file' : 'text'
  return 'json'
}

export function typeOf(schema: JsonObject): string | undefined {
  if (typeof schema.type === 'string') return schema.type
  return isObject(schema.properties) ? 'object' : undefined
}

function isFile({ contentEncoding, contentMediaType, format }: JsonObject): boolean {
  return (
    contentEncoding === 'base64' ||
    contentEncoding === 'base64url' ||
    ['byte', 'binary', 'data-url'].includes(String(format)) ||
    /^(image|audio|video)\//.test(String(contentMediaType))
  )
}

/** The schemas of which a value matches one. A list of types is a union, too. */
export function variantsOf(schema: JsonObject): JsonObject[] {
  const { oneOf, anyOf, type, ...beside } = schema
  const variants = Array.isArray(oneOf) ? oneOf : Array.isArray(anyOf) ? anyOf : undefined
  if (variants) return variants.map((variant) => ({ ...beside, ...objectOf(variant) }))
  if (!Array.isArray(type)) return []
  const types = type.filter((one) => typeof one === 'string')
  return types.map((one) => ({ ...beside, type: one }))
}

/** `oneOf` of constants with titles is a choice: [value, label]. */
export function titledChoices(schema: JsonObject): [value: unknown, label: string][] | undefined {
  const options = Array.isArray(schema.oneOf) ? schema.oneOf : schema.anyOf
  if (!Array.isArray(options) || options.length === 0) return undefined
  if (!options.every((option) => isObject(option) && 'const' in option)) return undefined
  return options.map((option) => [
    objectOf(option).const,
    textOf(objectOf(option).title) ?? labelOf(objectOf(option).const),
  ])
}

/** The choices of a field that has them: [value, label]. */
export function choicesOf(schema: JsonObject): [value: unknown, label: string][] {
  const titled = titledChoices(schema)
  if (titled) return titled
  const values: unknown[] = Array.isArray(schema.enum) ? schema.enum : []
  const names = namesOf(schema.enumNames)
  return values.map((value, i) => [value, names[i] ?? labelOf(value)])
}

function labelOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A name for a variant of a union. */
export function variantName(schema: JsonObject, i: number): string {
  const named = textOf(schema.title)
  if (named) return named
  if ('const' in schema) return labelOf(schema.const)
  const tag = Object.entries(objectOf(schema.properties)).find(
    ([, property]) => isObject(property) && typeof property.const === 'string',
  )
  if (tag) return `${tag[0]}: ${String(objectOf(tag[1]).const)}`
  return typeOf(schema) ?? `variant ${i + 1}`
}

/** The value with which a field begins. Only defaults, constants and required parts have one. */
export function initialValue(
  given: unknown,
  root: JsonObject,
  required: boolean,
  depth = 0,
): unknown {
  const schema = resolveSchema(given, root)
  if ('default' in schema) return schema.default
  if (!required || depth > 8) return undefined
  switch (kindOf(schema)) {
    case 'const':
      return schema.const
    case 'union':
      return initialValue(variantsOf(schema)[0], root, true, depth + 1)
    case 'object':
      return initialObject(schema, root, depth)
    case 'map':
      return {}
    case 'array':
      return []
    case 'boolean':
      return false
    default:
      return undefined
  }
}

function initialObject(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const required = namesOf(schema.required)
  const entries = Object.entries(objectOf(schema.properties)).map(
    ([name, property]) =>
      [name, initialValue(property, root, required.includes(name), depth + 1)] as const,
  )
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** The names of required fields without a value, for a hint before a call is sent. */
export function missingFields(given: unknown, value: unknown, root: JsonObject): string[] {
  const schema = resolveSchema(given, root)
  return namesOf(schema.required).filter((name) => objectOf(value)[name] === undefined)
}
