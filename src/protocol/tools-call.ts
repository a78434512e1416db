/** `tools/call`. */

import { AuthError } from '../auth/auth.ts'
import { text, toFailureResult, toToolResult } from '../handlers/content.ts'
import type { Tool } from '../handlers/registry.ts'
import { HandlerFailure, runHandler } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { attempt, chain, toMaybePromise } from '../lib/maybe-promise.ts'
import type { Server } from '../server.ts'
import type { Call, Result } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import type { Params } from './jsonrpc.ts'
import { asStructuredObject } from './lists.ts'
import { writeResult } from './results.ts'
import { has } from './revisions.ts'
import type { CallToolResult, ContentBlock } from './types.ts'

/** The tool a call names; an unknown one is an error of the protocol (B59). */
function requireTool({ registry }: Server, params: Params): Tool {
  const { name } = params
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  const tool = registry.tools.get(name)
  if (!tool) throw invalidParams(`Unknown tool: ${clip(name)}`)
  return tool
}

/** What the caller may not do is refused before anything runs, so that the client can step up (D7). */
function requireScopes(call: Call, tool: Tool): void {
  const needed = tool.options.scopes
  if (!needed?.length || !call.principal) return
  const granted = call.principal.scopes
  if (needed.every((scope) => granted.includes(scope))) return
  throw new AuthError('The token lacks a scope that this tool needs', {
    code: 'insufficient_scope',
    scopes: needed,
  })
}

export function callTool(call: Call): MaybePromise<Result> {
  const tool = requireTool(call.server, call.params)
  requireScopes(call, tool)
  const { arguments: given = {} } = call.params
  if (!isObject(given)) throw invalidParams('arguments must be an object')
  return run(call, tool, given)
}

/** What goes wrong from here on is for the model to read and mend, also wrong arguments (SEP-1303). */
function run(call: Call, tool: Tool, given: Params): MaybePromise<Result> {
  return attempt<Result, Result>(
    () =>
      chain(openSession(call, tool, given), (own) =>
        chain(validate(tool, own), (args) => handle(call, tool, args)),
      ),
    (error) => {
      if (error instanceof HandlerFailure) return toFailureResult(error.message)
      throw error
    },
  )
}

/** The tool's own arguments, once the `session` argument among them is dealt with. */
function openSession(call: Call, tool: Tool, given: Params): MaybePromise<Params> {
  if (!tool.options.session || !call.openHandle) return given
  const { session, ...own } = given
  return call.openHandle(session).then(() => own)
}

function validate({ input }: Tool, given: Params): MaybePromise<Params> {
  if (!input) return given
  return chain(input.validate(given), (checked) => {
    if (checked.ok) return checked.value as Params
    throw new HandlerFailure(`Invalid arguments: ${checked.issues.join('; ')}`)
  })
}

function handle(call: Call, tool: Tool, args: Params): MaybePromise<string> {
  const timeout = tool.options.timeout ?? call.server.limits.call
  return runHandler(call, `Tool ${tool.name}`, timeout, () =>
    chain(toMaybePromise(tool.handler(args, call.context())), (value) => finish(call, tool, value)),
  )
}

/**
 * The handler's value as a written result. One that cannot be written, or that breaks the tool's own
 * output schema, is the author's mistake: it has to show here, as an exception of the handler.
 */
function finish(call: Call, tool: Tool, value: unknown): MaybePromise<string> {
  const result = withHandle(call, toToolResult(value, tool.output !== undefined))
  const write = () => writeResult(call.server, call.era, shape(result, call))
  if (!tool.output || result.isError) return write()
  return chain(tool.output.validate(result.structuredContent), (checked) => {
    if (checked.ok) return write()
    throw new TypeError(`The result breaks the output schema: ${checked.issues.join('; ')}`)
  })
}

/** Tells the model the handle to pass on; results are words to it, so it is told in words. */
function withHandle(call: Call, result: CallToolResult): CallToolResult {
  if (!call.handle) return result
  return {
    ...result,
    content: [...result.content, text(`session: ${call.handle}`)],
    _meta: { ...result._meta, 'streamable-mcp/session': call.handle },
  }
}

/** A result with only what the client's revision knows (B58, B64). */
function shape(result: CallToolResult, { revision }: Call): CallToolResult {
  if (has.anyStructure(revision)) return result
  const plain = result.structuredContent === undefined && !result._meta
  if (plain && has.resourceLinks(revision)) return result
  const { structuredContent, content, _meta, ...rest } = result
  return {
    ...rest,
    content: has.resourceLinks(revision) ? content : content.map(withoutLink),
    ...(structuredContent !== undefined &&
      has.structuredContent(revision) && {
        structuredContent: asStructuredObject(structuredContent),
      }),
    ...(_meta && has.titles(revision) && { _meta }),
  }
}

/** A link in words, for revisions that have none. */
export function withoutLink(block: ContentBlock): ContentBlock {
  return block.type === 'resource_link' ? text(`${block.name}: ${block.uri}`) : block
}
