/** A tool: what an author gives, and what the registry keeps of it. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { clip } from '../protocol/errors.ts'
import type { ToolAnnotations } from '../protocol/types.ts'
import { listIssues } from '../schema/issues.ts'
import type { Infer, JsonSchema, Schema, Validator } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'
import { createObjectValidator, createValidator } from '../schema/validator.ts'
import type { Access } from './access.ts'
import type { ToolReturnOf } from './content.ts'
import type { Context } from './context.ts'
import type { Described } from './definition.ts'
import { checkDefinition, requireText, requireTimer, TOOL_OPTIONS } from './definition.ts'
import type { Limits } from './limit-options.ts'
import { requireLimits } from './limit-options.ts'
import type { ParamHeader } from './param-headers.ts'
import { findParamHeaders, withHeaders } from './param-headers.ts'
import type { TaskOptions } from './task-options.ts'
import { requireTask } from './task-options.ts'

/** Options of a tool. A `TypeError` at registration names an option that is unknown or wrong. */
export interface ToolOptions<
  I extends Schema | undefined = Schema | undefined,
  R = unknown,
  S extends boolean = boolean,
> extends Described,
    Access {
  /** What the tool does and when to use it. The model chooses by it. */
  description: string
  /** Schema of the arguments: an object. Without it the tool takes no arguments. */
  input?: I
  /**
   * Schema of the result, which then travels as `structuredContent`, with its JSON as text. A result
   * that does not match it is an internal error.
   */
  output?: StandardSchemaV1<R> | JsonSchema
  /** Hints for the client, such as `readOnlyHint`. Clients must not rely on them. */
  annotations?: ToolAnnotations
  /**
   * Gives the handler `ctx.session`. Clients of 2026 have no sessions, so for them the tool has an argument
   * `session` (C17). @default false
   */
  session?: S
  /** Keeps it in `tools/list` on a server with `tools: 'search'`. @default false */
  listed?: boolean
  /** Arguments that clients repeat as `Mcp-Param-<Name>` headers: `{ region: 'Region' }` (A.2). */
  headers?: Record<string, string>
  /**
   * How often this tool may be called, in addition to the server's limits for each caller. `false` takes
   * the tool out of all limits. @default the server's `limits`
   */
  limits?: Limits | false
  /** Milliseconds after which the call fails. @default the server's `callTimeout` */
  timeout?: number
  /**
   * Makes calls durable: the handler may run for hours, ask, sleep and be killed, and its caller gets the
   * result. The handler runs anew after each interruption, so effects belong in `ctx.step`.
   */
  task?: TaskOptions
  /**
   * Names the operation that a call asks for: calls of the same caller with the same key run the handler
   * once, and all get its result, on every instance. A call that comes while the first one runs waits for
   * it. A failed call is not kept, so the next one runs. Without a key (undefined) the handler just runs.
   * A key that comes again with other arguments is a failure.
   *
   * @example idempotent: ({ order }) => order
   */
  idempotent?(
    args: I extends Schema ? Infer<I> : Record<string, unknown>,
    ctx: Context,
  ): string | undefined
  /** Milliseconds that results are kept under their keys. @default 24 hours */
  idempotentFor?: number
  /** The page that clients with MCP Apps show for the results: made by `app()`. */
  ui?: { readonly _meta: Record<string, unknown> }
}

/** The `ctx` of a tool: `ctx.session` has a type only with `session: true`. */
export type ToolContext<S extends boolean> = S extends true
  ? Context
  : Context & { readonly session: never }

/**
 * Runs a tool. `args` have passed the input schema. The value that it returns is checked against the
 * output schema, if there is one.
 *
 * The model reads the message of a `failure()` that it throws or returns, and the client gets the error of
 * a `McpError`. Any other exception is only logged, under an id that the client gets.
 */
export type ToolHandler<I extends Schema | undefined, R = unknown, S extends boolean = true> = (
  args: I extends Schema ? Infer<I> : Record<string, unknown>,
  ctx: ToolContext<S>,
) => MaybePromise<ToolReturnOf<NoInfer<R>>>

/** A registered tool. */
export interface Tool {
  readonly name: string
  readonly options: ToolOptions
  readonly input: Validator
  readonly output: Validator | undefined
  readonly inputSchema: JsonSchema
  /** The input schema as modern clients see it: with the `session` argument where the tool has one. */
  readonly modernInputSchema: JsonSchema
  readonly headers: readonly ParamHeader[]
  readonly handler: ToolHandler<undefined>
  /** A tool with `task`, or the tool that serves the results of such tools: the code of tasks runs it. */
  readonly durable: boolean
}

/** 1 to 128 characters (B60); the slash is there because clients in the field use it (H6). */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/

/** Refuses any argument, as its schema says. Some clients need `properties`, although empty. */
const NO_ARGUMENTS: Validator = {
  jsonSchema: { type: 'object', properties: {}, additionalProperties: false },
  validate(value) {
    const names = Object.keys(value as object)
    if (names.length === 0) return { ok: true, value }
    return {
      ok: false,
      issues: listIssues(names, (name) => `${clip(name)}: this tool takes no arguments`),
    }
  },
}

/** Checks a tool's definition. Throws a `TypeError` that names the tool and what to change. */
export function createTool<I extends Schema | undefined, R, S extends boolean>(
  name: string,
  options: ToolOptions<I, R, S>,
  handler: ToolHandler<I, R, S>,
): Tool {
  if (!TOOL_NAME.test(name)) {
    throw new TypeError(`Tool name "${name}" is not 1 to 128 of A-Z a-z 0-9 _ . - /`)
  }
  const what = `Tool "${name}"`
  checkDefinition(what, 'tool(name', options, TOOL_OPTIONS, handler)
  requireText(what, options, 'description', 'models choose by it')
  requireLimits(`limits of ${name}`, options.limits)
  if (options.task) requireTask(name, options.task, options.timeout)
  if (options.task && options.idempotent) throw new TypeError(`${what}: task excludes idempotent`)
  for (const option of ['timeout', 'idempotentFor'] as const) {
    const time = options[option]
    if (time !== undefined) requireTimer(`${option} of tool "${name}"`, time)
  }
  const input = options.input
    ? createObjectValidator(options.input, `Input of tool "${name}"`)
    : NO_ARGUMENTS
  const inputSchema = options.headers
    ? withHeaders(name, input.jsonSchema, options.headers)
    : input.jsonSchema
  const output =
    options.output && createValidator(options.output, `Output of tool "${name}"`, 'output')
  return {
    name,
    options: options as ToolOptions,
    input,
    output,
    inputSchema,
    modernInputSchema: options.session ? withSessionArgument(name, inputSchema) : inputSchema,
    headers: findParamHeaders(name, inputSchema),
    // The types of arguments and result are the author's; the validators hold them at run time.
    handler: handler as unknown as Tool['handler'],
    durable: options.task !== undefined,
  }
}

function withSessionArgument(name: string, schema: JsonSchema): JsonSchema {
  if (propertiesOf(schema).some(([property]) => property === 'session')) {
    throw new TypeError(`Tool "${name}" has an argument "session" beside session: true`)
  }
  return {
    ...schema,
    properties: {
      ...(schema.properties as object | undefined),
      session: {
        type: 'string',
        description:
          'Handle of an earlier call, as that call returned it, to go on from there; leave out to start anew',
      },
    },
  }
}
