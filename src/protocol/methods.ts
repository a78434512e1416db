/** The methods of the protocol: a table, one row a method, saying what each era makes of it. */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Server } from '../server.ts'
import type { Call, Result } from './call.ts'
import { complete } from './completion-complete.ts'
import { invalidParams, methodNotFound } from './errors.ts'
import type { ListName } from './lists.ts'
import { listPage } from './lists.ts'
import { getPrompt } from './prompts-get.ts'
import { LONGEST_FOLLOWED, MOST_FOLLOWED, readResource, requireResource } from './resources-read.ts'
import type { Era } from './revisions.ts'
import { MODERN_REVISIONS } from './revisions.ts'
import { callTool } from './tools-call.ts'
import { isLogLevel } from './types.ts'

type Row = {
  readonly [era in Era]?: (call: Call) => MaybePromise<Result>
} & {
  /** May ask the client for input in the modern era (C28). */
  readonly asks?: true
}

const both = (run: (call: Call) => MaybePromise<Result>): Row => ({ legacy: run, modern: run })

export const METHODS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['ping', { legacy: () => '{}' }],
  ['server/discover', { modern: discover }],
  ['logging/setLevel', { legacy: setLogLevel }],
  ['completion/complete', both(complete)],
  ['tools/list', both(list('tools'))],
  ['tools/call', { ...both(callTool), asks: true }],
  ['prompts/list', both(list('prompts'))],
  ['prompts/get', { ...both(getPrompt), asks: true }],
  ['resources/list', both(list('resources'))],
  ['resources/templates/list', both(list('resourceTemplates'))],
  ['resources/read', { ...both(readResource), asks: true }],
  ['resources/subscribe', { legacy: subscribe }],
  ['resources/unsubscribe', { legacy: unsubscribe }],
])

/** What the server says it can do: exactly what the table above would answer (B57, C25). */
export function capabilities(server: Server, era: Era): object {
  const { tools, prompts, resources, templates } = server.registry
  const news = server.listening && { listChanged: true }
  const hasResources = resources.size + templates.size > 0
  const completes = [...prompts.values(), ...templates.values()].some(
    ({ options }) => options.complete,
  )
  return {
    logging: {},
    ...(completes && { completions: {} }),
    ...(tools.size > 0 && { tools: { ...news } }),
    ...(prompts.size > 0 && { prompts: { ...news } }),
    ...(hasResources && { resources: { ...news, ...(server.listening && { subscribe: true }) } }),
    ...(era === 'modern' && { extensions: {} }),
  }
}

function list(name: ListName) {
  const [feature, method] =
    name === 'resourceTemplates'
      ? (['resources', 'resources/templates/list'] as const)
      : ([name, `${name}/list`] as const)
  return ({ server, revision, params }: Call): string => {
    const { registry } = server
    const offered =
      feature === 'resources'
        ? registry.resources.size + registry.templates.size > 0
        : registry[feature].size > 0
    if (!offered) throw methodNotFound(method)
    return listPage(server, name, revision, params.cursor)
  }
}

function discover({ server }: Call): object {
  return {
    supportedVersions: MODERN_REVISIONS,
    capabilities: capabilities(server, 'modern'),
    instructions: server.instructions,
    ...server.cache,
  }
}

async function setLogLevel(call: Call): Promise<string> {
  const { level } = call.params
  if (!isLogLevel(level)) throw invalidParams('Invalid log level')
  await call.setLogLevel?.(level)
  return '{}'
}

async function subscribe(call: Call): Promise<string> {
  if (!call.server.listening) throw methodNotFound('resources/subscribe')
  const uri = requireUri(call)
  requireResource(call.server, call.era, uri)
  await call.setSubscriptions?.((uris) => {
    if (uris.includes(uri)) return uris
    const length = uris.reduce((sum, other) => sum + other.length, uri.length)
    if (uris.length >= MOST_FOLLOWED || length > LONGEST_FOLLOWED) {
      const most = `${MOST_FOLLOWED} resources, of ${LONGEST_FOLLOWED} characters together`
      throw invalidParams(`A session can subscribe to ${most} at most`)
    }
    return [...uris, uri]
  })
  return '{}'
}

async function unsubscribe(call: Call): Promise<string> {
  if (!call.server.listening) throw methodNotFound('resources/unsubscribe')
  const uri = requireUri(call)
  await call.setSubscriptions?.((uris) => uris.filter((other) => other !== uri))
  return '{}'
}

function requireUri({ params }: Call): string {
  if (typeof params.uri !== 'string') throw invalidParams('uri must be a string')
  return params.uri
}
