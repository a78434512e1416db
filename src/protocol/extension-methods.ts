/** The methods of extensions. Only a server with an extension reads this file. */
import { createContext } from '../handlers/call-context.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from './call.ts'
import { invalidParams, methodNotFound } from './errors.ts'
import { writeResult } from './results.ts'

export async function callExtension(call: Call): Promise<string> {
  const { server, era, revision, method, params } = call
  const found = server.registry.extensions?.method(method, revision)
  if (!found) throw methodNotFound(method)
  const { input, handler } = found
  const { _meta, ...given } = params
  const checked = input ? await input.validate(given) : { ok: true as const, value: given }
  if (!checked.ok) throw invalidParams(`Invalid params: ${checked.issues.join('; ')}`)
  const args = checked.value as Record<string, unknown>
  const caching = era === 'modern' ? server.cache : {}
  try {
    return await runHandler(call, `Method ${method}`, server.limits.call, async () => {
      const result = await handler(args, Object.assign(createContext(call), { caching }))
      if (!isObject(result)) throw new TypeError('the result of a method must be an object')
      return writeResult(call, result)
    })
  } catch (error) {
    throw toMcpError(error)
  }
}
