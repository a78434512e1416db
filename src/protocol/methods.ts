/** The methods of the protocol: a table that says which function answers a method in each era. */
import { lazyImport } from '../lib/lazy-import.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Server } from '../server.ts'
import type { Call, LegacyMethodCall, ModernMethodCall } from './call.ts'
import { methodNotFound } from './errors.ts'
import { EMPTY_RESULT } from './results.ts'
import { callTool } from './tools-call.ts'

/** Answers a call with the JSON text of its result. */
type Method<C extends Call> = (call: C) => MaybePromise<string>

interface Row {
  readonly legacy?: Method<LegacyMethodCall>
  readonly modern?: Method<ModernMethodCall>
  /** Whether the method may send requests to the client in 2026 (C28). */
  readonly asks?: true
}

const both = (method: Method<Call>): Row => ({ legacy: method, modern: method })

/** A client lists the tools once, and calls them often: its first call need not wait for this code. */
const toolsList = lazyImport(() => import('./tools-list.ts'))
const listTools = async (call: Call) => (await toolsList()).listTools(call)

/** Most servers have only tools, so the code of other methods is loaded at their first call. */
const further = lazyImport(() => import('./further-methods.ts'))
// Clients ask for it once.
const discovery = lazyImport(() => import('./server-discover.ts'))
const discover = async (call: ModernMethodCall) => (await discovery()).discover(call)

type Further = typeof import('./further-methods.ts')

/** A method of both eras that is loaded at its first call. */
const later = (name: Exclude<keyof Further, LegacyName>): Row =>
  both(async (call) => (await further())[name](call))

/** The same for methods of 2025 alone. */
type LegacyName = 'setLogLevel' | 'subscribe' | 'unsubscribe'
const laterLegacy = (name: LegacyName): Row => ({
  legacy: async (call) => (await further())[name](call),
})

const tasks = lazyImport(() => import('../tasks/extension.ts'))
const callTaskMethod = async (call: Call) => (await tasks()).callTaskMethod(call)

const ping = () => EMPTY_RESULT

export const METHODS: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['ping', { legacy: ping }],
  ['server/discover', { modern: discover }],
  ['logging/setLevel', laterLegacy('setLogLevel')],
  ['completion/complete', later('complete')],
  ['tools/list', both(listTools)],
  ['tools/call', { ...both(callTool), asks: true }],
  ['prompts/list', later('listPrompts')],
  ['prompts/get', { ...later('getPrompt'), asks: true }],
  ['resources/list', later('listResources')],
  ['resources/templates/list', later('listResourceTemplates')],
  ['resources/read', { ...later('readResource'), asks: true }],
  ['tasks/get', both(callTaskMethod)],
  ['tasks/result', { legacy: callTaskMethod }],
  ['tasks/update', { modern: callTaskMethod }],
  ['tasks/cancel', both(callTaskMethod)],
  ['resources/subscribe', laterLegacy('subscribe')],
  ['resources/unsubscribe', laterLegacy('unsubscribe')],
])

/** The row of a method. Where there are extensions, a method that the protocol does not know may be one of theirs. */
export function methodRow({ registry }: Server, method: string): Row | undefined {
  return METHODS.get(method) ?? (registry.extensions?.row as Row | undefined)
}

/** Runs the method of a call. Synchronous where the method is; see `dispatch` in `http/dispatch.ts`. */
export function runMethod(call: Call): MaybePromise<string> {
  const row = methodRow(call.server, call.method)
  if (call.era === 'legacy') {
    if (row?.legacy) return row.legacy(call)
  } else if (row?.modern) return row.modern(call)
  throw methodNotFound(call.method)
}
