/** `tools/call`. */
import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import { createContext } from '../handlers/call-context.ts'
import { toFailureResult, toToolResult } from '../handlers/content.ts'
import { HandlerFailure } from '../handlers/failure.ts'
import { toSafeError, withinTime } from '../handlers/run-handler.ts'
import type { Tool } from '../handlers/tool.ts'
import { isObject } from '../lib/is-object.ts'
import { lazyImport } from '../lib/lazy-import.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { toMaybePromise } from '../lib/maybe-promise.ts'
import type { Validation } from '../schema/schema.ts'
import type { Call, ModernMethodCall } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import type { Params } from './jsonrpc.ts'
import { writeResult, writeToolResult } from './results.ts'
import { has } from './revisions.ts'
import { requireScopes } from './scopes.ts'
import { offersTasks } from './tasks-extension.ts'
import { requireOutput, requireValid } from './tool-checks.ts'
import type { CallToolResult } from './types.ts'

/**
 * Runs a tool. This is the synchronous fast path: a tool that validates and returns within its turn is
 * answered without a promise and without a timer, which saves a tenth of the CPU time of a call. The
 * first promise on the way leads to an async function. From the arguments on, a failure is a result
 * that the model can read and correct, wrong arguments included (SEP-1303).
 */
export function callTool(call: Call): MaybePromise<string> {
  const tool = requireTool(call)
  requireScopes(call, tool)
  const { arguments: given = {}, task } = call.params
  if (!isObject(given)) throw invalidParams('arguments must be an object')
  // Other revisions, and servers without tasks, ignore the parameter (A.8, B71).
  const asTask = task && has.tasks(call.revision) && offersTasks(call.server)
  if (tool.durable || asTask) return callDurable(call, tool, given)
  if (tool.options.session && call.era === 'modern') return callWithHandle(call, tool, given)
  try {
    const checked = tool.input?.validate(given)
    if (checked instanceof Promise) return callValidated(call, tool, checked)
    return runTool(call, tool, checked ? requireValid(checked) : given)
  } catch (error) {
    return writeFailure(call, error)
  }
}

/** The tool that a call names; an unknown one is an error of the protocol (B59). */
function requireTool({ registry, params: { name } }: Call): Tool {
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  const tool = registry.tools.get(name)
  if (!tool) throw invalidParams(`Unknown tool: ${clip(name)}`)
  return tool
}

const durableTools = lazyImport(() => import('../tasks/call-tool.ts'))

/** A tool with `task`, or a call that asks for a task. Most servers never load the code of tasks. */
async function callDurable(call: Call, tool: Tool, given: Params): Promise<string> {
  try {
    return await (await durableTools()).callDurableTool(call, tool, given)
  } catch (error) {
    return writeFailure(call, error)
  }
}

/** Whether nothing runs around the handler: no middleware, no limit, no idempotency key. */
function isDirect(call: Call, { options: { idempotent, limits } }: Tool): boolean {
  return !(idempotent || limits || call.server.toolLimits || hasMiddleware(call, 'tool'))
}

async function callAround(call: Call, tool: Tool, args: Params): Promise<unknown> {
  return (await middlewareRunner()).callToolAround(call, tool, args)
}

/** Opens the handle that the `session` argument names, then validates the tool's own arguments. */
async function callWithHandle(call: ModernMethodCall, tool: Tool, given: Params): Promise<string> {
  const { session, ...own } = given
  try {
    await call.openHandle(session)
    const checked = await tool.input?.validate(own)
    return await runTool(call, tool, checked ? requireValid(checked) : own)
  } catch (error) {
    return writeFailure(call, error)
  }
}

async function callValidated(
  call: Call,
  tool: Tool,
  checked: Promise<Validation>,
): Promise<string> {
  try {
    return await runTool(call, tool, requireValid(await checked))
  } catch (error) {
    return writeFailure(call, error)
  }
}

/**
 * Runs the handler and writes its value. A value that cannot be written, or that breaks the tool's own
 * output schema, is a bug of the author, so it is treated like an exception of the handler.
 */
function runTool(call: Call, tool: Tool, args: Params): MaybePromise<string> {
  try {
    const run = isDirect(call, tool)
      ? tool.handler(args, createContext(call, tool))
      : callAround(call, tool, args)
    const value = toMaybePromise(run)
    if (value instanceof Promise) return finishTool(call, tool, writeLater(call, tool, value))
    const result = toToolResult(value, tool.output !== undefined)
    const checked = validateOutput(tool, result)
    if (checked) {
      const written = checked.then(() => writeToolResult(call, tool, result))
      return finishTool(call, tool, written)
    }
    return writeToolResult(call, tool, result)
  } catch (error) {
    throw toSafeError(call, `Tool ${tool.name}`, error)
  }
}

async function finishTool(call: Call, tool: Tool, written: Promise<string>): Promise<string> {
  const timeout = tool.options.timeout ?? call.server.limits.call
  try {
    return await withinTime(call, timeout, written)
  } catch (error) {
    return writeFailure(call, toSafeError(call, `Tool ${tool.name}`, error))
  }
}

async function writeLater(call: Call, tool: Tool, value: Promise<unknown>): Promise<string> {
  const result = toToolResult(await value, tool.output !== undefined)
  await validateOutput(tool, result)
  return writeToolResult(call, tool, result)
}

function validateOutput(tool: Tool, result: CallToolResult): MaybePromise<void> {
  if (!tool.output || result.isError) return
  const checked = tool.output.validate(result.structuredContent)
  return checked instanceof Promise ? checked.then(requireOutput) : requireOutput(checked)
}

/** A failure of the handler as a result that the model reads; any other error is thrown on. */
function writeFailure(call: Call, error: unknown): string {
  if (!(error instanceof HandlerFailure)) throw error
  call.toolFailed = true
  return writeResult(call, toFailureResult(error.message))
}
