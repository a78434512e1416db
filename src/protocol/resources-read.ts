/** `resources/read`, and the resource that a URI names. */
import { hasMiddleware, middlewareRunner } from '../handlers/around.ts'
import { createContext } from '../handlers/call-context.ts'
import { toContents } from '../handlers/content.ts'
import type { Catalog } from '../handlers/registry.ts'
import type { Resource } from '../handlers/resource.ts'
import { runHandler, toMcpError } from '../handlers/run-handler.ts'
import { matchUri } from '../handlers/uri-match.ts'
import { isObject } from '../lib/is-object.ts'
import type { Call } from './call.ts'
import { invalidParams, resourceNotFound } from './errors.ts'
import { writeReadResult } from './results.ts'
import { requireScopes } from './scopes.ts'
import type { ReadResourceResult } from './types.ts'

interface Found {
  readonly resource: Resource
  readonly variables: Readonly<Record<string, string>>
}

/** A fixed resource takes precedence over a template that also matches. */
export function findResource({ resources, templates }: Catalog, uri: string): Found | undefined {
  const resource = resources.get(uri)
  if (resource) return { resource, variables: {} }
  for (const candidate of templates.values()) {
    const variables = candidate.template && matchUri(candidate.template, uri)
    if (variables) return { resource: candidate, variables }
  }
  return undefined
}

/** The resource that a call names. */
export function requireResource(call: Call, uri: string): Found {
  const found = findResource(call.registry, uri)
  if (!found) throw resourceNotFound(call.era, uri)
  requireScopes(call, found.resource)
  return found
}

export async function readResource(call: Call): Promise<string> {
  const { uri } = call.params
  if (typeof uri !== 'string') throw invalidParams('uri must be a string')
  const { resource, variables } = requireResource(call, uri)
  try {
    const what = `Resource ${resource.uri}`
    return await runHandler(call, what, call.server.limits.call, async () => {
      const run = async (given: Found['variables']): Promise<ReadResourceResult> => {
        const value = await resource.handler(given, Object.assign(createContext(call), { uri }))
        if (value === undefined) throw resourceNotFound(call.era, uri)
        return isReadResult(value)
          ? value
          : { contents: [toContents(uri, value, resource.options.mimeType)] }
      }
      const result = hasMiddleware(call, 'resource')
        ? await (await middlewareRunner()).callAround<'resource'>(
            call,
            { kind: 'resource', name: resource.uri, uri, arguments: variables },
            (around) => run(around.arguments),
          )
        : await run(variables)
      return writeReadResult(call, result)
    })
  } catch (error) {
    throw toMcpError(error)
  }
}

function isReadResult(value: unknown): value is ReadResourceResult {
  return isObject(value) && Array.isArray(value.contents)
}
