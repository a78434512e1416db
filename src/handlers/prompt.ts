/** A prompt: what an author gives, and what the registry keeps of it. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { ContentBlock, GetPromptResult, PromptMessage } from '../protocol/types.ts'
import type { Infer, Schema, Validator } from '../schema/schema.ts'
import { propertiesOf } from '../schema/schema.ts'
import { createObjectValidator } from '../schema/validator.ts'
import type { Access } from './access.ts'
import type { Context } from './context.ts'
import type { Completer, Described } from './definition.ts'
import { checkDefinition, PROMPT_OPTIONS, requireCompleters } from './definition.ts'

/** Options of a prompt. A `TypeError` at registration names an option that is unknown or wrong. */
export interface PromptOptions<I extends Schema | undefined = Schema | undefined>
  extends Described,
    Access {
  /** What the prompt is for. People choose by it. */
  description: string
  /** Schema of the arguments: an object of strings, as clients send nothing else. Without it there are none. */
  input?: I
  /** Suggests values while a person fills in an argument, by the argument's name. */
  complete?: Record<string, Completer>
}

/**
 * What a prompt's handler may return: a string or one content block, which becomes one user message; a
 * list of messages; or the whole result.
 */
export type PromptReturn = string | ContentBlock | PromptMessage[] | GetPromptResult

/**
 * Makes the messages of a prompt. `args` have passed the input schema. The client sees the message of a
 * `McpError` or a `failure()` that it throws; any other exception is only logged, under an id that the
 * client gets.
 */
export type PromptHandler<I extends Schema | undefined> = (
  args: I extends Schema ? Infer<I> : Record<string, unknown>,
  ctx: Context,
) => MaybePromise<PromptReturn>

/** A registered prompt. */
export interface Prompt {
  readonly name: string
  readonly options: PromptOptions
  readonly input: Validator | undefined
  readonly arguments: readonly { name: string; description?: string; required?: boolean }[]
  readonly handler: PromptHandler<undefined>
}

/** Checks a prompt's definition. Throws a `TypeError` that names the prompt and what to change. */
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
