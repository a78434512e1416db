/** `prompts/get`. */
import { text } from '../handlers/content.ts'
import type { Prompt, PromptReturn } from '../handlers/registry.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Server } from '../server.ts'
import type { Call, Result } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import type { Params } from './jsonrpc.ts'
import { writeResult } from './results.ts'
import { has } from './revisions.ts'
import { withoutLink } from './tools-call.ts'
import type { GetPromptResult } from './types.ts'

export function requirePrompt({ registry }: Server, name: unknown): Prompt {
  if (typeof name !== 'string') throw invalidParams('name must be a string')
  const prompt = registry.prompts.get(name)
  if (!prompt) throw invalidParams(`Unknown prompt: ${clip(name)}`)
  return prompt
}

export async function getPrompt(call: Call): Promise<Result> {
  const prompt = requirePrompt(call.server, call.params.name)
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
      const result = toPromptResult(await prompt.handler(args, call.context()), prompt)
      return writeResult(call.server, call.era, shape(result, call))
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

/** Without content that the client's revision does not know (B64). */
function shape(result: GetPromptResult, { revision }: Call): GetPromptResult {
  if (has.resourceLinks(revision)) return result
  const messages = result.messages.map((message) => ({
    ...message,
    content: withoutLink(message.content),
  }))
  return { ...result, messages }
}
