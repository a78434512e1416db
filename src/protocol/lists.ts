/** Lists as JSON text, written once for each revision and page, and shaped for the client they go to. */
import type { Prompt, Registry, Resource, Tool } from '../handlers/registry.ts'
import { isObject } from '../lib/is-object.ts'
import type { JsonSchema } from '../schema/schema.ts'
import type { Server } from '../server.ts'
import { invalidParams } from './errors.ts'
import { serverMeta } from './results.ts'
import type { Revision } from './revisions.ts'
import { has, isModernRevision } from './revisions.ts'

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

type Asked = [revision: Revision, cursor: string | undefined, size: number]

interface Page {
  readonly items: readonly object[]
  readonly nextCursor: string | undefined
}

const PAGES: { [name in ListName]: (registry: Registry, ...asked: Asked) => Page } = {
  tools: ({ tools }, ...asked) => pageOf(tools, toTool, ...asked),
  prompts: ({ prompts }, ...asked) => pageOf(prompts, toPrompt, ...asked),
  resources: ({ resources }, ...asked) => pageOf(resources, toResource, ...asked),
  resourceTemplates: ({ templates }, ...asked) => pageOf(templates, toTemplate, ...asked),
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
  return server.registry.cachedJson(key, () => writePage(server, name, revision, cursor))
}

function writePage(
  server: Server,
  name: ListName,
  revision: Revision,
  cursor: string | undefined,
): string {
  const { items, nextCursor } = PAGES[name](server.registry, revision, cursor, server.pageSize)
  const isModern = isModernRevision(revision)
  return JSON.stringify({
    ...(isModern && { resultType: 'complete' }),
    [name]: items,
    nextCursor,
    ...(isModern && { ...server.cache, _meta: serverMeta(server) }),
  })
}

/** Only what stands on the page is looked at: a walk along the list would else cost the square of it. */
function pageOf<T>(
  map: ReadonlyMap<string, T>,
  shape: (item: T, revision: Revision) => object,
  ...[revision, cursor, size]: Asked
): Page {
  const seen = cursor === undefined ? undefined : keyOf(cursor)
  if (seen !== undefined && !map.has(seen)) throw badCursor()
  let begun = seen === undefined
  const items: object[] = []
  let last = ''
  for (const [key, item] of map) {
    if (!begun) {
      begun = key === seen
      continue
    }
    if (items.length === size) return { items, nextCursor: toCursor(last) }
    items.push(shape(item, revision))
    last = key
  }
  return { items, nextCursor: undefined }
}

/** A cursor names the last item seen, so that it stays right on every instance, and when the list grows (B56). */
function toCursor(key: string): string {
  return btoa(encodeURIComponent(key))
}

function keyOf(cursor: string): string {
  try {
    const key = decodeURIComponent(atob(cursor))
    // only as it was given out: one item under any number of spellings would be kept with its page under each
    if (toCursor(key) === cursor) return key
  } catch {
    // no spelling at all
  }
  throw badCursor()
}

const badCursor = () => invalidParams('Invalid cursor: it is none that this list has given out')

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
    inputSchema: isModernRevision(revision) ? modernInputSchema : inputSchema,
    ...(output &&
      has.structuredContent(revision) && {
        outputSchema: has.anyStructure(revision) ? output.jsonSchema : asObject(output.jsonSchema),
      }),
    annotations: options.annotations,
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
  return { uri: resource.uri, ...facts(resource, revision), size: resource.options.size }
}

function toTemplate(resource: Resource, revision: Revision): object {
  return { uriTemplate: resource.uri, ...facts(resource, revision) }
}

function facts({ options }: Resource, revision: Revision) {
  const { name, description, mimeType, annotations } = options
  return {
    name,
    ...described(options, revision),
    description,
    mimeType,
    annotations,
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
