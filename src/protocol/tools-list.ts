/** `tools/list`. */
import type { Tool } from '../handlers/tool.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { toLegacyOutput } from '../schema/legacy-output.ts'
import type { Call } from './call.ts'
import { methodNotFound } from './errors.ts'
import { describedItem, listPage } from './list-page.ts'
import type { Revision } from './revisions.ts'
import { has, isModernRevision } from './revisions.ts'

export function listTools(call: Call): MaybePromise<string> {
  const { tools } = call.registry
  if (tools.size === 0) throw methodNotFound(call.method)
  return listPage(call, { name: 'tools', items: tools, toItem })
}

function toItem(tool: Tool, revision: Revision): object {
  const { name, options, output, inputSchema, modernInputSchema } = tool
  const { ui } = options
  return {
    name,
    ...describedItem(
      { ...options, ...(ui && { _meta: { ...ui._meta, ...options._meta } }) },
      revision,
    ),
    description: options.description,
    inputSchema: isModernRevision(revision) ? modernInputSchema : inputSchema,
    // A call that goes on returns a handle, which no output schema would allow.
    ...(output &&
      !options.task &&
      has.structuredContent(revision) && {
        outputSchema: has.anyStructure(revision)
          ? output.jsonSchema
          : toLegacyOutput(output.jsonSchema),
      }),
    annotations: options.annotations,
    execution: options.task && has.tasks(revision) ? { taskSupport: 'optional' } : undefined,
  }
}
