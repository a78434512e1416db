/** `completion/complete`: values for an argument of a prompt or a variable of a resource template. */

import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from './call.ts'
import { clip, invalidParams } from './errors.ts'
import { requirePrompt } from './prompts-get.ts'
import { writeResult } from './results.ts'
import { requireScopes } from './scopes.ts'
import type { Completion } from './types.ts'

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
  const given = (
    isObject(context) && isObject(context.arguments) ? context.arguments : {}
  ) as Record<string, string>
  const run = async () =>
    toCompletion(completer ? await completer(value, { arguments: given }) : [])
  const of = String(ref.name ?? ref.uri)
  try {
    const completion = await runHandler(call, 'Completion', call.server.limits.call, async () =>
      hasMiddleware(call, 'completion')
        ? (await middlewareRunner()).callAround<'completion'>(
            call,
            { kind: 'completion', name: of, argument: name, value, arguments: given },
            run,
          )
        : run(),
    )
    return writeResult(call, { completion })
  } catch (error) {
    throw toMcpError(error)
  }
}

function toCompletion(values: readonly string[]): Completion {
  return {
    values: values.slice(0, MOST_VALUES),
    total: values.length,
    hasMore: values.length > MOST_VALUES,
  }
}

function completersOf(call: Call, ref: { readonly [key: string]: unknown }) {
  if (ref.type === 'ref/prompt') return requirePrompt(call, ref.name).options.complete ?? {}
  if (ref.type === 'ref/resource') {
    const uri = typeof ref.uri === 'string' ? ref.uri : ''
    const { templates, resources } = call.registry
    const resource = templates.get(uri) ?? resources.get(uri)
    if (!resource) throw invalidParams(`Unknown resource template: ${clip(uri)}`)
    requireScopes(call, resource)
    return resource.options.complete ?? {}
  }
  throw invalidParams('ref.type must be ref/prompt or ref/resource')
}
