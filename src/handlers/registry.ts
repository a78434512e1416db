/** What a tool, a prompt and a resource are, and the registry that holds them. */

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import { clip } from '../protocol/errors.ts'
import type {
  Annotations,
  ContentBlock,
  GetPromptResult,
  Icon,
  PromptMessage,
  ReadResourceResult,
  ToolAnnotations,
} from '../protocol/types.ts'
import { listIssues } from '../schema/issues.ts'
import type { Infer, JsonSchema, Schema, Validator } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'
import { createObjectValidator, createValidator } from '../schema/validator.ts'
import type { ToolReturnOf } from './content.ts'
import type { Context } from './context.ts'
import {
  checkDefinition,
  PROMPT_OPTIONS,
  RESOURCE_OPTIONS,
  requireCompleters,
  requireText,
  TOOL_OPTIONS,
} from './definition.ts'
import type { ParamHeader } from './param-headers.ts'
import { findParamHeaders, withHeaders } from './param-headers.ts'
import type { UriTemplate } from './uri-template.ts'
import { parseUriTemplate } from './uri-template.ts'

interface Described {
  title?: string
  icons?: Icon[]
  _meta?: Record<string, unknown>
}

/** Values to offer for what a person has typed so far; `arguments` are those already filled in. */
export type Completer = (
  value: string,
  context: { arguments: Readonly<Record<string, string>> },
) => MaybePromise<readonly string[]>

/** What a tool is: its texts for the model, its schemas, and its limits. */
export interface ToolOptions<
  I extends Schema | undefined = Schema | undefined,
  R = unknown,
  S extends boolean = boolean,
> extends Described {
  /** What the tool does and when to use it. The model chooses by it. */
  description: string
  /** Schema of the arguments: an object. Without it the tool takes no arguments. */
  input?: I
  /**
   * Schema of the result, which then travels as `structuredContent`, with its JSON as text. A result
   * that does not match it is an internal error.
   */
  output?: StandardSchemaV1<R> | JsonSchema
  annotations?: ToolAnnotations
  /**
   * OAuth scopes that a caller needs for this tool; others are answered 403 before it runs. A server
   * without `auth` knows no callers and asks for none.
   */
  scopes?: string[]
  /** Gives the handler `ctx.session`: for 2026 clients through a `session` argument (C17). @default false */
  session?: S
  /** Arguments that clients repeat as `Mcp-Param-<Name>` headers: `{ region: 'Region' }` (A.2). */
  headers?: Record<string, string>
  /** Milliseconds after which the call fails. @default the server's `callTimeout` */
  timeout?: number
}

/** The `ctx` of a tool: `ctx.session` has a type only with `session: true`. */
export type ToolContext<S extends boolean> = S extends true
  ? Context
  : Context & { readonly session: never }

/**
 * Runs a tool. `args` have passed the input schema. What it returns is checked against the output schema,
 * if there is one.
 */
export type ToolHandler<I extends Schema | undefined, R = unknown, S extends boolean = true> = (
  args: I extends Schema ? Infer<I> : Record<string, unknown>,
  ctx: ToolContext<S>,
) => MaybePromise<ToolReturnOf<NoInfer<R>>>

/** What a prompt is: its text for people, its arguments, and their completion. */
export interface PromptOptions<I extends Schema | undefined = Schema | undefined>
  extends Described {
  description: string
  /** Arguments: an object of strings. */
  input?: I
  complete?: Record<string, Completer>
}

/** A string is one user message. */
export type PromptReturn = string | ContentBlock | PromptMessage[] | GetPromptResult

/** Makes the messages of a prompt out of its checked arguments. */
export type PromptHandler<I extends Schema | undefined> = (
  args: I extends Schema ? Infer<I> : Record<string, unknown>,
  ctx: Context,
) => MaybePromise<PromptReturn>

/** What a resource is: its name, its kind, and the completion of its variables. */
export interface ResourceOptions extends Described {
  name: string
  description?: string
  mimeType?: string
  annotations?: Annotations
  /** Bytes. */
  size?: number
  /** Completion of the variables of a URI template. */
  complete?: Record<string, Completer>
}

/**
 * Text, bytes, or a value that becomes JSON. `undefined` means there is no such resource. Variables are
 * the client's words, percent-decoded: no segment of them is `..`, but `{name}` may hold a `/`.
 */
export type ResourceHandler = (
  variables: Readonly<Record<string, string>>,
  ctx: Context & { readonly uri: string },
) => MaybePromise<string | Uint8Array | ReadResourceResult | object | undefined>

/** What was registered can be taken back. */
export interface Registration {
  /** Takes it back. Listening clients are not told: call `notify` for that. */
  remove(): void
}

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
}

