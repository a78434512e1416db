/** Lists as JSON text, written once for each revision and page, and shaped for the client they go to. */
import type { Prompt, Registry, Resource, Tool } from '../define.ts'
import type { JsonSchema } from '../schema.ts'
import type { Server } from '../server.ts'
import { invalidParams } from './errors.ts'
import { isObject } from './jsonrpc.ts'
import { serverMeta } from './results.ts'
import type { Revision } from './revisions.ts'
import { has } from './revisions.ts'

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

const SOURCES: {
  [name in ListName]: (registry: Registry, revision: Revision) => [key: string, item: object][]
} = {
  tools: ({ tools }, revision) => shaped(tools, revision, toTool),
  prompts: ({ prompts }, revision) => shaped(prompts, revision, toPrompt),
  resources: ({ resources }, revision) => shaped(resources, revision, toResource),
  resourceTemplates: ({ templates }, revision) => shaped(templates, revision, toTemplate),
}

/** One page of a list, as the JSON of its result. */
export function listPage(
  server: Server,
  name: ListName,
  revision: Revision,
  cursor: unknown,
): string {
  if (cursor !== undefined && typeof cursor !== 'string') throw badCursor()
  const key = cursor === undefined ? `${name} ${revision}` : `${name} ${revision} ${cursor}`
  return server.registry.written(key, () => writePage(server, name, revision, cursor))
}

function writePage(
  server: Server,
  name: ListName,
  revision: Revision,
  cursor: string | undefined,
): string {
  const items = SOURCES[name](server.registry, revision)
  const start = cursor === undefined ? 0 : after(items, cursor)
  const page = items.slice(start, start + server.pageSize)
  const last = page.at(-1)
  const more = last && start + page.length < items.length
  return JSON.stringify({
    ...(revision >= '2026-07-28' && { resultType: 'complete' }),
    [name]: page.map(([, item]) => item),
    ...(more && { nextCursor: toCursor(last[0]) }),
    ...(revision >= '2026-07-28' && { ...server.cache, _meta: serverMeta(server) }),
  })
}

/** A cursor names the last item seen, so that it stays right on every instance, and when the list grows (B56). */
function toCursor(key: string): string {
  return btoa(encodeURIComponent(key))
}

function after(items: [string, object][], cursor: string): number {
  // compared as they are given out: decoding would find one item under any number of spellings, and
  // each would be kept with its page
  const index = items.findIndex(([key]) => toCursor(key) === cursor)
  if (index < 0) throw badCursor()
  return index + 1
}

const badCursor = () => invalidParams('Invalid cursor: it is none that this list has given out')

function shaped<T>(
  map: Map<string, T>,
  revision: Revision,
  shape: (item: T, revision: Revision) => object,
): [string, object][] {
  return [...map].map(([key, item]) => [key, shape(item, revision)])
}

/** What every kind of item has, as far as the revision knows it (B64). */
function described(
  { title, icons, _meta }: { title?: string; icons?: object[]; _meta?: object },
  revision: Revision,
) {
  return {
    ...(title && has.titles(revision) && { title }),
    ...(icons && has.icons(revision) && { icons }),
    ...(_meta && has.titles(revision) && { _meta }),
  }
}

function toTool(tool: Tool, revision: Revision): object {
  const { name, options, output, inputSchema, modernInputSchema } = tool
  return {
    name,
    ...described(options, revision),
    description: options.description,
    inputSchema: revision >= '2026-07-28' ? modernInputSchema : inputSchema,
    ...(output &&
      has.structuredContent(revision) && {
        outputSchema: has.anyStructure(revision) ? output.jsonSchema : asObject(output.jsonSchema),
      }),
    ...(options.annotations && { annotations: options.annotations }),
  }
}

function toPrompt({ name, options, arguments: args }: Prompt, revision: Revision): object {
  return {
    name,
    ...described(options, revision),
    description: options.description,
    ...(args.length > 0 && { arguments: args }),
  }
}

function toResource(resource: Resource, revision: Revision): object {
  const { size } = resource.options
  return { uri: resource.uri, ...facts(resource, revision), ...(size !== undefined && { size }) }
}

function toTemplate(resource: Resource, revision: Revision): object {
  return { uriTemplate: resource.uri, ...facts(resource, revision) }
}

function facts({ options }: Resource, revision: Revision) {
  const { name, description, mimeType, annotations } = options
  return {
    name,
    ...described(options, revision),
    ...(description && { description }),
    ...(mimeType && { mimeType }),
    ...(annotations && { annotations }),
  }
}

/** 2025 knows only objects as structured content; anything else goes under `result` (B58). */
function asObject(schema: JsonSchema): JsonSchema {
  if (schema.type === 'object') return schema
  const { $defs, ...root } = schema
  return {
    type: 'object',
    properties: { result: root },
    required: ['result'],
    ...($defs !== undefined && { $defs }),
  }
}

/** The same for a value, by what it writes itself as: a Date is an object, and its JSON a string. */
export function asStructuredObject(value: unknown): object {
  const json =
    isObject(value) && typeof value.toJSON === 'function'
      ? (JSON.parse(JSON.stringify(value)) as unknown)
      : value
  return isObject(json) ? json : { result: json }
}
