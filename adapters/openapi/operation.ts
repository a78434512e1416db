/** One operation of an OpenAPI document: its arguments as a schema, and its request. */

import type { JsonSchema } from '../../src/index.ts'
import { failure } from '../../src/index.ts'

export type Json = Record<string, unknown>

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly explode: boolean
  readonly style: string
}

/** Headers that are not a parameter, as OpenAPI says, or that the caller must not choose. */
const RESERVED =
  /^(accept|content-type|authorization|cookie|host|proxy-.*|x-forwarded-.*|forwarded)$/i

export class Operation {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly details: Json
  readonly input: JsonSchema
  readonly #parameters: Parameter[] = []
  #bodyType: string | undefined

  constructor(name: string, method: string, path: string, item: Json) {
    this.name = name
    this.method = method.toUpperCase()
    this.path = path
    const details = item[method] as Json
    this.details = details
    const properties: Json = {}
    const required: string[] = []
    const shared = new Map<string, Json>()
    for (const list of [item.parameters, details.parameters]) {
      for (const one of Array.isArray(list) ? list.filter(isJson) : []) {
        shared.set(`${one.in} ${one.name}`, one)
      }
    }
    for (const one of shared.values()) this.#parameter(one, properties, required)
    this.#body(details.requestBody, properties, required)
    if (JSON.stringify(properties).includes('"$ref"')) {
      throw new TypeError(`Operation "${name}" has a schema that contains itself: not supported`)
    }
    this.input = { type: 'object', properties, required, additionalProperties: false }
  }

  #parameter(one: Json, properties: Json, required: string[]): void {
    const name = String(one.name)
    const place = one.in
    if (place === 'header' && RESERVED.test(name)) return
    if (place !== 'path' && place !== 'query' && place !== 'header') {
      if (!one.required) return
      throw new TypeError(
        `Operation "${this.name}" needs the ${place} parameter "${name}", which is not supported: give it as a header with options.headers`,
      )
    }
    if (Object.hasOwn(properties, name)) {
      throw new TypeError(`Operation "${this.name}" has two parameters "${name}"`)
    }
    const style = String(one.style ?? (place === 'query' ? 'form' : 'simple'))
    const explode = typeof one.explode === 'boolean' ? one.explode : style === 'form'
    const isRequired = place === 'path' || one.required === true
    this.#parameters.push({ name, in: place, required: isRequired, explode, style })
    properties[name] = {
      ...(toSchema(one.schema) as Json),
      ...(typeof one.description === 'string' && { description: one.description }),
    }
    if (isRequired) required.push(name)
  }

  #body(body: unknown, properties: Json, required: string[]): void {
    if (!isJson(body) || !isJson(body.content)) return
    const type = Object.keys(body.content).find((one) =>
      /^application\/([\w.-]+\+)?json\b/.test(one),
    )
    if (type === undefined) {
      if (!body.required) return
      throw new TypeError(
        `Operation "${this.name}" takes ${Object.keys(body.content).join(', ')}, which is not supported: JSON is`,
      )
    }
    if (Object.hasOwn(properties, 'body')) {
      throw new TypeError(`Operation "${this.name}" has a parameter "body" beside its body`)
    }
    const content = body.content[type]
    properties.body = isJson(content) ? toSchema(content.schema) : {}
    if (body.required === true) required.push('body')
    this.#bodyType = type
  }

  /** The request for checked arguments. Its URL is below the base URL, whatever the arguments are. */
  request(base: URL, args: Json): { url: URL; headers: Record<string, string>; body?: string } {
    const headers: Record<string, string> = {}
    const query = new URLSearchParams()
    let { path } = this
    for (const parameter of this.#parameters) {
      const { name, in: place } = parameter
      const value = args[name]
      if (value === undefined || value === null) continue
      if (place === 'query') addQuery(query, parameter, value)
      else if (place === 'header') headers[name] = headerText(name, value)
      else path = path.replaceAll(`{${name}}`, () => segment(name, value))
    }
    const url = new URL(base)
    url.pathname = base.pathname.replace(/\/$/, '') + path
    url.search = String(query)
    if (this.#bodyType === undefined || args.body === undefined) return { url, headers }
    headers['content-type'] = this.#bodyType
    return { url, headers, body: JSON.stringify(args.body) }
  }
}

/** One segment of a path: dots would lead to another operation. */
function segment(name: string, value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join(',') : String(value)
  if (text === '' || text === '.' || text === '..') {
    throw failure(`${name} must not be "${text}"`)
  }
  return encodeURIComponent(text)
}

function headerText(name: string, value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join(',') : String(value)
  if (/[^\x20-\x7e]/.test(text)) throw failure(`${name} has characters that a header cannot have`)
  return text
}

function addQuery(
  query: URLSearchParams,
  { name, explode, style }: Parameter,
  value: unknown,
): void {
  if (Array.isArray(value)) {
    if (explode) for (const one of value) query.append(name, String(one))
    else query.append(name, value.map(String).join(','))
  } else if (isJson(value)) {
    for (const [member, one] of Object.entries(value)) {
      query.append(style === 'deepObject' ? `${name}[${member}]` : member, String(one))
    }
  } else query.append(name, String(value))
}

/** A schema of OpenAPI 3.0 in the words of JSON Schema 2020-12, which OpenAPI 3.1 has already. */
function toSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toSchema)
  if (!isJson(schema)) return schema
  const { nullable, example: _, discriminator: _d, xml: _x, externalDocs: _e, ...rest } = schema
  const converted: Json = {}
  for (const [keyword, value] of Object.entries(rest)) {
    const isNamed = keyword === 'properties' && isJson(value)
    converted[keyword] = isNamed
      ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toSchema(one)]))
      : DATA.has(keyword)
        ? value
        : toSchema(value)
  }
  for (const limit of ['Minimum', 'Maximum'] as const) {
    const exclusive = `exclusive${limit}`
    const plain = limit.toLowerCase()
    if (typeof converted[exclusive] !== 'boolean') continue
    if (converted[exclusive]) converted[exclusive] = converted[plain]
    else delete converted[exclusive]
  }
  return nullable === true ? { anyOf: [converted, { type: 'null' }] } : converted
}

const DATA = new Set(['enum', 'const', 'default', 'examples'])
