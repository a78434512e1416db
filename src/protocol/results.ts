/** Results as JSON text, in the shape that the client's revision knows. Every result is written here, once. */
import { text } from '../handlers/content.ts'
import type { Tool } from '../handlers/tool.ts'
import { isObject } from '../lib/is-object.ts'
import type { Validator } from '../schema/schema.ts'
import { isWrapped } from '../schema/schema.ts'
import type { Server } from '../server.ts'
import type { Call } from './call.ts'
import type { Era, Revision } from './revisions.ts'
import { has } from './revisions.ts'
import { serverMeta } from './server-meta.ts'
import type { CallToolResult, ContentBlock, GetPromptResult, ReadResourceResult } from './types.ts'

/** The result of methods that have nothing to say, in 2025. */
export const EMPTY_RESULT = '{}'

/** Writes a result; for 2026 with its `resultType` and the server's name (C19, C20). */
export function writeResult(
  { server, era }: { readonly server: Server; readonly era: Era },
  result: object,
): string {
  if (era === 'legacy') return JSON.stringify(result)
  if ('_meta' in result || 'resultType' in result) {
    const { _meta, ...rest } = result as { _meta?: object }
    const all = { ..._meta, ...serverMeta(server) }
    return JSON.stringify({ resultType: 'complete', ...rest, _meta: all })
  }
  const json = JSON.stringify(result)
  return json === '{}' ? `${server.resultPrefix}}` : `${server.resultPrefix},${json.slice(1)}`
}

export function writeToolResult(call: Call, tool: Tool, result: CallToolResult): string {
  if (result.isError) call.toolFailed = true
  return writeResult(call, shapeToolResult(withHandle(call, result), tool, call.revision))
}

export function writePromptResult(call: Call, result: GetPromptResult): string {
  return writeResult(call, shapePromptResult(result, call.revision))
}

/** The content may be private, so a client of 2026 may not cache it unless the handler says so (A.7). */
export function writeReadResult(call: Call, result: ReadResourceResult): string {
  const caching = call.era === 'modern' && { ttlMs: 0, cacheScope: 'private' }
  return writeResult(call, { ...caching, ...result })
}

/** Adds the session's handle in words as well, because the model reads only the content (C17). */
function withHandle(call: Call, result: CallToolResult): CallToolResult {
  if (call.era === 'legacy' || !call.handle) return result
  return {
    ...result,
    content: [...result.content, text(`session: ${call.handle}`)],
    _meta: { ...result._meta, 'streamable-mcp/session': call.handle },
  }
}

/** Removes what the revision does not know (B58, B64). */
function shapeToolResult(
  result: CallToolResult,
  { output }: Tool,
  revision: Revision,
): CallToolResult {
  if (has.anyStructure(revision)) return result
  const plain = result.structuredContent === undefined && !result._meta
  if (plain && has.resourceLinks(revision)) return result
  const { structuredContent, content, _meta, ...rest } = result
  return {
    ...rest,
    content: has.resourceLinks(revision) ? content : content.map(withoutLink),
    ...(structuredContent !== undefined &&
      has.structuredContent(revision) && {
        structuredContent: asStructuredObject(structuredContent, output),
      }),
    ...(_meta && has.titles(revision) && { _meta }),
  }
}

function shapePromptResult(result: GetPromptResult, revision: Revision): GetPromptResult {
  if (has.resourceLinks(revision)) return result
  const messages = result.messages.map((message) => ({
    ...message,
    content: withoutLink(message.content),
  }))
  return { ...result, messages }
}

/** A link in words, for revisions that have no links. */
function withoutLink(block: ContentBlock): ContentBlock {
  return block.type === 'resource_link' ? text(`${block.name}: ${block.uri}`) : block
}

/**
 * 2025 knows only objects as structured content: another value becomes `{ result }` (B58), and so does
 * every value of a tool whose output schema is listed so. Without a schema, `toJSON()` comes first,
 * because a Date is an object and its JSON a string.
 */
function asStructuredObject(value: unknown, output: Validator | undefined): unknown {
  if (output) return isWrapped(output.jsonSchema) ? { result: value } : value
  const json =
    isObject(value) && typeof value.toJSON === 'function'
      ? (JSON.parse(JSON.stringify(value)) as unknown)
      : value
  return isObject(json) ? json : { result: json }
}
