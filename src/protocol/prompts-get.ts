/** `prompts/get`. */
import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import { createContext } from '../handlers/call-context.ts'
import { text } from '../handlers/content.ts'
import type { Prompt, PromptReturn } from '../handlers/prompt.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import type { Params } from './jsonrpc.ts'
import { writePromptResult } from './results.ts'
import { requireScopes } from './scopes.ts'
import type { GetPromptResult } from './types.ts'

export function requirePrompt(call: Call, name: unknown): Prompt {
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  const prompt = call.registry.prompts.get(name)
  if (!prompt) throw invalidParams(`Unknown prompt: ${clip(name)}`)
  requireScopes(call, prompt)
  return prompt
}

export async function getPrompt(call: Call): Promise<string> {
  const prompt = requirePrompt(call, call.params.name)
  const { arguments: given = {} } = call.params
  if (!isObject(given)) throw invalidParams('arguments must be an object')
  let args: Params = given
  if (prompt.input) {
    const checked = await prompt.input.validate(given)
    if (!checked.ok) throw invalidParams(`Invalid arguments: ${checked.issues.join('; ')}`)
    args = checked.value as Params
  }
  try {
    return await runHandler(call, `Prompt ${prompt.name}`, call.server.limits.call, async () => {
      const run = async (given: Params) =>
        toPromptResult(await prompt.handler(given, createContext(call)), prompt)
      const { name } = prompt
      const result = hasMiddleware(call, 'prompt')
        ? await (await middlewareRunner()).callAround<'prompt'>(
            call,
            { kind: 'prompt', name, arguments: args },
            (around) => run(around.arguments),
          )
        : await run(args)
      return writePromptResult(call, result)
    })
  } catch (error) {
    throw toMcpError(error)
  }
}

function toPromptResult(value: PromptReturn, { options }: Prompt): GetPromptResult {
  if (isObject(value) && 'messages' in value) return value as unknown as GetPromptResult
  const messages = Array.isArray(value)
    ? value
    : [
        {
          role: 'user' as const,
          content: typeof value === 'string' ? text(value) : (value as ReturnType<typeof text>),
        },
      ]
  return { description: options.description, messages }
}
