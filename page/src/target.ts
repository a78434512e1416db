/** What can be tried: a tool, a prompt, a resource or a template of resources. */
import type { JsonObject } from './json.ts'
import { isObject, objectOf, objectsOf, textOf } from './json.ts'
import type { Catalog } from './mcp/lists.ts'

export interface Target {
  readonly key: string
  readonly kind: 'tool' | 'prompt' | 'resource' | 'template'
  readonly title: string
  /** As the server listed it. */
  readonly definition: JsonObject
  /** The schema of its arguments. */
  readonly schema: JsonObject
}

export function targetsOf(
  { tools, prompts, resources, templates }: Catalog,
  tab: string,
): readonly Target[] {
  switch (tab) {
    case 'Tools':
      return tools.map((tool) => toTarget('tool', tool, objectOf(tool.inputSchema)))
    case 'Prompts':
      return prompts.map((prompt) => toTarget('prompt', prompt, promptSchema(prompt)))
    case 'Resources':
      return [
        ...resources.map((resource) => toTarget('resource', resource, {})),
        ...templates.map((template) => toTarget('template', template, templateSchema(template))),
      ]
    default:
      return []
  }
}

function toTarget(kind: Target['kind'], definition: JsonObject, schema: JsonObject): Target {
  const id = String(definition.uri ?? definition.uriTemplate ?? definition.name)
  const name = textOf(definition.name) ?? id
  const title = textOf(definition.title) ?? textOf(objectOf(definition.annotations).title) ?? name
  return { key: `${kind} ${id}`, kind, title, definition, schema }
}

function promptSchema(prompt: JsonObject): JsonObject {
  const declared = objectsOf(prompt.arguments)
  return {
    type: 'object',
    properties: Object.fromEntries(
      declared.map(({ name, title, description }) => [
        String(name),
        { type: 'string', ...(title !== undefined && { title }), description },
      ]),
    ),
    required: declared.filter(({ required }) => required === true).map(({ name }) => String(name)),
  }
}

const EXPRESSION = /\{([+#./;?&]?)([^{}]+)\}/g

function templateSchema(template: JsonObject): JsonObject {
  const names = [...String(template.uriTemplate).matchAll(EXPRESSION)].flatMap(
    ([, operator = '', list = '']) =>
      list.split(',').map((name) => ({ name: name.replace(/\*$|:\d+$/, ''), operator })),
  )
  return {
    type: 'object',
    properties: Object.fromEntries(names.map(({ name }) => [name, { type: 'string' }])),
    required: names.filter(({ operator }) => !/[?&]/.test(operator)).map(({ name }) => name),
  }
}

/** Fills in a template (RFC 6570, without lists). */
export function expand(template: string, values: JsonObject): string {
  return template.replace(EXPRESSION, (_, operator: string, list: string) => {
    const isNamed = /[;?&]/.test(operator)
    const encode = /[+#]/.test(operator) ? encodeURI : encodeURIComponent
    const parts = list.split(',').flatMap((part) => {
      const name = part.replace(/\*$|:\d+$/, '')
      const value = values[name]
      if (value === undefined || isObject(value)) return []
      return isNamed ? `${name}=${encode(String(value))}` : encode(String(value))
    })
    if (parts.length === 0) return ''
    const separator = operator === '?' ? '&' : /[./;&]/.test(operator) ? operator : ','
    const first = operator === '+' ? '' : operator
    return first + parts.join(separator)
  })
}

/** The request that tries a target with these arguments. */
export function requestOf(
  { kind, definition }: Target,
  values: JsonObject,
): { method: string; params: JsonObject } {
  switch (kind) {
    case 'tool':
      return { method: 'tools/call', params: { name: definition.name, arguments: values } }
    case 'prompt':
      return { method: 'prompts/get', params: { name: definition.name, arguments: values } }
    case 'resource':
      return { method: 'resources/read', params: { uri: definition.uri } }
    case 'template':
      return {
        method: 'resources/read',
        params: { uri: expand(String(definition.uriTemplate), values) },
      }
  }
}
