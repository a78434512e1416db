/** `completion/complete`: values for an argument of a prompt or a variable of a resource template. */

import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import { requirePrompt } from './prompts-get.ts'
import { writeResult } from './results.ts'

/** Values in one response at most (B55). */
const MOST_VALUES = 100

export async function complete(call: Call): Promise<string> {
  const { ref, argument, context } = call.params
  if (!isObject(ref)) throw invalidParams('ref must be an object')
  if (!isObject(argument)) throw invalidParams('argument must be an object')
  const { name, value } = argument
  if (typeof name !== 'string' || typeof value !== 'string') {
    throw invalidParams('argument.name and argument.value must be strings')
  }
  const completers = completersOf(call, ref)
  const completer = Object.hasOwn(completers, name) ? completers[name] : undefined
  if (!completer) return writeValues(call, [])
  const given = isObject(context) && isObject(context.arguments) ? context.arguments : {}
  try {
    const values = await runHandler(call, 'Completion', call.server.limits.call, () =>
      completer(value, { arguments: given as Record<string, string> }),
    )
    return writeValues(call, values)
  } catch (error) {
    throw toMcpError(error)
  }
}

function writeValues(call: Call, values: readonly string[]): string {
  return writeResult(call, {
    completion: {
      values: values.slice(0, MOST_VALUES),
      total: values.length,
      hasMore: values.length > MOST_VALUES,
    },
  })
}

function completersOf({ server }: Call, ref: { readonly [key: string]: unknown }) {
  if (ref.type === 'ref/prompt') return requirePrompt(server, ref.name).options.complete ?? {}
  if (ref.type === 'ref/resource') {
    const uri = typeof ref.uri === 'string' ? ref.uri : ''
    const { templates, resources } = server.registry
    const resource = templates.get(uri) ?? resources.get(uri)
    if (!resource) throw invalidParams(`Unknown resource template: ${clip(uri)}`)
    return resource.options.complete ?? {}
  }
  throw invalidParams('ref.type must be ref/prompt or ref/resource')
}
