/** `tools/list`. */
import type { Tool } from '../handlers/registry.ts'
import type { JsonSchema } from '../schema/schema.ts'
import type { Call } from './call.ts'
import { methodNotFound } from './errors.ts'
import { describedItem, listPage } from './list-page.ts'
import type { Revision } from './revisions.ts'
import { has, isModernRevision } from './revisions.ts'

export function listTools(call: Call): string {
  const { tools } = call.server.registry
  if (tools.size === 0) throw methodNotFound(call.method)
  return listPage(call, { name: 'tools', items: tools, toItem })
}

function toItem(tool: Tool, revision: Revision): object {
  const { name, options, output, inputSchema, modernInputSchema } = tool
  return {
    name,
    ...describedItem(options, revision),
    description: options.description,
    inputSchema: isModernRevision(revision) ? modernInputSchema : inputSchema,
    ...(output &&
      has.structuredContent(revision) && {
        outputSchema: has.anyStructure(revision) ? output.jsonSchema : asObject(output.jsonSchema),
      }),
    annotations: options.annotations,
  }
}

/** 2025 knows only objects as structured content: another schema stands under `result` (B58). */
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
