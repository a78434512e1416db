/** Checks of what an author registers: a mistake is an error at registration that names the cure. */

const DESCRIBED = ['title', 'description', 'icons', '_meta']

export const TOOL_OPTIONS = new Set([
  ...DESCRIBED,
  ...['input', 'output', 'annotations', 'scopes', 'session', 'headers', 'timeout'],
])
export const PROMPT_OPTIONS = new Set([...DESCRIBED, 'input', 'complete'])
export const RESOURCE_OPTIONS = new Set([
  ...DESCRIBED,
  ...['name', 'mimeType', 'annotations', 'size', 'complete'],
])

/** Names that other libraries have for these options. */
const OTHER_NAMES = new Map([
  ['inputSchema', 'input'],
  ['parameters', 'input'],
  ['argsSchema', 'input'],
  ['arguments', 'input'],
  ['outputSchema', 'output'],
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
  for (const option of Object.keys(options)) {
    if (known.has(option)) continue
    const cure = OTHER_NAMES.get(option)
    const names = cure && known.has(cure) ? `"${cure}"` : [...known].join(', ')
    throw new TypeError(`${what} has an unknown option "${option}": use ${names}`)
  }
  if (typeof handler !== 'function') {
    throw new TypeError(`${what} needs a handler: mcp.${signature}, options, handler)`)
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
