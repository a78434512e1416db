/** `prompts/list`. */
import type { Prompt } from '../handlers/prompt.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Call } from './call.ts'
import { methodNotFound } from './errors.ts'
import { describedItem, listPage } from './list-page.ts'
import type { Revision } from './revisions.ts'

export function listPrompts(call: Call): MaybePromise<string> {
  const { prompts } = call.registry
  if (prompts.size === 0) throw methodNotFound(call.method)
  return listPage(call, { name: 'prompts', items: prompts, toItem })
}

function toItem({ name, options, arguments: args }: Prompt, revision: Revision): object {
  return {
    name,
    ...describedItem(options, revision),
    description: options.description,
    ...(args.length > 0 && { arguments: args }),
  }
}
