/**
 * What the definitions of tools, prompts and resources have in common, and their checks: a mistake is an
 * error at registration that says what to change.
 */
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Icon, Meta } from '../protocol/types.ts'

/** Options that tools, prompts and resources share. */
export interface Described {
  /** A name for people (clients from 2025-06-18 on). */
  title?: string
  /** Images that clients may show (clients from 2025-11-25 on). */
  icons?: Icon[]
  /** Metadata for clients that know it (clients from 2025-06-18 on). */
  _meta?: Meta
}

/**
 * Suggests values for an argument or a variable. `value` is the text that a person has typed so far, and
 * `context.arguments` are the arguments that are already filled in. Clients get the first 100 values (B55).
 *
 * @example (value) => cities.filter((city) => city.startsWith(value))
 */
export type Completer = (
  value: string,
  context: { arguments: Readonly<Record<string, string>> },
) => MaybePromise<readonly string[]>

/** Options of every kind, and those of one kind. One text each, because that is shorter for every start. */
const SHARED_OPTIONS = 'title description icons _meta scopes stepUp visible'
const optionsOf = (more: string) => new Set(`${SHARED_OPTIONS} ${more}`.split(' '))

export const TOOL_OPTIONS = optionsOf(
  'input output annotations session headers timeout task idempotent idempotentFor listed ui limits',
)
export const PROMPT_OPTIONS = optionsOf('input complete')
export const RESOURCE_OPTIONS = optionsOf('name mimeType annotations size list complete')

/** Names that other libraries have for these options. `inputSchema` and `outputSchema` begin as ours do. */
const OTHER_NAMES = new Map([
  ['parameters', 'input'],
  ['argsSchema', 'input'],
  ['arguments', 'input'],
])

/**
 * Throws a `TypeError` when the options are not an object, have an unknown member, or the handler is missing.
 *
 * @param what Names the definition: `Tool "add"`.
 * @param signature How the call begins that registers it: `tool(name`.
 */
export function checkDefinition(
  what: string,
  signature: string,
  options: unknown,
  known: ReadonlySet<string>,
  handler: unknown,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${what} needs options: mcp.${signature}, options, handler)`)
  }
  requireKnown(what, options, known)
  if (typeof handler !== 'function') {
    throw new TypeError(`${what} needs a handler: mcp.${signature}, options, handler)`)
  }
}

/** Throws a `TypeError` for an unknown option, with the names that begin as it does, or all names. */
export function requireKnown(what: string, options: object, known: ReadonlySet<string>): void {
  for (const option of Object.keys(options)) {
    if (known.has(option)) continue
    const begin = (OTHER_NAMES.get(option) ?? option).slice(0, 3)
    const near = [...known].filter((name) => name.startsWith(begin))
    const names = near.length > 0 ? near : [...known]
    throw new TypeError(`${what} has an unknown option "${option}": use "${names.join('", "')}"`)
  }
}

/** Throws a `TypeError` when a required text is missing or empty. */
export function requireText<T extends object>(
  what: string,
  options: T,
  member: keyof T & string,
  why: string,
): void {
  const value: unknown = options[member]
  if (typeof value === 'string' && value !== '') return
  throw new TypeError(`${what} needs a ${member}: ${why}`)
}

/** Throws a `TypeError` for a completer of a name that clients cannot ask for. */
export function requireCompleters(
  what: string,
  complete: object | undefined,
  names: readonly string[],
  kind: 'argument' | 'variable',
): void {
  for (const name of Object.keys(complete ?? {})) {
    if (names.includes(name)) continue
    const known = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none'
    throw new TypeError(`${what} has a completer for "${name}", but no such ${kind}: ${known}`)
  }
}

/** Timers hold 31 bits: beyond them, an endless wait would be none at all. */
export function requireTimer(name: string, milliseconds: number): void {
  if (milliseconds > 0 && milliseconds < 2 ** 31) return
  throw new TypeError(`${name} must be from 1 to ${2 ** 31 - 1} milliseconds, not ${milliseconds}`)
}