export interface Prompt {
  readonly name: string
  readonly options: PromptOptions
  readonly input: Validator | undefined
  readonly arguments: readonly { name: string; description?: string; required?: boolean }[]
  readonly handler: PromptHandler<undefined>
}

export interface Resource {
  /** A URI, or a URI template. */
  readonly uri: string
  readonly options: ResourceOptions
  readonly template: UriTemplate | undefined
  readonly handler: ResourceHandler
}

/** Everything one server offers, by name; a Map, so that `constructor` and `__proto__` are just names. */
export class Registry {
  readonly tools = new Map<string, Tool>()
  readonly prompts = new Map<string, Prompt>()
  readonly resources = new Map<string, Resource>()
  readonly templates = new Map<string, Resource>()
  readonly #written = new Map<string, string>()

  add<T>(map: Map<string, T>, name: string, value: T): Registration {
    if (map.has(name)) throw new TypeError(`"${name}" is registered already`)
    map.set(name, value)
    this.#written.clear()
    return {
      remove: () => {
        if (map.get(name) !== value) return
        map.delete(name)
        this.#written.clear()
      },
    }
  }

  /**
   * A text made of what is registered: written at the first request for it, and again when that changes,
   * or when there are too many. Clients choose the pages: one for each item could be asked for.
   */
  cachedJson(name: string, write: () => string): string {
    const known = this.#written.get(name)
    if (known !== undefined) return known
    const text = write()
    if (this.#written.size >= MOST_WRITTEN) this.#written.clear()
    this.#written.set(name, text)
    return text
  }
}

/** Texts kept: the first pages for every revision several times over. */
const MOST_WRITTEN = 100

/** 1 to 128 characters (B60); the slash is there because clients in the field use it (H6). */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/

/** Takes no arguments, and refuses any, as its schema says. Some clients need `properties`, although empty. */
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
  if (options.timeout !== undefined) requireTimer(`timeout of tool "${name}"`, options.timeout)
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
  }
}

/** Timers hold 31 bits: beyond them, an endless wait would be none at all. */
export function requireTimer(name: string, milliseconds: number): void {
  if (milliseconds > 0 && milliseconds < 2 ** 31) return
  throw new TypeError(`${name} must be from 1 to ${2 ** 31 - 1} milliseconds, not ${milliseconds}`)
}

export function createPrompt<I extends Schema | undefined>(
  name: string,
  options: PromptOptions<I>,
  handler: PromptHandler<I>,
): Prompt {
  if (!name) throw new TypeError('A prompt needs a name')
  const what = `Prompt "${name}"`
  checkDefinition(what, 'prompt(name', options, PROMPT_OPTIONS, handler)
  const input = options.input && createObjectValidator(options.input, `Input of prompt "${name}"`)
  const properties = propertiesOf(input?.jsonSchema)
  for (const [argument, { type }] of properties) {
    if (type === undefined || [type].flat().includes('string')) continue
    throw new TypeError(
      `${what}: argument "${argument}" is of type ${JSON.stringify(type)}, but clients send strings: take a string and convert it, as v.pipe(v.string(), v.toNumber()) does`,
    )
  }
  requireCompleters(
    what,
    options.complete,
    properties.map(([argument]) => argument),
    'argument',
  )
  const required = (input?.jsonSchema.required ?? []) as string[]
  return {
    name,
    options: options as PromptOptions,
    input,
    arguments: properties.map(([argument, { description }]) => ({
      name: argument,
      ...(typeof description === 'string' && { description }),
      required: required.includes(argument),
    })),
    handler: handler as unknown as PromptHandler<undefined>,
  }
}

/** Checks a resource's definition. Throws a `TypeError` that names the resource and what to change. */
export function createResource(
  uri: string,
  options: ResourceOptions,
  handler: ResourceHandler,
): Resource {
  const template = uri.includes('{') ? parseUriTemplate(uri) : undefined
  if (!template && !URL.canParse(uri)) throw new TypeError(`Not an absolute URI: ${uri}`)
  const what = `Resource "${uri}"`
  checkDefinition(what, 'resource(uri', options, RESOURCE_OPTIONS, handler)
  requireText(what, options, 'name', 'clients show it')
  requireCompleters(what, options.complete, template?.names ?? [], 'variable')
  return { uri, options, template, handler }
}

function withSessionArgument(name: string, schema: JsonSchema): JsonSchema {
  if (propertiesOf(schema).some(([property]) => property === 'session')) {
    throw new TypeError(`Tool "${name}" has an argument "session" of its own beside session: true`)
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
