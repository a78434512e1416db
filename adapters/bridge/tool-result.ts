/** The result of another server's tool, as ours sends it. */

import type { CallToolResult, ContentBlock } from '../../src/index.ts'
import { text } from '../../src/index.ts'
import type { Json } from './peer.ts'
import { isJson } from './peer.ts'

/** Keeps the members that a result has in every revision. */
export function toToolResult(result: Json): CallToolResult {
  const { content, structuredContent, isError, _meta } = result
  const blocks = Array.isArray(content) ? (content as ContentBlock[]) : []
  // Clients that know no structured content read the text.
  if (blocks.length === 0 && structuredContent !== undefined) {
    blocks.push(text(JSON.stringify(structuredContent)))
  }
  return {
    content: blocks,
    ...(structuredContent !== undefined && { structuredContent }),
    ...(isError === true && { isError }),
    ...(isJson(_meta) && { _meta }),
  }
}
