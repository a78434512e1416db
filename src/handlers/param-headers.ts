/** Arguments of a tool that clients repeat as headers, so that a proxy can route by them (A.2). */
import type { JsonSchema } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'

/** A parameter that travels as a header too: where it stands in the arguments, and its type. */
export interface ParamHeader {
  /** `Mcp-Param-Region`, in lower case. */
  readonly header: string
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

/** The schema with the marks that tell clients which headers to send. */
export function withHeaders(
  tool: string,
  schema: JsonSchema,
  headers: Record<string, string>,
): JsonSchema {
  const declared = new Map(propertiesOf(schema))
  for (const [property, header] of Object.entries(headers)) {
    const found = declared.get(property)
    if (!found)
      throw new TypeError(`Tool "${tool}" has no argument "${property}" to send as a header`)
    declared.set(property, { ...found, 'x-mcp-header': header })
  }
  return { ...schema, properties: Object.fromEntries(declared) }
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Parameters annotated `x-mcp-header`, checked as A.2 wants: clients drop a tool that gets it wrong. */
export function findParamHeaders(tool: string, schema: JsonSchema): ParamHeader[] {
  const found: ParamHeader[] = []
  const walk = (node: JsonSchema, path: string[]) => {
    for (const [name, property] of propertiesOf(node)) {
      if (typeof property !== 'object') continue
      const header = property['x-mcp-header']
      const where = [...path, name]
      if (header !== undefined) {
        const { type } = property
        if (typeof header !== 'string' || !HEADER_NAME.test(header)) {
          throw new TypeError(
            `Tool "${tool}": x-mcp-header of ${where.join('.')} is not a header name`,
          )
        }
        if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
          throw new TypeError(
            `Tool "${tool}": x-mcp-header of ${where.join('.')} needs type string, integer or boolean`,
          )
        }
        const lower = `mcp-param-${header.toLowerCase()}`
        if (found.some((other) => other.header === lower)) {
          throw new TypeError(`Tool "${tool}": x-mcp-header "${header}" stands twice`)
        }
        found.push({ header: lower, path: where, type })
      }
      walk(property, where)
    }
  }
  walk(schema, [])
  if (countMarks(schema) !== found.length) {
    throw new TypeError(
      `Tool "${tool}": x-mcp-header may stand only below properties of properties`,
    )
  }
  return found
}

/** Every `x-mcp-header` of a schema, wherever it stands. */
function countMarks(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0
  return Object.entries(node).reduce(
    (count, [key, value]) =>
      count + (key === 'x-mcp-header' && typeof value === 'string' ? 1 : countMarks(value)),
    0,
  )
}
