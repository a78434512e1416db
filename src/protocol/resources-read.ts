/** `resources/read`, and finding the resource a URI names. */
import { toContents } from '../handlers/content.ts'
import type { Resource } from '../handlers/registry.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { isObject } from '../lib/is-object.ts'
import type { Server } from '../server.ts'
import type { Call, Result } from './call.ts'
import { invalidParams, resourceNotFound } from './errors.ts'
import { writeResult } from './results.ts'
import type { Era } from './revisions.ts'
import type { ReadResourceResult } from './types.ts'

/** Resources that one listener, or one session, may follow: each of the server's news is looked up among them. */
export const MOST_FOLLOWED = 500

/** Characters of their URIs together: they are kept as long as the listener, and read with each call of the session. */
export const LONGEST_FOLLOWED = 100_000

interface Found {
  readonly resource: Resource
  readonly variables: Readonly<Record<string, string>>
}

/** A fixed resource goes before a template that would match it too. */
export function requireResource({ registry }: Server, era: Era, uri: string): Found {
  const resource = registry.resources.get(uri)
  if (resource) return { resource, variables: {} }
  for (const candidate of registry.templates.values()) {
    const variables = candidate.template?.match(uri)
    if (variables) return { resource: candidate, variables }
  }
  throw resourceNotFound(era, uri)
}

export async function readResource(call: Call): Promise<Result> {
  const { uri } = call.params
  if (typeof uri !== 'string') throw invalidParams('uri must be a string')
  const { resource, variables } = requireResource(call.server, call.era, uri)
  try {
    const what = `Resource ${resource.uri}`
    return await runHandler(call, what, call.server.limits.call, async () => {
      const value = await resource.handler(variables, Object.assign(call.context(), { uri }))
      if (value === undefined) throw resourceNotFound(call.era, uri)
      const result: ReadResourceResult = isReadResult(value)
        ? value
        : { contents: [toContents(uri, value, resource.options.mimeType)] }
      // what a handler reads is its own affair: nobody may keep it without being told
      const caching = call.era === 'modern' && { ttlMs: 0, cacheScope: 'private' }
      return writeResult(call.server, call.era, { ...caching, ...result })
    })
  } catch (error) {
    throw toMcpError(error)
  }
}

function isReadResult(value: unknown): value is ReadResourceResult {
  return isObject(value) && Array.isArray(value.contents)
}
